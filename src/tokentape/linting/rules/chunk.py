"""The rules on the fields of a chunk (CHK)."""


class FieldMissing:
    """A chunk without a field that every chunk has.

    ## What it does
    Looks for `id`, `object`, `created`, `model` and `choices` in each chunk.

    ## Why is this bad?
    Clients read them without asking: typed ones raise, or show an empty value.

    ## Example
    `{"object":"chat.completion.chunk","choices":[…]}`

    ## What to do
    Send all five with every chunk.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse`, `required`.
    """


class ObjectWrong:
    """`object` is not that of a chunk.

    ## What it does
    Compares `object` with `chat.completion.chunk`, in an answer that is not streamed with
    `chat.completion`.

    ## Why is this bad?
    Clients tell by it what they read.

    ## Example
    `"object": ""` in a first chunk that brings what a filter said of the prompt;
    `"object": "chat.completion"` on a usage chunk.

    ## What to do
    Servers: send the constant. Clients: do not insist on it.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.object`, an enumeration of
    one. Empty in 334 of 399 real streams of Azure.
    """


class IdChanges:
    """The id is not the same in all chunks.

    ## What it does
    Compares each id with the first one that is not empty. Only where the recording holds the
    provider's own bytes: a recorder may have normalised ids.

    ## Why is this bad?
    Chunks are joined, logged and deduplicated by id: a stream with two looks like two.

    ## Example
    `"id":"chatcmpl-ec08…"` first, `"id":"gen-1773…"` then: a gateway's chunk before its upstream's.

    ## What to do
    Gateways: keep one id for the whole stream.

    ## Source
    OpenAI's OpenAPI description: "Each chunk has the same ID". 8 of 224 raw streams break it.
    """


class IdEmpty:
    """The id is empty.

    ## What it does
    Reports `"id": ""`.

    ## Why is this bad?
    The answer can't be named in a log or to the provider's support.

    ## Example
    `{"id":"","choices":[],"prompt_filter_results":[…]}`

    ## What to do
    Send the id with every chunk. Clients: take the first that is not empty.

    ## Source
    OpenAI's OpenAPI description: "A unique identifier for the chat completion". Azure's first
    chunk and Snowflake's chunks have it empty.
    """


class CreatedChanges:
    """`created` is not the same in all chunks.

    ## What it does
    Compares `created` with the first that is not 0.

    ## Why is this bad?
    It is when the completion was created; a clock that runs on makes it useless as a key, and
    which of the values counts is anyone's guess.

    ## Example
    `"created":1773345682` in the first chunk, `1773345683` in a later one.

    ## What to do
    Take the time once, when the stream begins.

    ## Source
    OpenAI's OpenAPI description: "Each chunk has the same timestamp". 16 of 224 raw streams break
    it.
    """


class CreatedZero:
    """`created` is 0.

    ## What it does
    Reports `"created": 0`.

    ## Why is this bad?
    It says that the answer is of 1970.

    ## Example
    `{"id":"","created":0,"model":"","object":"",…}`

    ## What to do
    Send the time in seconds since the epoch.

    ## Source
    OpenAI's OpenAPI description: "The Unix timestamp (in seconds) of when the chat completion was
    created". 10 of 224 raw streams break it.
    """


class FieldType:
    """A field of the wrong type.

    ## What it does
    Expects strings for `id`, `object` and `model`, an integer for `created`.

    ## Why is this bad?
    Typed clients (Go, Rust, Java) refuse the whole chunk.

    ## Example
    `"created": "2026-03-01"`, `"created": 1773345682.5`, `"id": null`

    ## What to do
    Send the types of the contract.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.properties`.
    """


class ChoicesNoArray:
    """`choices` is no array.

    ## What it does
    Expects an array, empty or not.

    ## Why is this bad?
    Every client goes through it in a loop, which raises on null.

    ## Example
    `"choices": null`

    ## What to do
    Send `[]` where there is no choice.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices`.
    """


class ModelEmpty:
    """The model is empty.

    ## What it does
    Reports `"model": ""`.

    ## Why is this bad?
    Cost and dashboards go by the model; a client that takes the first chunk's finds none.

    ## Example
    `{"model":"","object":"","choices":[],"prompt_filter_results":[…]}`

    ## What to do
    Send the model with every chunk. Clients: take the first that is not empty.

    ## Source
    OpenAI's OpenAPI description: "The model to generate the completion". Empty in the first chunk
    of 334 of 399 real streams of Azure.
    """


class ModelChanges:
    """The model is not the same in all chunks.

    ## What it does
    Compares each model with the first that is not empty.

    ## Why is this bad?
    It may be a gateway that fell back to another model midway: then the cost is that of two.

    ## Example
    `"model":"openai/gpt-oss-120b"` first, `"model":"gpt-oss-120b"` then.

    ## What to do
    Gateways: name one model throughout.

    ## Source
    No rule of the contract, which says so of id and created only; hence no warning.
    """


class ServiceTierUnknown:
    """A service tier that the contract does not know.

    ## What it does
    Compares `service_tier` with auto, default, flex, scale and priority; null is fine.

    ## Why is this bad?
    Clients that hold an enumeration refuse the chunk.

    ## Example
    `"service_tier": "on_demand"`, `"service_tier": ""`

    ## What to do
    Servers: leave the field out, or put the value in a field of your own.

    ## Source
    OpenAI's OpenAPI description, `ServiceTier`. 12 of 1,858 real streams break it.
    """


class ChunkNoObject:
    """An event's data is JSON, but no object.

    ## What it does
    Expects a JSON object in each event but `[DONE]`.

    ## Why is this bad?
    Clients look up fields in it at once.

    ## Example
    `data: null`, `data: []`, `data: "ping"`

    ## What to do
    Keep a connection alive with a comment (`: ping`).

    ## Source
    OpenAI API reference, "The chat completion chunk object".
    """


class ErrorObject:
    """An error within the stream.

    ## What it does
    Reports a payload with an `error` that is not empty, under HTTP status 200.

    ## Why is this bad?
    The contract has no such thing; openai-python raises `APIError`, other clients pass over it and
    show what came so far as the whole answer.

    ## Example
    ```
    event: error
    data: {"error":{"message":"Tool call validation failed","type":"invalid_request_error"}}
    ```

    ## What to do
    Clients: look for `error` in every event. Servers: answer with an HTTP status where nothing
    was sent yet; else send the error, then `[DONE]`.

    ## Source
    openai-python `_streaming.py`: raises on any `error` that is true. 3 of 1,858 real streams.
    """


class ChunkFieldUnknown:
    """A chunk with fields beside the contract's.

    ## What it does
    Lists top-level fields that OpenAI's description does not know and that are not null.

    ## Why is this bad?
    It is not, but a client that keeps only what it knows loses them.

    ## Example
    `provider`, `x_groq`, `timings`, `prompt_filter_results`, `generationId`

    ## What to do
    Clients: ignore what you do not know, and keep it where you pass it on.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.properties`.
    """


class PromptFilterPrelude:
    """A first chunk that only says what a filter thought of the prompt.

    ## What it does
    Reports a chunk with `prompt_filter_results` and no choices.

    ## Why is this bad?
    `chunk.choices[0]` raises on it, and its id and model are empty.

    ## Example
    `{"choices":[],"id":"","model":"","object":"","prompt_filter_results":[…]}`

    ## What to do
    Clients: expect chunks without choices; take id and model from the first chunk that has them.

    ## Source
    Azure OpenAI, content filtering; 334 of its 399 real streams.
    """


class ObfuscationMisplaced:
    """`obfuscation` stands within a choice.

    ## What it does
    Looks for `obfuscation` in choices and deltas.

    ## Why is this bad?
    An accumulator that joins strings by field name joins these random ones into the answer.

    ## Example
    `{"choices":[{"index":0,"delta":{…},"obfuscation":"MXCepKv56n"}]}`

    ## What to do
    Servers: put it at the top of the chunk. Clients: drop it wherever it stands.

    ## Source
    OpenAI API reference, `stream_options.include_obfuscation`: a field of the chunk. 68 of 68
    real streams of Bedrock.
    """


class SurrogateAlone:
    """Half of a surrogate pair stands escaped.

    ## What it does
    Reports an event whose JSON has an escape such as `\\ud83d` without its other half.

    ## Why is this bad?
    It is JSON, but no text: strict parsers refuse the event, others show U+FFFD. Joined with the
    next piece it may be a character.

    ## Example
    `{"delta":{"content":"\\ud83d"}}`, then `{"delta":{"content":"\\ude00"}}`

    ## What to do
    Servers: hold the first half back until the character is whole. Clients: join pieces before
    you encode them.

    ## Source
    RFC 8259, 8.2: "the behavior of software that receives JSON texts containing such values is
    unpredictable".
    """
