"""The rules on usage (USG)."""


class UsageMissing:
    """Usage was asked for and never came.

    ## What it does
    Where the request has `stream_options.include_usage`, looks for usage in a stream that ended by
    itself and without an error.

    ## Why is this bad?
    What the call cost is not known.

    ## Example
    `"stream_options":{"include_usage":true}` asked, no chunk with `usage`.

    ## What to do
    Servers: honour it. Clients: count for yourself, and say that you did.

    ## Source
    OpenAI API reference, `stream_options.include_usage`.
    """


class UsageNotAsked:
    """Usage came that was not asked for.

    ## What it does
    Reports usage in a stream whose request has no `stream_options.include_usage`.

    ## Why is this bad?
    It is not, but a chunk without choices may come as a surprise.

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
    Reports a chunk with usage whose `choices` is not empty.

    ## Why is this bad?
    Clients that look for usage where there are no choices, as the contract has it, find none.

    ## Example
    `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{…}}`

    ## What to do
    Servers: send usage on a chunk of its own, before `[DONE]`. Clients: take usage wherever it is.

    ## Source
    OpenAI API reference, `include_usage`: "the choices field will always be an empty array". 110
    of 1,858 real streams.
    """


class UsageRepeated:
    """Usage comes more than once.

    ## What it does
    Counts chunks with usage. Not where the request has `continuous_usage_stats`.

    ## Why is this bad?
    A client that adds them up pays twice in its books.

    ## Example
    Usage on the finish chunk, and again on a chunk without choices.

    ## What to do
    Servers: send it once. Clients: take the last, add nothing.

    ## Source
    OpenAI API reference, `include_usage`: "an additional chunk". 10 of 1,858 real streams.
    """


class UsageOnEveryChunk:
    """Usage comes on every chunk.

    ## What it does
    Reports streams of three chunks or more that have usage on all, one excepted. Not where the
    request has `continuous_usage_stats`.

    ## Why is this bad?
    A client that adds them up counts each token many times.

    ## Example
    `"usage":{"completion_tokens":1,…}`, `"usage":{"completion_tokens":2,…}` and so on.

    ## What to do
    Servers: send null on all but the last. Clients: take the last, add nothing.

    ## Source
    OpenAI API reference, `include_usage`: "All other chunks will also include a usage field, but
    with a null value".
    """


class UsageNotLast:
    """A chunk comes after usage.

    ## What it does
    Looks whether chunks come behind the last usage.

    ## Why is this bad?
    Clients that stop at usage lose them; openai-python's accumulator loses the usage.

    ## Example
    A chunk with the moderation's result, behind that with usage.

    ## What to do
    Servers: send usage last, before `[DONE]`. Clients: read to `[DONE]`.

    ## Source
    OpenAI API reference, `include_usage`: "before the data: [DONE] message". 1 of 1,858 real
    streams.
    """


class UsageNullAbsent:
    """Chunks without the key `usage`, in a stream that has usage.

    ## What it does
    Looks for the key in every chunk where usage was asked for, or where it came. A first chunk with
    what a filter said of the prompt needs none. Only where the recording holds the provider's own
    bytes.

    ## Why is this bad?
    The contract has the key in each, null until the last; strict clients require it.

    ## Example
    `{"choices":[{"index":0,"delta":{"content":"Yes"},"finish_reason":null}],…}` without `usage`.

    ## What to do
    Servers: send `"usage": null`. Clients: take an absent key for null.

    ## Source
    OpenAI API reference, `include_usage`: "All other chunks will also include a usage field, but
    with a null value". OpenAI, Azure, DeepSeek and Together do so; 137 of 224 real streams do not.
    """


class TotalMismatch:
    """The total is not the sum.

    ## What it does
    Compares `total_tokens` with `prompt_tokens` + `completion_tokens`.

    ## Why is this bad?
    Books kept by the parts and books kept by the total differ; mostly reasoning stands beside
    completion, where the contract has it within.

    ## Example
    `{"prompt_tokens":496,"completion_tokens":77,"total_tokens":694}`, with 121 of reasoning.

    ## What to do
    Servers: count reasoning as completion. Clients: compute cost by the provider's own rule.

    ## Source
    OpenAI API reference, `total_tokens`: "(prompt + completion)". 16 of 16 real streams of xAI.
    """


class ReasoningAbove:
    """More reasoning than completion.

    ## What it does
    Compares `completion_tokens_details.reasoning_tokens` with `completion_tokens`.

    ## Why is this bad?
    Reasoning is a part of completion: what is left for the answer is below zero.

    ## Example
    `{"completion_tokens":77,"completion_tokens_details":{"reasoning_tokens":121}}`

    ## What to do
    Servers: count reasoning as completion. Clients: guard against it where you subtract.

    ## Source
    OpenAI API reference, `completion_tokens_details`: "Breakdown of tokens used in a completion".
    26 of 1,858 real streams.
    """


class UsageNoObject:
    """Usage is no object.

    ## What it does
    Expects an object or null at `usage`.

    ## Why is this bad?
    Clients look up fields in it at once.

    ## Example
    `"usage": 18`, `"usage": []`

    ## What to do
    Send the object, or null.

    ## Source
    OpenAI's OpenAPI description, `CompletionUsage`.
    """


class UsageFieldUnknown:
    """Usage with fields beside the contract's.

    ## What it does
    Lists fields of usage that OpenAI's description does not know and that are not null.

    ## Why is this bad?
    It is not: what a call cost often stands there. A client that keeps only what it knows loses it.

    ## Example
    `cost`, `estimated_cost`, `is_byok`, `queue_time`, `prompt_cache_hit_tokens`

    ## What to do
    Clients: keep the whole object.

    ## Source
    OpenAI's OpenAPI description, `CompletionUsage.properties`.
    """


class CostDiffers:
    """The sum that is reported is not the list price.

    ## What it does
    Compares what the provider says that it took (`cost`, `estimated_cost`, `cost_in_usd_ticks`)
    with what the tokens come to by its list price on the day of the answer. More than 1 % apart is
    reported, a threshold that can be set. Only where both are known; list prices need the extra
    `prices`.

    ## Why is this bad?
    Somebody's books are wrong: a gateway went to a dearer upstream, a plugin was charged for, a
    price has changed, or the list is out of date.

    ## Example
    `"usage":{"prompt_tokens":90,"completion_tokens":18,"cost":0.00001044}`, twice the list price.

    ## What to do
    Keep books by what is reported, and ask the provider about the rest.

    ## Source
    genai-prices. Of 22 real answers that say their cost and have a list price, 17 agree with it
    to the last digit, 5 of one gateway do not.
    """
