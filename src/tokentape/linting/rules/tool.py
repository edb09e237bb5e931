"""The rules on tool calls (TOL)."""


class ToolIndexMissing:
    """A fragment of a tool call without an index.

    ## What it does
    Looks for `index` in each entry of `delta.tool_calls`.

    ## Why is this bad?
    It alone says which call the fragment goes on with; openai-python raises.

    ## Example
    `{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}`

    ## What to do
    Servers: number the calls from 0. Clients: match by id where there is one.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk`, `required`: index.
    """


class ToolIndexInvalid:
    """An index of a tool call that can't be one.

    ## What it does
    Expects an integer from 0 to 255.

    ## Why is this bad?
    A client that makes a list of that length fails, or takes all memory.

    ## Example
    `"index": -1`, `"index": "0"`, `"index": null`

    ## What to do
    Number the calls from 0. Clients: bound it.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk.index`, an integer.
    """


class ToolIdMissing:
    """A tool call without an id.

    ## What it does
    Looks for a non-empty `id` in the first fragment of each call.

    ## Why is this bad?
    The tool's answer has to name it in the next request, which is refused without.

    ## Example
    `{"index":0,"type":"function","function":{"name":"f","arguments":""}}`

    ## What to do
    Send an id with the first fragment. Clients: make one up.

    ## Source
    OpenAI API reference, tool message: `tool_call_id` is required.
    """


class ToolNameMissing:
    """A tool call without a name.

    ## What it does
    Looks for a non-empty `function.name` in the first fragment of each call.

    ## Why is this bad?
    Nobody knows which tool to run.

    ## Example
    `{"index":0,"id":"call_1","type":"function","function":{"arguments":"{}"}}`

    ## What to do
    Send the name with the first fragment.

    ## Source
    OpenAI API reference, "The chat completion chunk object", `tool_calls.function.name`.
    """


class ToolCallNoObject:
    """A tool call, or the list of them, of the wrong type.

    ## What it does
    Expects an array at `tool_calls`, an object at each of its places.

    ## Why is this bad?
    Clients look up fields in it at once.

    ## Example
    `"tool_calls": {"0": {…}}`, `"tool_calls": [null]`

    ## What to do
    Send an array of objects, or leave the field out.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta.tool_calls`.
    """


class ToolIndexReused:
    """Two tool calls under one index.

    ## What it does
    Reports a fragment whose id is another one than the call of its index began with.

    ## Why is this bad?
    The two calls are joined to one: names and arguments of both in a row.

    ## Example
    `{"index":0,"id":"call_1",…}`, then `{"index":0,"id":"call_2",…}`

    ## What to do
    Servers: give each call its own index. Clients: begin a new call where a new id comes.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk.index`.
    """


class ToolIdRepeated:
    """The id of a tool call comes again.

    ## What it does
    Reports an id in a later fragment of the same call.

    ## Why is this bad?
    Strings of deltas are joined: openai-python makes `call_1call_1` of it.

    ## Example
    `{"index":0,"id":"call_1","function":{"arguments":"{"}}` in each fragment.

    ## What to do
    Servers: send the id once. Clients: take the first.

    ## Source
    OpenAI API reference, streaming of tool calls; openai-python `accumulate_delta`.
    """


class ToolNameRepeated:
    """The name of a tool comes again.

    ## What it does
    Reports a name in a later fragment of the same call.

    ## Why is this bad?
    Strings of deltas are joined: `get_weatherget_weather` is no tool.

    ## Example
    `{"index":0,"function":{"name":"get_weather","arguments":"{"}}` in each fragment.

    ## What to do
    Servers: send the name once. Clients: take the first.

    ## Source
    OpenAI API reference, streaming of tool calls; openai-python `accumulate_delta`.
    """


class ToolTypeNull:
    """A fragment with `"type": null`.

    ## What it does
    Reports an explicit null at `type` of a fragment. Only where the recording holds the provider's
    own bytes: the dumps of an SDK put nulls in.

    ## Why is this bad?
    openai-python's `.stream()` asserts that it is `function`.

    ## Example
    `{"index":0,"type":null,"function":{"arguments":"{"}}`

    ## What to do
    Leave `type` out of all but the first fragment.

    ## Source
    openai-python `accumulate_delta`. In 391 dumped streams, in no raw one.
    """


class ToolCallInOne:
    """A whole tool call came in one fragment.

    ## What it does
    Reports, at the end, a call with arguments that had a single fragment.

    ## Why is this bad?
    It is not, but nothing of it shows while it is made, and a client that runs a tool when the
    *second* fragment comes never runs it.

    ## Example
    `{"index":0,"id":"call_1","function":{"name":"f","arguments":"{\\"city\\":\\"Rome\\"}"}}`

    ## What to do
    Clients: run the tools at the finish.

    ## Source
    Habit of servers that parse a call before they send it; 46 of 1,858 real streams.
    """


class ArgumentsNotJson:
    """The arguments of a finished tool call are no JSON.

    ## What it does
    Joins the fragments of each call whose choice finished with `tool_calls` or `stop`, up to 1 MiB
    in all, and decodes them.

    ## Why is this bad?
    The tool can't be run. The model may have written it so: the contract warns of that.

    ## Example
    `{"city": "Rome"` and the finish.

    ## What to do
    Clients: validate before you run, and tell the model what was wrong.

    ## Source
    OpenAI API reference, `function.arguments`: "the model does not always generate valid JSON".
    """


class ToolNotOffered:
    """A tool that was not offered is called.

    ## What it does
    Compares each name with the request's `tools`.

    ## Why is this bad?
    The client has no such tool. The model may have made it up: the contract warns of that.

    ## Example
    `tools: [weather]` asked, `"name": "get_weather"` called.

    ## What to do
    Clients: validate before you run.

    ## Source
    OpenAI API reference, `function.arguments`: "may hallucinate parameters".
    """


class ToolIndexGap:
    """An index of a tool call is skipped.

    ## What it does
    Compares the index of each new call with how many calls the choice has.

    ## Why is this bad?
    Clients that keep the calls in a list put them in the wrong place, or raise.

    ## Example
    The first fragment of all has `"index": 1`.

    ## What to do
    Number the calls from 0, without gaps.

    ## Source
    openai-python `accumulate_delta` inserts by index into a list.
    """


class ArgumentsAnObject:
    """The arguments are no string.

    ## What it does
    Expects a string at `function.arguments`.

    ## Why is this bad?
    Clients join strings, then decode them: an object raises at once.

    ## Example
    `"arguments": {"city": "Rome"}`

    ## What to do
    Send the JSON as a string.

    ## Source
    OpenAI's OpenAPI description, `function.arguments`, a string.
    """


class ToolIndexTwice:
    """Two fragments of one tool call in one chunk.

    ## What it does
    Reports an index that stands twice in `delta.tool_calls`.

    ## Why is this bad?
    Clients that look entries up by index take one of them and lose the other's arguments.

    ## Example
    `"tool_calls":[{"index":0,"function":{"arguments":"quid"}},{"index":0,"function":{"arguments":"_name"}}]`

    ## What to do
    Servers: join fragments that go out together. Clients: go through all entries in order.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionMessageToolCallChunk.index`. 5 of 68 real streams
    of Bedrock.
    """
