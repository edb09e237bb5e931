"""The rules on the fields of a chunk (CHK)."""


class FieldMissing:
    """A chunk lacks a field that every chunk must have.

    ## What it does
    Looks for `id`, `object`, `created`, `model` and `choices` in each chunk.

    ## Why is this bad?
    Clients read them without checking: typed clients raise an error or show an empty value.

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
    Compares `object` with `chat.completion.chunk`, or with `chat.completion` if the answer is not
    streamed.

    ## Why is this bad?
    Clients decide by `object` what they are reading.

    ## Example
    `"object": ""` in a first chunk that holds the content filter's results for the prompt;
    `"object": "chat.completion"` on a usage chunk.

    ## What to do
    Servers: send the constant. Clients: do not insist on it.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.object`, an enumeration with
    one value. Empty in 334 of 399 real streams of Azure.
    """


class IdChanges:
    """The id is not the same in all chunks.

    ## What it does
    Compares each id with the first one that is not empty. Checked only if the recording holds the
    provider's own bytes: other recorders may have normalised the ids.

    ## Why is this bad?
    Chunks are joined, logged and deduplicated by id: a stream with two ids looks like two streams.

    ## Example
    First `"id":"chatcmpl-ec08…"`, then `"id":"gen-1773…"`: a gateway's own chunk came before those
    of its upstream.

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
    The answer can't be identified in a log, or when asking the provider's support.

    ## Example
    `{"id":"","choices":[],"prompt_filter_results":[…]}`

    ## What to do
    Send the id with every chunk. Clients: take the first that is not empty.

    ## Source
    OpenAI's OpenAPI description: "A unique identifier for the chat completion". Azure's first chunk
    and Snowflake's chunks have it empty.
    """


class CreatedChanges:
    """`created` is not the same in all chunks.

    ## What it does
    Compares `created` with the first that is not 0.

    ## Why is this bad?
    It is the time at which the completion was created. If it changes, it can't be used as a key,
    and nobody knows which of the values counts.

    ## Example
    `"created":1773345682` in the first chunk, `1773345683` in a later one.

    ## What to do
    Read the clock once, when the stream begins.

    ## Source
    OpenAI's OpenAPI description: "Each chunk has the same timestamp". 16 of 224 raw streams break
    it.
    """


class CreatedZero:
    """`created` is 0.

    ## What it does
    Reports `"created": 0`.

    ## Why is this bad?
    It says that the answer was made in 1970.

    ## Example
    `{"id":"","created":0,"model":"","object":"",…}`

    ## What to do
    Send the time in seconds since the epoch.

    ## Source
    OpenAI's OpenAPI description: "The Unix timestamp (in seconds) of when the chat completion was
    created". 10 of 224 raw streams break it.
    """


class FieldType:
    """A field has the wrong type.

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
    """`choices` is not an array.

    ## What it does
    Expects an array, empty or not.

    ## Why is this bad?
    Every client loops over it, which raises an error on null.

    ## Example
    `"choices": null`

    ## What to do
    Send `[]` if there is no choice.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.choices`.
    """


class ModelEmpty:
    """The model is empty.

    ## What it does
    Reports `"model": ""`.

    ## Why is this bad?
    Costs and dashboards depend on the model; a client that takes it from the first chunk finds
    none.

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
    A gateway may have switched to another model midway: then the cost is that of two models.

    ## Example
    First `"model":"openai/gpt-oss-120b"`, then `"model":"gpt-oss-120b"`.

    ## What to do
    Gateways: name one model throughout.

    ## Source
    Not in the contract, which demands the same value of `id` and `created` only. So this is no
    warning.
    """


class ServiceTierUnknown:
    """The contract does not know the service tier.

    ## What it does
    Compares `service_tier` with auto, default, flex, scale and priority; null is fine.

    ## Why is this bad?
    Clients with an enumeration of the known values refuse the chunk.

    ## Example
    `"service_tier": "on_demand"`, `"service_tier": ""`

    ## What to do
    Servers: leave the field out, or put the value in a field of your own.

    ## Source
    OpenAI's OpenAPI description, `ServiceTier`. 12 of 1,858 real streams break it.
    """


class ChunkNoObject:
    """The data is JSON, but not an object.

    ## What it does
    Expects a JSON object in each event except `[DONE]`.

    ## Why is this bad?
    Clients look up fields in it without checking.

    ## Example
    `data: null`, `data: []`, `data: "ping"`

    ## What to do
    Keep a connection alive with a comment (`: ping`).

    ## Source
    OpenAI API reference, "The chat completion chunk object".
    """


class ErrorObject:
    """The stream contains an error.

    ## What it does
    Reports a payload with an `error` that is not empty, under HTTP status 200.

    ## Why is this bad?
    The contract does not provide for it. openai-python raises `APIError`; other clients ignore it
    and show what came so far as if it were the whole answer.

    ## Example
    ```
    event: error
    data: {"error":{"message":"Tool call validation failed","type":"invalid_request_error"}}
    ```

    ## What to do
    Clients: look for `error` in every event. Servers: answer with an HTTP status if nothing was
    sent yet; else send the error, then `[DONE]`.

    ## Source
    openai-python `_streaming.py`: raises on any `error` that is not empty. 3 of 1,858 real streams.
    """


class ChunkFieldUnknown:
    """A chunk has fields that the contract does not know.

    ## What it does
    Lists top-level fields that are not in OpenAI's OpenAPI description and not null.

    ## Why is this bad?
    A client that keeps only the fields it knows loses them. Extra fields themselves are allowed.

    ## Example
    `provider`, `x_groq`, `timings`, `prompt_filter_results`, `generationId`

    ## What to do
    Clients: ignore fields you do not know, but keep them if you pass the chunk on.

    ## Source
    OpenAI's OpenAPI description, `CreateChatCompletionStreamResponse.properties`.
    """


class PromptFilterPrelude:
    """The first chunk only holds a content filter's results for the prompt.

    ## What it does
    Reports a chunk with `prompt_filter_results` and no choices.

    ## Why is this bad?
    It has no choices, so `chunk.choices[0]` raises an error; its id and model are empty.

    ## Example
    `{"choices":[],"id":"","model":"","object":"","prompt_filter_results":[…]}`

    ## What to do
    Clients: expect chunks without choices; take id and model from the first chunk that has them.

    ## Source
    Azure OpenAI, content filtering; 334 of its 399 real streams.
    """


class ObfuscationMisplaced:
    """`obfuscation` is inside a choice.

    ## What it does
    Looks for `obfuscation` in choices and deltas.

    ## Why is this bad?
    An accumulator that joins strings by field name puts this random text into the answer.

    ## Example
    `{"choices":[{"index":0,"delta":{…},"obfuscation":"MXCepKv56n"}]}`

    ## What to do
    Servers: put it at the top level of the chunk. Clients: drop it wherever it is.

    ## Source
    OpenAI API reference, `stream_options.include_obfuscation`: a field of the chunk. 68 of 68 real
    streams of Bedrock.
    """


class SurrogateAlone:
    """Half of a surrogate pair is escaped without its other half.

    ## What it does
    Reports an event whose JSON has an escape such as `\\ud83d` without its other half.

    ## Why is this bad?
    It is valid JSON, but not valid text: strict parsers refuse the event, others show U+FFFD.
    Joined with the next piece, it may be a character.

    ## Example
    `{"delta":{"content":"\\ud83d"}}`, then `{"delta":{"content":"\\ude00"}}`

    ## What to do
    Servers: hold the first half back until the character is whole. Clients: join pieces before you
    encode them.

    ## Source
    RFC 8259, 8.2: "the behavior of software that receives JSON texts containing such values is
    unpredictable".
    """
