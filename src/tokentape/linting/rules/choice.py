"""The rules on choices, their indexes and how they finish (CHO)."""


class IndexMissing:
    """A choice without an index.

    ## What it does
    Looks for `index` in each choice.

    ## Why is this bad?
    Choices of several answers come in any order; the index alone says whose text this is.

    ## Example
    `"choices":[{"delta":{"content":"Yes"},"finish_reason":null}]`

    ## What to do
    Send `"index": 0` where there is one choice.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices.items.required`.
    """


class IndexGap:
    """A choice's index is skipped.

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
    """An index that can't be one.

    ## What it does
    Expects an integer from 0 to 127; `n` is at most 128.

    ## Why is this bad?
    A client that makes a list of that length fails, or takes all memory; -1 is another choice in
    many languages.

    ## Example
    `"index": -1`, `"index": 1000000000`, `"index": "0"`, `"index": true`

    ## What to do
    Count from 0. Clients: bound it.

    ## Source
    OpenAI's OpenAPI description: `index` is an integer, `n` at most 128.
    """


class ChoiceNoObject:
    """A choice is no object.

    ## What it does
    Expects an object at each place of `choices`.

    ## Why is this bad?
    Clients look up fields in it at once.

    ## Example
    `"choices": [null]`

    ## What to do
    Send `[]` where there is nothing to say.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices.items`.
    """


class ChoiceNotAsked:
    """More choices than were asked for.

    ## What it does
    Compares each index with the request's `n`, 1 where it has none.

    ## Why is this bad?
    A client that asked for one answer shows the texts of two in one.

    ## Example
    `"n": 1` asked, `"index": 1` answered.

    ## What to do
    Servers: honour `n`. Clients: take the choice you asked for, not all text that comes.

    ## Source
    OpenAI API reference, `n`: "How many chat completion choices to generate".
    """


class ChoiceCrossTalk:
    """A choice's beginning went to another choice.

    ## What it does
    Where there is more than one choice, looks for one that begins without a role though another
    had its role: its first chunks were sent under the other's index.

    ## Why is this bad?
    The text of two answers is mixed, and nothing can take it apart again.

    ## Example
    `n: 2`; choice 0 says "WeWe need answer need to answer", choice 1 begins with " mythology" and
    has no chunk with a role.

    ## What to do
    Do not use `n` above 1 with this provider: ask several times.

    ## Source
    OpenAI API reference: the first delta of each choice carries `role`. Seen in the one recorded
    stream of Bedrock with two choices. Both texts being whole, see CHO319.
    """


class FinishMissing:
    """A choice never had a `finish_reason`.

    ## What it does
    At the end of a stream that ended by itself, looks for a choice without `finish_reason`, or for
    no choice at all.

    ## Why is this bad?
    An answer that is complete, one cut at the limit and one lost on the way look the same.

    ## Example
    The last choice chunk is `{"index":0,"delta":{"content":""}}`, then usage and `[DONE]`.

    ## What to do
    Servers: send a chunk with `finish_reason` for each choice. Clients: take its absence for a cut.

    ## Source
    OpenAI API reference, `finish_reason`: "The reason the model stopped generating tokens".
    4 of 1,858 real streams have none.
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
    Servers: send usage on a chunk without choices. Clients: act on the first.

    ## Source
    OpenAI API reference, "The chat completion chunk object": one chunk a choice has it. 48 of
    1,858 real streams repeat it.
    """


class ChunkAfterFinish:
    """A choice comes again after it finished.

    ## What it does
    Reports a chunk with a choice that had its `finish_reason` before.

    ## Why is this bad?
    Clients that close the message at its finish meet a closed one.

    ## Example
    A chunk with `finish_reason`, then one with `{"index":0,"delta":{"content":""}}` and usage.

    ## What to do
    Servers: send what is left on a chunk without choices.

    ## Source
    OpenAI API reference, `finish_reason`, null until the choice is complete. 48 of 1,858 real
    streams.
    """


class ContentAfterFinish:
    """A choice goes on after it finished.

    ## What it does
    Reports text, reasoning or tool calls of a choice that had its `finish_reason` before.

    ## Why is this bad?
    Clients that stop at the finish lose it.

    ## Example
    `"finish_reason":"stop"`, then `"delta":{"content":" And"}`

    ## What to do
    Servers: finish when all is said.

    ## Source
    OpenAI API reference, `finish_reason`. In none of 1,858 real streams.
    """


class FinishUnknown:
    """A `finish_reason` that the contract does not know.

    ## What it does
    Compares it with stop, length, tool_calls, content_filter and function_call.

    ## Why is this bad?
    Clients that hold an enumeration refuse the chunk, others take it for a normal end.

    ## Example
    `"finish_reason": "eos"`, `"finish_reason": ""`

    ## What to do
    Servers: map your reasons to the five, and put your own beside it (`native_finish_reason`).

    ## Source
    OpenAI's OpenAPI description, `finish_reason`, an enumeration.
    """


class FinishWithPayload:
    """The last content comes with the finish.

    ## What it does
    Reports a first `finish_reason` on a delta that brings text, reasoning or a tool call.

    ## Why is this bad?
    It is allowed; but a client that only looks at `finish_reason` of such a chunk loses the last
    words.

    ## Example
    `{"index":0,"delta":{"content":"."},"finish_reason":"stop"}`

    ## What to do
    Clients: take the delta first, then the finish.

    ## Source
    OpenAI sends an empty delta there; 40 of 1,858 real streams of others do not.
    """


class FinishKeyAbsent:
    """A choice without the key `finish_reason`.

    ## What it does
    Looks for the key, which is null until the choice finishes. Only where the recording holds the
    provider's own bytes.

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
    """The finish is `stop`, but tools were called.

    ## What it does
    Reports `finish_reason: "stop"` of a choice with tool calls, unless the request's `tool_choice`
    named the tool: then `stop` is the contract's.

    ## Why is this bad?
    Clients run tools when the finish is `tool_calls`: here they show an empty answer.

    ## Example
    Fragments of a tool call, then `"finish_reason":"stop"`.

    ## What to do
    Servers: finish with `tool_calls`. Clients: look whether there are calls.

    ## Source
    OpenAI API reference, `finish_reason`: "tool_calls if the model called a tool". Older Ollama
    did so.
    """


class FinishWithoutCalls:
    """The finish is `tool_calls`, but no tool was called.

    ## What it does
    Reports `finish_reason: "tool_calls"` of a choice that has none.

    ## Why is this bad?
    A client that runs an empty list of tools and asks again may do so for ever.

    ## Example
    Text only, then `"finish_reason":"tool_calls"`.

    ## What to do
    Clients: look whether there are calls.

    ## Source
    OpenAI API reference, `finish_reason`: "tool_calls if the model called a tool".
    """


class DeltaMissing:
    """A choice without a delta.

    ## What it does
    Expects an object at `delta`; in an answer that is not streamed, at `message`.

    ## Why is this bad?
    `choice.delta.content` raises.

    ## Example
    `{"index":0,"finish_reason":"stop"}`, `{"index":0,"delta":null}`

    ## What to do
    Send `"delta": {}` where there is nothing to add.

    ## Source
    OpenAI's OpenAPI description, `choices.items.required`. In none of 1,858 real streams.
    """


class ChoiceFieldUnknown:
    """A choice with fields beside the contract's.

    ## What it does
    Lists fields of a choice that OpenAI's description does not know and that are not null.

    ## Why is this bad?
    It is not, but a client that keeps only what it knows loses them.

    ## Example
    `native_finish_reason`, `content_filter_results`, `stop_reason`, `token_ids`

    ## What to do
    Clients: ignore what you do not know, and keep it where you pass it on.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices.items`.
    """


class ChoiceWordsDoubled:
    """A choice says its words twice in a row.

    ## What it does
    In streams with more than one choice, counts words that stand twice in a row in one of them,
    nothing but spaces between. Four or more, and 6 % or more of the choice's words, are reported;
    both are thresholds that can be set.

    ## Why is this bad?
    Answers to one question begin alike: where the text of two is mixed, each word comes twice. The
    structure is whole, so that no other rule sees it.

    ## Example
    "We We need need to to answer answer"

    ## What to do
    Read both choices. Where they are mixed, ask several times in place of `n`.

    ## Source
    A heuristic of ours, and a weak one. Of 64 real streams, taken as choices, it reports none.
    Where pieces of two choices that say the same are swapped at random, it reports 13 of 31 mixes
    with a tenth of the pieces swapped, 16 with three tenths, 21 with half; where the two choices
    say different things, none of 70. Hence no warning.
    """
