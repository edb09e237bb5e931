"""The rules on tool calls (TOL)."""


class ToolIndexMissing:
    """A fragment of a tool call has no index.

    ## What it does
    Looks for `index` in each entry of `delta.tool_calls`.

    ## Why is this bad?
    Only the index says which call the fragment belongs to; openai-python raises an error.

    ## Example
    `{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}`

    ## What to do
    Servers: number the calls from 0. Clients: match by id if there is one.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk`, `required`: index.
    """


class ToolIndexInvalid:
    """The index of a tool call is not valid.

    ## What it does
    Expects an integer from 0 to 255.

    ## Why is this bad?
    A client that makes a list of that length fails, or uses up the memory.

    ## Example
    `"index": -1`, `"index": "0"`, `"index": null`

    ## What to do
    Number the calls from 0. Clients: refuse an index beyond a limit.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk.index`, an integer.
    """


class ToolIdMissing:
    """A tool call has no id.

    ## What it does
    Looks for a non-empty `id` in the first fragment of each call.

    ## Why is this bad?
    The tool's answer must name the id in the next request, which is refused without it.

    ## Example
    `{"index":0,"type":"function","function":{"name":"f","arguments":""}}`

    ## What to do
    Send an id with the first fragment. Clients: make one up.

    ## Source
    OpenAI API reference, tool message: `tool_call_id` is required.
    """


class ToolNameMissing:
    """A tool call has no name.

    ## What it does
    Looks for a non-empty `function.name` in the first fragment of each call.

    ## Why is this bad?
    The client can't know which tool to run.

    ## Example
    `{"index":0,"id":"call_1","type":"function","function":{"arguments":"{}"}}`

    ## What to do
    Send the name with the first fragment.

    ## Source
    OpenAI API reference, "The chat completion chunk object", `tool_calls.function.name`.
    """


class ToolCallNoObject:
    """A tool call, or the list of tool calls, has the wrong type.

    ## What it does
    Expects `tool_calls` to be an array of objects.

    ## Why is this bad?
    Clients look up fields in it without checking.

    ## Example
    `"tool_calls": {"0": {…}}`, `"tool_calls": [null]`

    ## What to do
    Send an array of objects, or leave the field out.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta.tool_calls`.
    """


class ToolIndexReused:
    """Two tool calls have the same index.

    ## What it does
    Reports a fragment whose id differs from the one that the call of its index began with.

    ## Why is this bad?
    The two calls are joined into one, with the names and arguments of both in a row.

    ## Example
    `{"index":0,"id":"call_1",…}`, then `{"index":0,"id":"call_2",…}`

    ## What to do
    Servers: give each call its own index. Clients: begin a new call when a new id comes.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk.index`.
    """


class ToolIdRepeated:
    """The id of a tool call comes more than once.

    ## What it does
    Reports the id of a call in a later fragment of it. Another id under its index is TOL506's.

    ## Why is this bad?
    Accumulators join the strings of deltas: openai-python's makes `call_1call_1` of it.

    ## Example
    `{"index":0,"id":"call_1","function":{"arguments":"{"}}` in each fragment.

    ## What to do
    Servers: send the id once. Clients: take the first.

    ## Source
    OpenAI API reference, streaming of tool calls; openai-python `accumulate_delta`.
    """


class ToolNameRepeated:
    """The name of a tool comes again, or goes on.

    ## What it does
    Reports a name in a later fragment of the same call: the one that came, or another, which the
    message shows with what the two are together.

    ## Why is this bad?
    Strings of deltas are joined: `get_weatherget_weather` is no tool. Clients that take the first
    name know only the beginning of one that came in pieces.

    ## Example
    `{"index":0,"function":{"name":"get_weather","arguments":"{"}}` in each fragment; `"get_"`, then
    `"weather"`.

    ## What to do
    Servers: send the name once. Clients: take the first.

    ## Source
    OpenAI API reference, streaming of tool calls; openai-python `accumulate_delta`.
    """


class ToolTypeNull:
    """A fragment of a tool call has `"type": null`.

    ## What it does
    Reports an explicit null as a fragment's `type`. Checked only if the recording holds the
    provider's own bytes: an SDK that dumps its objects writes nulls of its own.

    ## Why is this bad?
    openai-python's `.stream()` raises an error unless it is `function`.

    ## Example
    `{"index":0,"type":null,"function":{"arguments":"{"}}`

    ## What to do
    Leave `type` out of all but the first fragment.

    ## Source
    openai-python `accumulate_delta`. Found in 391 streams that an SDK dumped, in no raw one.
    """


class ToolCallInOne:
    """A whole tool call comes in one fragment.

    ## What it does
    At the end, reports a call with arguments that came in a single fragment.

    ## Why is this bad?
    The user sees nothing of the call while it is made, and a client that runs a tool when the
    *second* fragment comes never runs it. Sending it in one is allowed.

    ## Example
    `{"index":0,"id":"call_1","function":{"name":"f","arguments":"{\\"city\\":\\"Rome\\"}"}}`

    ## What to do
    Clients: run the tools when the `finish_reason` comes.

    ## Source
    A habit of servers that parse a call before they send it; 46 of 1,858 real streams.
    """


class ArgumentsNotJson:
    """The arguments of a finished tool call are not JSON.

    ## What it does
    Joins the fragments of each call whose choice finished with `tool_calls` or `stop`, up to 1 MiB
    in all, and decodes them. The input of a custom tool is free text by contract, and arguments
    that are no string are TOL514's.

    ## Why is this bad?
    The tool can't be run. The model itself may have written it so: the contract warns of that.

    ## Example
    `{"city": "Rome"`, then the `finish_reason`.

    ## What to do
    Clients: validate the arguments before you run the tool, and tell the model what was wrong.

    ## Source
    OpenAI API reference, `function.arguments`: "the model does not always generate valid JSON".
    """


class ToolNotOffered:
    """A tool is called that was not offered.

    ## What it does
    Compares each name with the request's `tools`; one that begins an offered name, at the end.

    ## Why is this bad?
    The client has no such tool. The model may have made it up: the contract warns of that.

    ## Example
    `tools: [weather]` asked, `"name": "get_weather"` called.

    ## What to do
    Clients: check the name before you run the tool.

    ## Source
    OpenAI API reference, `function.arguments`: "may hallucinate parameters".
    """


class ToolIndexGap:
    """An index of a tool call is skipped.

    ## What it does
    Compares the index of each new call with the number of calls the choice has so far.

    ## Why is this bad?
    Clients that keep the calls in a list put them in the wrong place, or raise an error.

    ## Example
    The first fragment of the stream has `"index": 1`.

    ## What to do
    Number the calls from 0, without gaps.

    ## Source
    openai-python `accumulate_delta` inserts by index into a list.
    """


class ArgumentsAnObject:
    """The arguments are not a string.

    ## What it does
    Expects `function.arguments`, and `custom.input` of a custom tool, to be a string.

    ## Why is this bad?
    Clients join strings, then decode them: an object raises an error at once.

    ## Example
    `"arguments": {"city": "Rome"}`

    ## What to do
    Send the JSON as a string.

    ## Source
    OpenAI's OpenAPI description, `function.arguments`, a string.
    """


class ToolIndexTwice:
    """Two fragments of one tool call are in one chunk.

    ## What it does
    Reports an index that comes twice in `delta.tool_calls`.

    ## Why is this bad?
    Clients that look up entries by index take one of them and lose the arguments of the other.

    ## Example
    `"tool_calls":[{"index":0,"function":{"arguments":"quid"}},{"index":0,"function":{"arguments":"_name"}}]`

    ## What to do
    Servers: join fragments that are sent together. Clients: go through all entries in order.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk.index`. 5 of 68 real streams
    of Bedrock.
    """
