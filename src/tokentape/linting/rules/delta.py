"""The rules on what a delta brings (DEL)."""


class RoleMissingFirst:
    """A choice begins without a role.

    ## What it does
    Looks for `role` in a choice's deltas up to the first with text, reasoning or a tool call. If
    another choice had a role, CHO306 is reported instead.

    ## Why is this bad?
    A client that begins a message when the role comes never begins one.

    ## Example
    The first delta is `{"content":"Yes"}`.

    ## What to do
    Servers: send `"role": "assistant"` first. Clients: assume `assistant` if none comes.

    ## Source
    OpenAI API reference, streaming: the first delta carries `role`. 1 of 1,858 real streams lacks
    it.
    """


class RoleRepeated:
    """The role comes more than once.

    ## What it does
    Reports a role in a delta of a choice that already had one.

    ## Why is this bad?
    Accumulators join the strings of deltas: openai-python's makes `assistantassistantassistant` of
    it.

    ## Example
    `{"role":"assistant","content":"Ye"}`, `{"role":"assistant","content":"s"}`

    ## What to do
    Servers: send the role with the first delta only. Clients: take the first, and do not join the
    others to it.

    ## Source
    OpenAI API reference, streaming; openai-python `accumulate_delta`. 155 of 1,858 real streams:
    all of Ollama, OpenRouter, Z.ai and Avian.
    """


class RoleUnknown:
    """The contract does not know the role.

    ## What it does
    Compares the role with developer, system, user, assistant and tool.

    ## Why is this bad?
    Clients with an enumeration of the known values refuse the chunk. If the role is sent back in
    the next request, other servers refuse it.

    ## Example
    `"role": "model"`

    ## What to do
    Send `assistant`.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta.role`, an enumeration.
    """


class ContentNotString:
    """The content is not a string.

    ## What it does
    Expects `content` to be a string or null.

    ## Why is this bad?
    Clients join strings: a list of parts raises an error, or is lost.

    ## Example
    `"content":[{"type":"thinking","thinking":[{"type":"text","text":"Okay"}]}]`

    ## What to do
    Servers: send text as a string, reasoning in a field of its own. Clients: join the `text` of the
    parts.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta.content`. Mistral's reasoning
    models send parts.
    """


class ListUnindexed:
    """A list comes in several chunks, and its entries have no index.

    ## What it does
    Reports a field of the delta that holds a list of objects without `index` in more than one
    chunk. Tool calls have their own rules.

    ## Why is this bad?
    Nobody can tell which entries belong together; openai-python's accumulator raises an error.

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
    Reports `"refusal": ""`; null means that there is no refusal.

    ## Why is this bad?
    Clients that check `refusal is not None` take the answer for a refusal.

    ## Example
    `"delta":{"content":"4","refusal":"","role":"assistant"}`

    ## What to do
    Send null, or leave it out.

    ## Source
    OpenAI's OpenAPI description: `refusal` is a string or null. Snowflake, 2 of 2 real streams.
    """


class DeltaIdle:
    """A delta changes nothing.

    ## What it does
    Reports a delta without role, text, reasoning, tool call or `finish_reason`.

    ## Why is this bad?
    A client that takes the first chunk for the first token measures the wrong time. Such a delta
    itself is allowed.

    ## Example
    `{"delta":{"content":null},"finish_reason":null,"index":0}`

    ## What to do
    Clients: measure the time to the first content.

    ## Source
    50 of 68 real streams of Bedrock have such a chunk.
    """


class ReasoningTwice:
    """The same reasoning is in two fields.

    ## What it does
    Compares `reasoning`, `reasoning_content` and the text of `reasoning_details` in a delta.

    ## Why is this bad?
    A client that shows all fields shows it twice.

    ## Example
    `{"reasoning":"We","reasoning_details":[{"type":"reasoning.text","text":"We","index":0}]}`

    ## What to do
    Clients: take one of the fields, not all.

    ## Source
    Extensions of providers; the contract has no reasoning text. 30 of 1,858 real streams.
    """


class ReasoningInContent:
    """Reasoning is in the content, between tags.

    ## What it does
    Looks for `<reasoning>`, `<think>` and `<thinking>` in a delta's content.

    ## Why is this bad?
    It is shown as part of the answer unless the client removes it.

    ## Example
    `"content": "<reasoning>User asks"`

    ## What to do
    Servers: send reasoning in its own field. Clients: find it by its tags and remove it.

    ## Source
    A habit of models and gateways; 49 of 68 real streams of Bedrock.
    """


class ReasoningTagsPerDelta:
    """Each delta of reasoning has its own tags.

    ## What it does
    Reports deltas that both open and close a reasoning tag, from the second such delta on.

    ## Why is this bad?
    When the deltas are joined, tags are all over the text: a client that removes one block leaves
    the rest.

    ## Example
    `<reasoning>User</reasoning>`, `<reasoning> asks</reasoning>`

    ## What to do
    Servers: open the tag once and close it once. Clients: remove every block.

    ## Source
    A habit of Bedrock.
    """


class DeltaFieldUnknown:
    """A delta has fields that the contract does not know.

    ## What it does
    Lists fields of a delta or a message that are not in OpenAI's OpenAPI description and not null.

    ## Why is this bad?
    A client that keeps only the fields it knows loses them; one that joins all strings and adds all
    integers spoils them. Extra fields themselves are allowed.

    ## Example
    `reasoning_content`, `reasoning_details`, `provider_metadata`, `channel`, `token_id`

    ## What to do
    Clients: join the fields you know; of any other, keep the last value.

    ## Source
    OpenAI's OpenAPI description, `ChatCompletionStreamResponseDelta`.
    """
