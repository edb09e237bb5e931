"""The rules on usage (USG)."""


class UsageMissing:
    """Usage was asked for and never comes.

    ## What it does
    If the request has `stream_options.include_usage`, looks for usage in a stream that ended by
    itself and without an error.

    ## Why is this bad?
    Nobody knows what the call cost.

    ## Example
    `"stream_options":{"include_usage":true}` asked, no chunk with `usage`.

    ## What to do
    Servers: honour it. Clients: count the tokens yourself, and say that you did.

    ## Source
    OpenAI API reference, `stream_options.include_usage`.
    """


class UsageNotAsked:
    """Usage comes that was not asked for.

    ## What it does
    Reports usage in a stream whose request has no `stream_options.include_usage`.

    ## Why is this bad?
    A client may not expect the chunk without choices that brings it. Usage itself does no harm.

    ## Example
    A last chunk with `"choices":[]` and usage.

    ## What to do
    Clients: expect chunks without choices.

    ## Source
    OpenAI API reference, `stream_options.include_usage`.
    """


class UsageOnChoiceChunk:
    """Usage comes on a chunk with choices.

    ## What it does
    Reports a chunk with usage whose `choices` is not empty. Not where the request has
    `continuous_usage_stats`.

    ## Why is this bad?
    Clients that look for usage on a chunk without choices, as the contract says, find none.

    ## Example
    `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{…}}`

    ## What to do
    Servers: send usage on a chunk of its own, before `[DONE]`. Clients: take usage wherever it is.

    ## Source
    OpenAI API reference, `include_usage`: "the choices field will always be an empty array". 110 of
    1,858 real streams.
    """


class UsageRepeated:
    """Usage comes more than once.

    ## What it does
    Counts the chunks with usage, unless the request has `continuous_usage_stats`.

    ## Why is this bad?
    A client that adds them up counts the cost twice.

    ## Example
    Usage on the finish chunk, and again on a chunk without choices.

    ## What to do
    Servers: send it once. Clients: take the last, do not add them up.

    ## Source
    OpenAI API reference, `include_usage`: "an additional chunk". 10 of 1,858 real streams.
    """


class UsageOnEveryChunk:
    """Usage comes on every chunk.

    ## What it does
    Reports streams of three chunks or more with usage on all of them, or on all but one, unless the
    request has `continuous_usage_stats`.

    ## Why is this bad?
    A client that adds them up counts each token many times.

    ## Example
    `"usage":{"completion_tokens":1,…}`, `"usage":{"completion_tokens":2,…}` and so on.

    ## What to do
    Servers: send null on all but the last. Clients: take the last, do not add them up.

    ## Source
    OpenAI API reference, `include_usage`: "All other chunks will also include a usage field, but
    with a null value".
    """


class UsageNotLast:
    """A chunk comes after usage.

    ## What it does
    Checks whether chunks come after the last usage.

    ## Why is this bad?
    Clients that stop at usage lose these chunks; openai-python's accumulator loses the usage.

    ## Example
    A chunk with the result of the moderation, after the one with usage.

    ## What to do
    Servers: send usage last, before `[DONE]`. Clients: read up to `[DONE]`.

    ## Source
    OpenAI API reference, `include_usage`: "before the data: [DONE] message". 1 of 1,858 real
    streams.
    """


class UsageNullAbsent:
    """Chunks without the key `usage`, where usage came or was asked for.

    ## What it does
    Looks for the key in every chunk if usage was asked for, or if it came. A first chunk with a
    content filter's results for the prompt needs none. Checked only if the recording holds the
    provider's own bytes.

    ## Why is this bad?
    By the contract, every chunk has the key, with null until the last; strict clients require it.

    ## Example
    `{"choices":[{"index":0,"delta":{"content":"Yes"},"finish_reason":null}],…}` without `usage`.

    ## What to do
    Servers: send `"usage": null`. Clients: treat a missing key as null.

    ## Source
    OpenAI API reference, `include_usage`: "All other chunks will also include a usage field, but
    with a null value". OpenAI, Azure, DeepSeek and Together do so; 137 of 224 real streams do not.
    """


class TotalMismatch:
    """The total is not the sum of prompt and completion.

    ## What it does
    Compares `total_tokens` with `prompt_tokens` + `completion_tokens`.

    ## Why is this bad?
    Accounts kept by the parts and accounts kept by the total differ. Mostly, reasoning is counted
    beside completion, while by the contract it is a part of it.

    ## Example
    `{"prompt_tokens":496,"completion_tokens":77,"total_tokens":694}`, with 121 tokens of reasoning.

    ## What to do
    Servers: count reasoning as completion. Clients: compute the cost by the provider's own rule.

    ## Source
    OpenAI API reference, `total_tokens`: "(prompt + completion)". 16 of 16 real streams of xAI.
    """


class ReasoningAbove:
    """There are more reasoning tokens than completion tokens.

    ## What it does
    Compares `completion_tokens_details.reasoning_tokens` with `completion_tokens`.

    ## Why is this bad?
    Reasoning is a part of completion: the number of tokens left for the answer is below zero.

    ## Example
    `{"completion_tokens":77,"completion_tokens_details":{"reasoning_tokens":121}}`

    ## What to do
    Servers: count reasoning as completion. Clients: expect this when you subtract.

    ## Source
    OpenAI API reference, `completion_tokens_details`: "Breakdown of tokens used in a completion".
    26 of 1,858 real streams.
    """


class UsageNoObject:
    """Usage is not an object.

    ## What it does
    Expects `usage` to be an object or null.

    ## Why is this bad?
    Clients look up fields in it without checking.

    ## Example
    `"usage": 18`, `"usage": []`

    ## What to do
    Send the object, or null.

    ## Source
    OpenAI's OpenAPI description, `CompletionUsage`.
    """


class UsageFieldUnknown:
    """Usage has fields that the contract does not know.

    ## What it does
    Lists fields of usage that are not in OpenAI's OpenAPI description and not null.

    ## Why is this bad?
    A client that keeps only the fields it knows loses them, often the cost of the call. Extra
    fields themselves are allowed.

    ## Example
    `cost`, `estimated_cost`, `is_byok`, `queue_time`, `prompt_cache_hit_tokens`

    ## What to do
    Clients: keep the whole object.

    ## Source
    OpenAI's OpenAPI description, `CompletionUsage.properties`.
    """


class CostDiffers:
    """The reported cost differs from the list price.

    ## What it does
    Compares the cost that the provider reports (`cost`, `estimated_cost`, `cost_in_usd_ticks`) with
    the cost of the tokens by its list price on the day of the answer. Reports a difference of more
    than 1 %, a threshold that can be set. Both must be known; list prices need the extra `prices`.

    ## Why is this bad?
    One of the two is wrong: a gateway used a more expensive upstream, a plugin was charged for, a
    price has changed, or the list is out of date.

    ## Example
    `"usage":{"prompt_tokens":90,"completion_tokens":18,"cost":0.00001044}`, twice the list price.

    ## What to do
    Keep accounts by the reported cost, and ask the provider about the difference.

    ## Source
    genai-prices. Of 22 real answers that report their cost and have a list price, 17 agree with it
    to the last digit; 5, all of one gateway, do not.
    """
