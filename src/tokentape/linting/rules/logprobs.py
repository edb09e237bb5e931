"""The rules on log probabilities (LGP)."""


class LogprobsMissing:
    """Logprobs were asked for and never come.

    ## What it does
    If the request has `logprobs: true`, looks for tokens in every choice that has content.

    ## Why is this bad?
    The client can't compute what it wanted to, and null looks like "none in this chunk".

    ## Example
    `"logprobs": true` asked, `"logprobs": null` in every choice.

    ## What to do
    Servers: refuse what you do not support, with HTTP status 400.

    ## Source
    OpenAI API reference, `logprobs`. 4 real streams of watsonx.
    """


class LogprobsMismatch:
    """The logprobs do not belong to the text.

    ## What it does
    Joins the tokens of a choice (their `bytes` where given) and compares them with its content,
    over the whole stream: a token may come a chunk before or after its text.

    ## Why is this bad?
    The probabilities are shown with the wrong words.

    ## Example
    `"delta":{"content":"Hello"}` with `"logprobs":{"content":[{"token":"<|channel|>",…}]}`

    ## What to do
    Servers: send the tokens that make up the text, and no others.

    ## Source
    OpenAI API reference, `logprobs.content`: "message content tokens with log probability
    information". 3 of 68 real streams of Bedrock break it.
    """


class LogprobsKeyMissing:
    """Logprobs lack `content` or `refusal`.

    ## What it does
    Looks for both keys if `logprobs` is an object. Checked only if the recording holds the
    provider's own bytes.

    ## Why is this bad?
    Both are required, either may be null; strict clients refuse the chunk.

    ## Example
    `"logprobs":{"content":[…]}`

    ## What to do
    Also send `"refusal": null`.

    ## Source
    OpenAI's OpenAPI description, `choices.items.properties.logprobs.required`.
    """


class LogprobsType:
    """Logprobs have the wrong type.

    ## What it does
    Expects `logprobs` to be an object or null, and its `content` an array or null.

    ## Why is this bad?
    Clients look up fields in it without checking.

    ## Example
    `"logprobs": [-0.1, -2.3]`; or the form of the older completions: `{"content": {"tokens": […]}}`

    ## What to do
    Send the form of chat completions.

    ## Source
    OpenAI's OpenAPI description, `choices.items.properties.logprobs`.
    """
