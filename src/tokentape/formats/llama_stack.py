"""llama-stack (OGX) test recordings: one request and its answer as JSON, the body as SDK dumps.

A type label (`__type__`) says what a dump was; it is only read, nothing is imported by it.
"""

import re
from typing import Any
from urllib.parse import quote

import msgspec

from tokentape.errors import FormatError, RefusedError
from tokentape.formats import fields, llama_stack_write, plain_json, rendering
from tokentape.formats.base import Aspect, Format
from tokentape.formats.llama_stack_hash import NAME, file_name
from tokentape.formats.llama_stack_write import ADDED, DATA, REPEATED, TRANSPORT, TYPE
from tokentape.limits import Limits
from tokentape.media import EVENT_STREAM
from tokentape.model import Ending, Exchange, Fidelity, Headers, Request, Response, Tape

_FIRST_KEY = re.compile(
    rb'\A\s*\{\s*"(?:test_id|request|response|id_normalization_mapping)"\s*:\s*[{"n]'
)
_SDK_ERROR = re.compile(r"Error code: (\d{3})(?: - (.*))?", re.DOTALL)
# Longer error texts are kept as texts: they are not worth a parser's time.
_LITERAL = 100_000


class _Body(msgspec.Struct, frozen=True):
    """A rendered response body, and what a writer needs to make the dump of it again."""

    data: bytes
    content_type: str = "application/json"
    shape: str = "json"
    labels: tuple[str, ...] = ()


def sniff(data: bytes, name: str) -> bool:
    """A JSON object that begins with one of a recording's keys."""
    return _FIRST_KEY.match(data[:4096]) is not None


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """The recording as a tape of one exchange, its bytes rendered from the dumps."""
    top = fields.mapping(plain_json.load(data, limits), "recording")
    if "request" not in top or "response" not in top:
        raise FormatError("expected a llama-stack recording with `request` and `response`")
    request_node = fields.mapping(top["request"], "request")
    node = fields.mapping(top["response"], "response")
    kind, request = _request(request_node, name)
    notes = ["request body rendered from the recorded arguments"]
    path = fields.as_text(request_node.get("endpoint")) or request.url
    scope = _scope(top, request_node)
    ending = Ending.COMPLETE
    status = 200 if node.get("status") is None else fields.status(node["status"], "response.status")
    if node.get("is_exception") and not (node.get("is_streaming") and node.get("body")):
        status, body = _exception(node)
        notes.append("error response rendered from the recorded exception")
    else:
        cut = bool(node.get("is_exception"))
        body = _body(node.get("body"), bool(node.get("is_streaming")), path, cut)
        notes.append("response body rendered from parsed values")
        if cut:
            ending = Ending.CUT
            notes.append(f"the stream failed: {fields.as_text(node.get('exception_message'))}")
    response = Response(
        status=status,
        headers=(("content-type", body.content_type),),
        reads=fields.reads(body.data),
    )
    kept = {
        "kind": kind,
        "node": fields.without(top, ("request", "response"))
        | {
            "request": _uncarried_request(request_node, request),
            "response": _uncarried_response(node, response, body.shape),
        },
        "keys": list(top),
        "request_keys": list(request_node),
        "response_keys": list(node),
        "shape": body.shape,
        "status": status,
        "scope": scope,
        "labels": _run_lengths(body.labels),
        "url_digest": fields.fingerprint(request.url),
        "request_digest": fields.fingerprint(request.body),
        "response_digest": fields.fingerprint(body.data),
    }
    if kind == "inference":
        arguments = fields.mapping(request_node.get("body"), "request.body")
        kept["transport"] = {key: arguments[key] for key in TRANSPORT if key in arguments}
        kept["arguments"] = list(arguments)
    exchange = Exchange(
        request=request,
        response=response,
        ending=ending,
        fidelity=Fidelity.EVENTS,
        scope=scope,
        notes=tuple(notes),
        extra={NAME: plain_json.keep(kept)},
    )
    return Tape(exchanges=(exchange,))


def _uncarried_request(node: dict[str, Any], request: Request) -> dict[str, Any]:
    """The request less what the exchange carries itself."""
    found = fields.without(node, ("body", "payload", "kwargs"))
    if found.get("url") == request.url:
        del found["url"]
    arguments = node.get("body")
    if isinstance(arguments, dict) and found.get("model") == arguments.get("model", ""):
        del found["model"]
    return found


def _uncarried_response(node: dict[str, Any], response: Response, shape: str) -> dict[str, Any]:
    """The response less its body, which an exception's data and message repeat."""
    found = fields.without(node, ("body",))
    if not shape.startswith("exception"):
        return found
    told = llama_stack_write.exception(response)
    data = found.get("exception_data")
    if isinstance(data, dict):
        repeated = told["exception_data"]
        found["exception_data"] = data | {
            key: REPEATED
            for key in ("body", "message")
            if key in data and data[key] == repeated[key]
        }
    if found.get("exception_message") == told["exception_message"]:
        found["exception_message"] = REPEATED
    return found


def _scope(top: dict[str, Any], request: dict[str, Any]) -> str | None:
    found = top.get("test_id", request.get("test_id"))
    return fields.as_text(found) if isinstance(found, str) else None


def _request(node: dict[str, Any], name: str) -> tuple[str, Request]:
    method = fields.as_text(node.get("method")) or "POST"
    if "tool_name" in node:
        provider, tool = (fields.as_text(node.get(key)) for key in ("provider", "tool_name"))
        return "tool", Request(
            url=f"tool:///{quote(provider, safe='')}/{quote(tool, safe='')}",
            body=plain_json.compact(node.get("kwargs")),
        )
    if "payload" in node and "url" in node:
        url = fields.text(node["url"], "request.url")
        return "http", Request(method=method, url=url, body=plain_json.compact(node["payload"]))
    if "body" in node and ("url" in node or "endpoint" in node):
        arguments = fields.mapping(node["body"], "request.body")
        headers: Headers = fields.header_pairs(node.get("headers"), "request.headers")
        return "inference", Request(
            method=method,
            url=fields.text(node.get("url", node.get("endpoint")), "request.url"),
            headers=headers,
            body=plain_json.compact(fields.without(arguments, TRANSPORT)),
        )
    told = [name, *node, *(value for value in node.values() if isinstance(value, str))]
    if any("file" in text.lower() or "processor" in text.lower() for text in told):
        raise RefusedError("file-processor record", "a local parser's result, no HTTP exchange")
    raise RefusedError(
        "llama-stack record of an unknown kind",
        f"expected an inference, tool or HTTP request, got the keys {', '.join(node)[:200]}",
    )


def _labelled(value: Any) -> bool:
    return isinstance(value, dict) and TYPE in value and DATA in value


def _body(value: Any, streaming: bool, path: str, cut: bool) -> _Body:
    if _labelled(value):
        label = fields.as_text(value[TYPE])
        return _Body(plain_json.compact(value[DATA]), shape="labelled", labels=(label,))
    if not isinstance(value, list):
        if value is None and streaming:
            value = []
        else:
            return _Body(plain_json.compact(value))
    labels = tuple(fields.as_text(item[TYPE]) if _labelled(item) else "" for item in value)
    chunks = [item[DATA] if _labelled(item) else item for item in value]
    if _is_model_list(labels, streaming, path):
        listed = {"object": "list", "data": chunks}
        return _Body(plain_json.compact(listed), shape="models", labels=labels)
    if not streaming:
        return _Body(plain_json.compact(chunks), shape="list", labels=labels)
    if value and all(isinstance(item, str) for item in value):
        return _lines(value)
    kind = rendering.kind_of(chunks, labels, path)
    rendered = rendering.stream(chunks, kind, cut=cut)
    return _Body(rendered, kind.content_type, shape=kind.name.lower(), labels=labels)


def _is_model_list(labels: tuple[str, ...], streaming: bool, path: str) -> bool:
    if streaming:
        return False
    if labels and all(label == "openai.types.model.Model" for label in labels):
        return True
    return path.split("?")[0].endswith("/models")


def _lines(lines: list[str]) -> _Body:
    """Lines of an event stream as its body, with the line ends that reading by lines took off."""
    if any(line.endswith("\n") for line in lines):
        text, shape = "".join(lines), "ended lines"
    elif "" in lines:
        text, shape = "".join(line + "\n" for line in lines), "lines"
    else:
        # The recorder dropped the blank lines: a frame ends with its data.
        ends = ("\n\n" if line.startswith("data:") else "\n" for line in lines)
        text, shape = "".join(map("".join, zip(lines, ends, strict=True))), "bare lines"
    if lines[-1].startswith("data:"):
        # The consumer had what it wanted of this event and read no further.
        while not text.endswith(("\n\n", "\r\n\r\n")):
            text, shape = text + "\n", shape + ADDED
    return _Body(fields.encode(text), EVENT_STREAM, shape=shape)


def _run_lengths(labels: tuple[str, ...]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for label in labels:
        if found and found[-1][0] == label:
            found[-1][1] += 1
        else:
            found.append([label, 1])
    return found


def _exception(node: dict[str, Any]) -> tuple[int, _Body]:
    """Status and body of the error response that an SDK's exception came from."""
    data = node.get("exception_data")
    data = data if isinstance(data, dict) else {}
    message = fields.as_text(node.get("exception_message") or data.get("message"))
    told = _SDK_ERROR.match(message)
    status = 500
    code = data.get("status_code")
    if isinstance(code, int) and 100 <= code <= 599:
        status = code
    elif told is not None:
        status = int(told.group(1))
    shape = "exception" if node.get("body") is None else "exception with a list"
    body = data.get("body")
    if body is None and told is not None:
        shown = told.group(2) or ""
        if shown.startswith("{") and len(shown) <= _LITERAL:
            body = plain_json.from_repr(shown)
    if isinstance(body, dict):
        # The SDK takes the error out of the answer it stands in; its message shows whether it did.
        if "error" not in body and "{'error':" in message:
            body = {"error": body}
        return status, _Body(plain_json.compact(body), shape=shape)
    if isinstance(body, str) and body:
        return status, _Body(fields.encode(body), "text/plain", shape=shape)
    error = {
        "message": message,
        "type": fields.as_text(data.get("type")) or "error",
        "param": None,
        "code": None,
    }
    return status, _Body(plain_json.compact({"error": error}), shape=shape)


FORMAT = Format(
    name=NAME,
    title="llama-stack recording",
    suffixes=(".llama-stack.json",),
    sniff=sniff,
    read=read,
    write=llama_stack_write.write,
    holds=frozenset({Aspect.FIDELITY, Aspect.REQUEST, Aspect.STATUS, Aspect.SCOPE}),
    looked_up=file_name,
)
