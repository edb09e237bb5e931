"""The rules on choices, their indexes and how they finish (CHO)."""


class IndexMissing:
    """A choice has no index.

    ## What it does
    Looks for `index` in each choice.

    ## Why is this bad?
    The chunks of several choices come in any order; only the index says whose text this is.

    ## Example
    `"choices":[{"delta":{"content":"Yes"},"finish_reason":null}]`

    ## What to do
    Send `"index": 0` if there is one choice.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices.items.required`.
    """


class IndexGap:
    """An index of a choice is skipped.

    ## What it does
    At the end, compares the indexes that came with 0, 1, 2 and so on.

    ## Why is this bad?
    Either a choice was lost, or clients that keep choices in a list put them in the wrong place.

    ## Example
    Chunks for choices 0 and 2, none for 1.

    ## What to do
    Count from 0, without gaps.

    ## Source
    OpenAI API reference: "The index of the choice in the list of choices".
    """


class IndexInvalid:
    """The index of a choice is not valid.

    ## What it does
    Expects an integer from 0 to 127, since `n` is at most 128.

    ## Why is this bad?
    A client that makes a list of that length fails, or uses up the memory; in many languages, -1
    means the last item of a list.

    ## Example
    `"index": -1`, `"index": 1000000000`, `"index": "0"`, `"index": true`

    ## What to do
    Count from 0. Clients: refuse an index beyond a limit.

    ## Source
    OpenAI's OpenAPI description: `index` is an integer, `n` at most 128.
    """


class ChoiceNoObject:
    """A choice is not an object.

    ## What it does
    Expects each item of `choices` to be an object.

    ## Why is this bad?
    Clients look up fields in it without checking.

    ## Example
    `"choices": [null]`

    ## What to do
    Send `[]` if there is nothing to say.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices.items`.
    """


class ChoiceNotAsked:
    """More choices came than were asked for.

    ## What it does
    Compares each index with the request's `n`, which is 1 if absent.

    ## Why is this bad?
    A client that asked for one answer shows the text of two as one.

    ## Example
    `"n": 1` asked, `"index": 1` answered.

    ## What to do
    Servers: honour `n`. Clients: take only the choices you asked for.

    ## Source
    OpenAI API reference, `n`: "How many chat completion choices to generate".
    """


class ChoiceCrossTalk:
    """The beginning of a choice went to another choice.

    ## What it does
    With more than one choice, looks for one that begins without a role although another began with
    one: its first chunks were sent under the other's index.

    ## Why is this bad?
    The text of two answers is mixed, and nothing can separate it again.

    ## Example
    `n: 2`; choice 0 says "WeWe need answer need to answer", choice 1 begins with " mythology" and
    has no chunk with a role.

    ## What to do
    Do not use `n` above 1 with this provider: ask several times.

    ## Source
    OpenAI API reference: the first delta of each choice carries `role`. Seen in the only recorded
    stream of Bedrock with two choices. For mixed text in choices that are both whole, see CHO319.
    """


class FinishMissing:
    """A choice never gets a `finish_reason`.

    ## What it does
    At the end of a stream that ended by itself, looks for a choice without `finish_reason`, or for
    no choice at all. An empty answer has none either.

    ## Why is this bad?
    An answer that is complete, one that was cut at the token limit and one that was lost on the way
    look the same.

    ## Example
    The last choice chunk is `{"index":0,"delta":{"content":""}}`, then usage and `[DONE]`.

    ## What to do
    Servers: send a chunk with `finish_reason` for each choice. Clients: if it is missing, treat the
    answer as cut off.

    ## Source
    OpenAI API reference, `finish_reason`: "The reason the model stopped generating tokens". 4 of
    1,858 real streams have none.
    """


class FinishDuplicate:
    """A choice finishes twice.

    ## What it does
    Reports a second `finish_reason` of the same choice.

    ## Why is this bad?
    Clients that act on it (run the tools, close the message) act twice.

    ## Example
    ```
    data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],…}

    data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{…},…}
    ```

    ## What to do
    Servers: send usage on a chunk without choices. Clients: act on the first `finish_reason` only.

    ## Source
    OpenAI API reference, "The chat completion chunk object": one chunk per choice has it. 48 of
    1,858 real streams repeat it.
    """


class ChunkAfterFinish:
    """A choice comes again after it finished.

    ## What it does
    Reports a chunk with a choice that already had its `finish_reason`.

    ## Why is this bad?
    Clients that close the message when it finishes find it closed already.

    ## Example
    A chunk with `finish_reason`, then one with `{"index":0,"delta":{"content":""}}` and usage.

    ## What to do
    Servers: send what is left on a chunk without choices.

    ## Source
    OpenAI API reference, `finish_reason`, null until the choice is complete. 48 of 1,858 real
    streams.
    """


class ContentAfterFinish:
    """A choice has content after it finished.

    ## What it does
    Reports text, reasoning or tool calls of a choice that already had its `finish_reason`.

    ## Why is this bad?
    Clients that stop at the finish lose it.

    ## Example
    `"finish_reason":"stop"`, then `"delta":{"content":" And"}`

    ## What to do
    Servers: send `finish_reason` after all content.

    ## Source
    OpenAI API reference, `finish_reason`. In none of 1,858 real streams.
    """


class FinishUnknown:
    """The contract does not know the `finish_reason`.

    ## What it does
    Compares it with stop, length, tool_calls, content_filter and function_call.

    ## Why is this bad?
    Clients with an enumeration of the known values refuse the chunk; others take it for a normal
    end.

    ## Example
    `"finish_reason": "eos"`, `"finish_reason": ""`

    ## What to do
    Servers: map your reasons to these five, and send your own in another field
    (`native_finish_reason`).

    ## Source
    OpenAI's OpenAPI description, `finish_reason`, an enumeration.
    """


class FinishWithPayload:
    """The last content comes together with the `finish_reason`.

    ## What it does
    Reports a choice's `finish_reason` that comes with text, reasoning or a tool call.

    ## Why is this bad?
    A client that looks only at the `finish_reason` of such a chunk loses the last words. Sending
    both together is allowed.

    ## Example
    `{"index":0,"delta":{"content":"."},"finish_reason":"stop"}`

    ## What to do
    Clients: handle the delta first, then the `finish_reason`.

    ## Source
    OpenAI sends an empty delta there; 40 of 1,858 real streams of others do not.
    """


class FinishKeyAbsent:
    """A choice lacks the key `finish_reason`.

    ## What it does
    Looks for the key, which is null until the choice finishes. Checked only if the recording holds
    the provider's own bytes.

    ## Why is this bad?
    The key is required; strict clients refuse the chunk.

    ## Example
    `"choices":[{"index":0,"delta":{"content":"Yes"}}]`

    ## What to do
    Send `"finish_reason": null` until there is one.

    ## Source
    OpenAI's OpenAPI description, `choices.items.required`: delta, finish_reason, index. 28 of 224
    raw streams break it.
    """


class FinishStopWithCalls:
    """The `finish_reason` is `stop`, but tools were called.

    ## What it does
    Reports `finish_reason: "stop"` of a choice with tool calls, unless the request's `tool_choice`
    named the tool: then `stop` is the contract's. Nor where it was `required`: OpenAI answered
    `stop` there in 2024.

    ## Why is this bad?
    Clients run tools when the `finish_reason` is `tool_calls`; here they show an empty answer
    instead.

    ## Example
    Fragments of a tool call, then `"finish_reason":"stop"`.

    ## What to do
    Servers: finish with `tool_calls`. Clients: check whether there are calls.

    ## Source
    OpenAI API reference, `finish_reason`: "tool_calls if the model called a tool". Older versions
    of Ollama sent `stop`.
    """


class FinishWithoutCalls:
    """The `finish_reason` is `tool_calls`, but no tool was called.

    ## What it does
    Reports `finish_reason: "tool_calls"` of a choice without tool calls. A call without an index,
    or with a value that is not valid as one, counts as a call.

    ## Why is this bad?
    A client that runs an empty list of tools and asks again may do so for ever.

    ## Example
    Text only, then `"finish_reason":"tool_calls"`.

    ## What to do
    Clients: check whether there are calls.

    ## Source
    OpenAI API reference, `finish_reason`: "tool_calls if the model called a tool".
    """


class DeltaMissing:
    """A choice has no delta.

    ## What it does
    Expects `delta` to be an object; in an answer that is not streamed, `message`.

    ## Why is this bad?
    `choice.delta.content` raises an error.

    ## Example
    `{"index":0,"finish_reason":"stop"}`, `{"index":0,"delta":null}`

    ## What to do
    Send `"delta": {}` if there is nothing to add.

    ## Source
    OpenAI's OpenAPI description, `choices.items.required`. In none of 1,858 real streams.
    """


class ChoiceFieldUnknown:
    """A choice has fields that the contract does not know.

    ## What it does
    Lists fields of a choice that are not in OpenAI's OpenAPI description and not null.

    ## Why is this bad?
    A client that keeps only the fields it knows loses them. Extra fields themselves are allowed.

    ## Example
    `native_finish_reason`, `content_filter_results`, `stop_reason`, `token_ids`

    ## What to do
    Clients: ignore fields you do not know, but keep them if you pass the chunk on.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices.items`.
    """


class ChoiceWordsDoubled:
    """Words of a choice come twice in a row.

    ## What it does
    In streams with more than one choice, counts words that stand twice in a row in one of them,
    nothing but spaces between: four or more, and 6 % or more of the choice's words, are reported.
    So are seven of 24 words that come again within four, words of a letter left out. All three are
    thresholds that can be set.

    ## Why is this bad?
    Answers to one question begin alike: if the text of two is mixed, each word comes twice. The
    structure is valid, so no other rule sees it.

    ## Example
    "We We need need to to answer answer"

    ## What to do
    Read both choices. If they are mixed, ask several times instead of using `n`.

    ## Source
    A heuristic of ours, and a weak one. Of the texts of 74 real streams and 40 documents it reports
    none; five words of 24 is the most that come again soon there, eight in the recorded mix of
    Bedrock. Of 38 streams, each with itself as the other choice and five seeds, it reports 11 of
    190 mixes where a tenth of the pairs of pieces went to one choice, 53 with three tenths, 99 with
    half, 149 with all; where the two choices say different things, none of 760. Hence no warning.
    """
