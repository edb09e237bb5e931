"""Write one exchange as a llama-stack (OGX) recording: bytes back into SDK dumps."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tokentape import content, media, sse
from tokentape.errors import FormatError, UsageError
from tokentape.formats import fields, plain_json
from tokentape.formats.llama_stack_hash import NAME, request_endpoint
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Ending, Exchange, Response, Tape, header

TYPE, DATA = "__type__", "__data__"
# Stands for what an exception repeats of the response it came from.
REPEATED = "\0repeated"
# Behind the shape of a stream: one for each line end that the reader put behind its last line.
ADDED = "+"
# Arguments of an SDK call that are no part of the body it sends.
TRANSPORT = ("extra_headers", "extra_query", "timeout")

_CHUNK = "openai.types.chat.chat_completion_chunk.ChatCompletionChunk"
_TEXT = "openai.types.completion.Completion"
_LABELS = {
    "chat.completion": "openai.types.chat.chat_completion.ChatCompletion",
    "chat.completion.chunk": _CHUNK,
    "text_completion": _TEXT,
    "model": "openai.types.model.Model",
}
_LINES = ("lines", "bare lines", "ended lines")
_EMBEDDINGS = "openai.types.create_embedding_response.CreateEmbeddingResponse"
_EXCEPTIONS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    422: "UnprocessableEntityError",
    429: "RateLimitError",
}


def write(tape: Tape) -> bytes:
    """The recording, in llama-stack's key order and indentation.

    Raises UsageError where the tape does not hold exactly one exchange.
    """
    if len(tape.exchanges) != 1:
        raise UsageError(
            f"a llama-stack recording holds exactly one exchange, this tape has "
            f"{len(tape.exchanges)}; choose one with --exchange"
        )
    (exchange,) = tape.exchanges
    kept = plain_json.kept(exchange.extra, NAME)
    node = fields.mapping(kept.get("node"), "extra.node")
    old_request = fields.mapping(node.get("request"), "extra.node.request")
    old_response = fields.mapping(node.get("response"), "extra.node.response")
    found: dict[str, Any] = {}
    if exchange.scope is not None or not node or "test_id" in node:
        found["test_id"] = exchange.scope
    found |= {
        "request": _request(exchange, old_request, kept),
        "response": _response(exchange, old_response, kept),
    }
    rest = fields.without(node, ("test_id", "request", "response"))
    found |= rest if node else {"id_normalization_mapping": {}}
    found = _in_order(found, kept.get("keys"))
    return plain_json.indented(found, 2)


def _in_order(node: dict[str, Any], keys: Any) -> dict[str, Any]:
    order = fields.sequence(keys, "extra.keys")
    known = {key: node[key] for key in order if isinstance(key, str) and key in node}
    return known | node


def _request(exchange: Exchange, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    request = exchange.request
    body = _value(request.body or b"")
    kind = kept.get("kind")
    found: dict[str, Any]
    if kind == "tool":
        found = {"kwargs": body}
    elif kind == "http" or not isinstance(body, dict):
        found = {"test_id": exchange.scope, "url": request.url, "method": request.method}
        found["payload"] = body
    else:
        arguments = body | fields.mapping(kept.get("transport"), "extra.transport")
        found = {"method": request.method, "url": request.url, "headers": {}}
        found["body"] = _in_order(arguments, kept.get("arguments"))
        found["endpoint"] = request_endpoint(exchange, kept)
        found["model"] = arguments.get("model", "")
    same: set[str] = set()
    if "model" in old and kept.get("request_digest") == fields.fingerprint(request.body):
        same.add("model")
    if fields.header_pairs(old.get("headers"), "headers") == request.headers:
        same.add("headers")
    if kept.get("scope") == exchange.scope:
        same.add("test_id")
    keys = fields.sequence(kept.get("request_keys"), "extra.request_keys")
    if old:
        found = {key: value for key, value in found.items() if key in keys and key not in same}
    return _in_order(found | fields.without(old, found), keys)


def _value(body: bytes) -> Any:
    """A body as the value a recording holds: of its JSON, else its text."""
    try:
        return plain_json.load(body, DEFAULT_LIMITS)
    except FormatError:
        return body.decode("utf-8", "replace")


def _response(exchange: Exchange, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    response = _decoded(exchange.response or Response(status=500))
    shape = str(kept.get("shape", ""))
    found: dict[str, Any]
    if "response_keys" in kept and _is_unchanged(response, kept):
        keys = fields.sequence(kept.get("response_keys"), "extra.response_keys")
        body = {"body": _body(response, shape, _labels(kept))} if "body" in keys else {}
        return _in_order(_repeated(old, response) | body, keys)
    is_http = kept.get("kind") == "http"
    found = {"status": response.status} if is_http else {}
    if not is_http and response.status >= 400:
        return found | {"body": None, "is_streaming": False} | exception(response)
    streaming = _is_stream(response)
    found |= {"body": _body(response, "", _labels(kept)), "is_streaming": streaming}
    if exchange.ending is Ending.CUT and streaming:
        found |= {"is_exception": True, "exception_message": "the stream was cut"}
    return found


def _repeated(node: dict[str, Any], response: Response) -> dict[str, Any]:
    """The node with what it repeats of the response put back."""
    if "exception_data" not in node and "exception_message" not in node:
        return node
    told = exception(response)
    found = dict(node)
    data = found.get("exception_data")
    if isinstance(data, dict):
        found["exception_data"] = {
            key: told["exception_data"].get(key) if value == REPEATED else value
            for key, value in data.items()
        }
    if found.get("exception_message") == REPEATED:
        found["exception_message"] = told["exception_message"]
    return found


def _decoded(response: Response) -> Response:
    coding = header(response.headers, "content-encoding")
    if not coding:
        return response
    body = content.decode(response.body, coding)
    return msgspec.structs.replace(response, reads=fields.reads(body))


def _is_unchanged(response: Response, kept: dict[str, Any]) -> bool:
    digest = fields.fingerprint(response.body)
    return (kept.get("status"), kept.get("response_digest")) == (response.status, digest)


def _is_stream(response: Response) -> bool:
    return media.is_event_stream(response) or media.media_type(response.headers) in media.NDJSON


def _labels(kept: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for run in fields.sequence(kept.get("labels"), "extra.labels"):
        match run:
            case [str(label), int(count)] if 0 <= count <= 1_000_000:
                found += [label] * count
            case _:
                raise FormatError("expected [label, count] in `extra.labels`")
    return found


def _body(response: Response, shape: str, labels: list[str]) -> Any:
    body = response.body
    if shape.startswith("exception"):
        return None if shape == "exception" else []
    if shape.rstrip(ADDED) in _LINES or (not shape and _is_typed(body)):
        return _lines(body.decode("utf-8", "replace"), shape)
    if _is_stream(response):
        return _chunks(_payloads(response), labels)
    value = _value(body)
    if shape == "models" or (not shape and _is_models(value)):
        items = value.get("data") if isinstance(value, dict) else None
        if isinstance(items, list):
            return _chunks(items, labels)
    if shape == "list" and isinstance(value, list):
        return _chunks(value, labels)
    if shape and shape != "labelled":
        return value
    label = labels[0] if labels else _label(value)
    return {TYPE: label, DATA: value} if label else value


def _lines(text: str, shape: str) -> list[str]:
    """The stream as the lines a recorder read; `shape` says what it did with their ends."""
    read = shape.rstrip(ADDED)
    text = text[: len(text) - (len(shape) - len(read))]
    if read == "ended lines":
        *ended, last = text.split("\n")
        return [line + "\n" for line in ended] + ([last] if last else [])
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line for line in lines if line] if read == "bare lines" else lines


def _payloads(response: Response) -> list[Any]:
    if media.media_type(response.headers) in media.NDJSON:
        return [_value(line) for line in response.body.split(b"\n") if line.strip()]
    data = (event.data for event in sse.events(response.body))
    return [_value(fields.encode(item)) for item in data if item.strip() != "[DONE]"]


def _is_typed(body: bytes) -> bool:
    return body.startswith(b"event:") or b"\nevent:" in body


def _is_models(value: Any) -> bool:
    items = value.get("data") if isinstance(value, dict) else None
    return (
        bool(items)
        and isinstance(items, list)
        and all(_label(i) == _LABELS["model"] for i in items)
    )


def _label(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    kind = value.get("object")
    if kind == "list" and isinstance(value.get("data"), list) and "usage" in value:
        return _EMBEDDINGS
    return _LABELS.get(kind, "") if isinstance(kind, str) else ""


def _chunks(chunks: Iterable[Any], labels: list[str]) -> list[Any]:
    found: list[Any] = []
    for number, chunk in enumerate(chunks):
        label = labels[number] if number < len(labels) else labels[-1] if labels else _label(chunk)
        if label == _CHUNK:
            _put_fragment_nulls(chunk)
        found.append({TYPE: label, DATA: chunk} if label else chunk)
    return found


def _put_fragment_nulls(chunk: Any) -> None:
    """Tool-call fragments as the SDK dumps them: what is absent is null."""
    for choice in _list(chunk, "choices"):
        delta = choice.get("delta") if isinstance(choice, dict) else None
        for fragment in _list(delta, "tool_calls"):
            if not isinstance(fragment, dict):
                continue
            function = fragment.get("function")
            if isinstance(function, dict):
                fragment["function"] = dict.fromkeys(("arguments", "name")) | function
            ordered = dict.fromkeys(("index", "id", "function", "type")) | fragment
            fragment.clear()
            fragment |= ordered


def _list(node: Any, key: str) -> list[Any]:
    found = node.get(key) if isinstance(node, dict) else None
    return found if isinstance(found, list) else []


def exception(response: Response) -> dict[str, Any]:
    """An error response as the exception that the official SDK makes of it."""
    value = _value(response.body)
    inner = value.get("error", value) if isinstance(value, dict) else value
    message = f"Error code: {response.status} - {value}"
    name = _EXCEPTIONS.get(
        response.status, "InternalServerError" if response.status >= 500 else "APIStatusError"
    )
    return {
        "is_exception": True,
        "exception_data": {
            "category": "provider_sdk",
            "provider": "openai",
            "type": name,
            "message": message,
            "status_code": response.status,
            "body": inner,
        },
        "exception_message": message,
    }
