"""The rules on log probabilities (LGP)."""


class LogprobsMissing:
    """Logprobs were asked for and never came.

    ## What it does
    Where the request has `logprobs: true`, looks for tokens with every choice that says something.

    ## Why is this bad?
    What the client wants to compute can't be, and null looks like "none here".

    ## Example
    `"logprobs": true` asked, `"logprobs": null` in every choice.

    ## What to do
    Servers: refuse what you do not do, with HTTP status 400.

    ## Source
    OpenAI API reference, `logprobs`. 4 real streams of watsonx.
    """


class LogprobsMismatch:
    """The logprobs are not those of the text.

    ## What it does
    Joins the tokens of a choice (their `bytes` where given) and compares them with its content,
    over the whole stream: a token may come a chunk before or after its text.

    ## Why is this bad?
    Probabilities are shown at the wrong words.

    ## Example
    `"delta":{"content":"Hello"}` with `"logprobs":{"content":[{"token":"<|channel|>",…}]}`

    ## What to do
    Servers: send the tokens that the text is made of, and no others.

    ## Source
    OpenAI API reference, `logprobs.content`: "message content tokens with log probability
    information". 3 of 68 real streams of Bedrock break it.
    """


class LogprobsKeyMissing:
    """Logprobs without `content` or `refusal`.

    ## What it does
    Looks for both keys where `logprobs` is an object. Only where the recording holds the provider's
    own bytes.

    ## Why is this bad?
    Both are required, either may be null; strict clients refuse the chunk.

    ## Example
    `"logprobs":{"content":[…]}`

    ## What to do
    Send `"refusal": null` too.

    ## Source
    OpenAI's OpenAPI description, `choices.items.properties.logprobs.required`.
    """


class LogprobsType:
    """Logprobs of the wrong type.

    ## What it does
    Expects an object or null at `logprobs`, an array or null at its `content`.

    ## Why is this bad?
    Clients look up fields in it at once.

    ## Example
    `"logprobs": [-0.1, -2.3]`, the older completions' form: `{"content": {"tokens": […]}}`

    ## What to do
    Send the form of chat completions.

    ## Source
    OpenAI's OpenAPI description, `choices.items.properties.logprobs`.
    """
