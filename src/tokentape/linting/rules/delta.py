"""The rules on what a delta brings (DEL)."""


class RoleMissingFirst:
    """A choice begins without a role.

    ## What it does
    Looks for `role` in a choice's deltas up to the first that brings text, reasoning or a tool
    call. Where another choice had one, it is CHO306.

    ## Why is this bad?
    A client that begins a message when the role comes never begins it.

    ## Example
    The first delta is `{"content":"Yes"}`.

    ## What to do
    Servers: send `"role": "assistant"` first. Clients: take `assistant` where none came.

    ## Source
    OpenAI API reference, streaming: the first delta carries `role`. 1 of 1,858 real streams lacks
    it.
    """


class RoleRepeated:
    """The role comes again.

    ## What it does
    Reports a role in a delta of a choice that had its role before.

    ## Why is this bad?
    A role comes once, and strings of deltas are joined: openai-python's accumulator makes
    `assistantassistantassistant` of it.

    ## Example
    `{"role":"assistant","content":"Ye"}`, `{"role":"assistant","content":"s"}`

    ## What to do
    Servers: send the role with the first delta only. Clients: take the first, join nothing to it.

    ## Source
    OpenAI API reference, streaming; openai-python `accumulate_delta`. 155 of 1,858 real streams:
    all of Ollama, OpenRouter, Z.ai and Avian.
    """


class RoleUnknown:
    """A role that the contract does not know.

    ## What it does
    Compares the role with developer, system, user, assistant and tool.

    ## Why is this bad?
    Clients that hold an enumeration refuse the chunk; sent back in the next request, it is refused
    by others.

    ## Example
    `"role": "model"`

    ## What to do
    Send `assistant`.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta.role`, an enumeration.
    """


class ContentNotString:
    """The content is no string.

    ## What it does
    Expects a string or null at `content`.

    ## Why is this bad?
    Clients join strings: a list of parts raises, or is lost.

    ## Example
    `"content":[{"type":"thinking","thinking":[{"type":"text","text":"Okay"}]}]`

    ## What to do
    Servers: send text as a string, reasoning in a field of its own. Clients: join the `text` of
    the parts.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta.content`. Mistral's reasoning
    models send parts.
    """


class ListUnindexed:
    """A list whose entries have no index comes twice.

    ## What it does
    Reports a field of the delta that holds a list of objects without `index` in more than one
    chunk. Tool calls have rules of their own.

    ## Why is this bad?
    Nobody can say which entries belong together; openai-python's accumulator raises.

    ## Example
    `"delta":{"annotations":[{"type":"url_citation",…}]}` in two chunks.

    ## What to do
    Servers: give each entry its `index`. Clients: append.

    ## Source
    openai-python `accumulate_delta` raises on an entry without `index`. 1 of 1,858 real streams.
    """


class RefusalEmpty:
    """The refusal is an empty string.

    ## What it does
    Reports `"refusal": ""`, where null says that there is none.

    ## Why is this bad?
    Clients that ask `refusal is not None` take the answer for a refused one.

    ## Example
    `"delta":{"content":"4","refusal":"","role":"assistant"}`

    ## What to do
    Send null, or leave it out.

    ## Source
    OpenAI's OpenAPI description: `refusal` is a string or null. Snowflake, 2 of 2 real streams.
    """


class DeltaIdle:
    """A delta that changes nothing.

    ## What it does
    Reports a delta without role, text, reasoning, tool call or finish.

    ## Why is this bad?
    It is not, but a client that measures the first token by the first chunk measures this one.

    ## Example
    `{"delta":{"content":null},"finish_reason":null,"index":0}`

    ## What to do
    Clients: measure by content.

    ## Source
    50 of 68 real streams of Bedrock have such a chunk.
    """


class ReasoningTwice:
    """The same reasoning stands in two fields.

    ## What it does
    Compares `reasoning`, `reasoning_content` and the text of `reasoning_details` in a delta.

    ## Why is this bad?
    A client that shows all it finds shows it twice.

    ## Example
    `{"reasoning":"We","reasoning_details":[{"type":"reasoning.text","text":"We","index":0}]}`

    ## What to do
    Clients: take one of the fields, not all.

    ## Source
    Extensions of providers; the contract has no reasoning text. 30 of 1,858 real streams.
    """


class ReasoningInContent:
    """Reasoning stands within the content, between tags.

    ## What it does
    Looks for `<reasoning>`, `<think>` and `<thinking>` in a delta's content.

    ## Why is this bad?
    It is shown as part of the answer where a client does not take it out.

    ## Example
    `"content": "<reasoning>User asks"`

    ## What to do
    Servers: send reasoning in a field of its own. Clients: take it out by its tags.

    ## Source
    Habit of models and gateways; 49 of 68 real streams of Bedrock.
    """


class ReasoningTagsPerDelta:
    """Each delta of reasoning has tags of its own.

    ## What it does
    Reports from the second delta on that both opens and closes a reasoning tag.

    ## Why is this bad?
    Joined, the tags lie all over the text: a client that takes one block out leaves the rest.

    ## Example
    `<reasoning>User</reasoning>`, `<reasoning> asks</reasoning>`

    ## What to do
    Servers: open the tag once and close it once. Clients: take out every block.

    ## Source
    Habit of Bedrock.
    """


class DeltaFieldUnknown:
    """A delta with fields beside the contract's.

    ## What it does
    Lists fields of a delta or a message that OpenAI's description does not know and that are not
    null.

    ## Why is this bad?
    It is not, but a client that keeps only what it knows loses them, and one that joins all
    strings and adds all integers mangles them.

    ## Example
    `reasoning_content`, `reasoning_details`, `provider_metadata`, `channel`, `token_id`

    ## What to do
    Clients: join what you know, keep the last of the rest.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta`.
    """
