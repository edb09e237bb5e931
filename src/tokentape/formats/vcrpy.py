"""vcrpy cassettes in YAML and JSON, with what was built on them: https://vcrpy.readthedocs.io.

Besides vcrpy's own: pydantic-ai's `parsed_body`, langchain's parallel lists of requests and
responses, and the flat responses of httpx before vcrpy 6. Python tags are read as plain data.
"""

import json
import re
from http import HTTPStatus
from typing import Any

from tokentape.errors import FormatError, RefusedError, TokenTapeError
from tokentape.formats import fields, plain_json, plain_yaml, yaml_body
from tokentape.formats.base import Aspect, Format
from tokentape.limits import Limits
from tokentape.model import Exchange, Fidelity, Headers, Request, Response, Tape

NAME = "vcrpy"

_PARSED = "parsed"
_YAML = re.compile(rb"^(?:\{.*)?[\"']?(?:interactions|requests)[\"']?[ \t]*:", re.MULTILINE)
_JSON = re.compile(rb'\A\s*\{(?:.{0,4000}?[,{\s])??"(?:interactions|requests)"\s*:\s*\[', re.DOTALL)
_SNIFFED = 8192
_RENDERED_REQUEST = "request body rendered from parsed values"
_RENDERED_RESPONSE = "response body rendered from parsed values"


def sniff(data: bytes, name: str) -> bool:
    """A mapping with `interactions`, or with langchain's `requests`."""
    if data[:64].lstrip().startswith(b"{"):
        return _JSON.search(data[:_SNIFFED]) is not None
    # A long request body can stand before the key in langchain's layout, so all is searched.
    return _YAML.search(data) is not None


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """The cassette's HTTP interactions as exchanges, in their order.

    Raises RefusedError where it holds others only, such as WebSocket frames.
    """
    is_json = data[:64].lstrip().startswith(b"{")
    top = fields.mapping(_load(data, is_json, limits), "cassette")
    if not top.keys() & {"interactions", "requests"}:
        raise RefusedError("no cassette", "expected the key `interactions`, got others only")
    nodes, layout = _interactions(top)
    foreign = [what for what in map(_foreign, nodes) if what]
    if foreign and len(foreign) == len(nodes):
        raise RefusedError(foreign[0], "this cassette holds no HTTP exchange")
    notes = tuple(f"{foreign.count(what)} {what} left out" for what in dict.fromkeys(foreign))
    exchanges = []
    for number, node in enumerate(nodes):
        if _foreign(node):
            continue
        try:
            exchanges.append(_exchange(fields.mapping(node, "interaction"), notes))
        except TokenTapeError as error:
            error.exchange = number
            raise
    extra: dict[str, Any] = {"top": fields.without(top, ("interactions", "requests", "responses"))}
    if is_json:
        extra["json"] = True
    if layout:
        extra["layout"] = layout
    return Tape(exchanges=tuple(exchanges), extra={NAME: plain_json.keep(extra)})


def _load(data: bytes, is_json: bool, limits: Limits) -> Any:
    if not is_json:
        return plain_yaml.load(data, limits)
    try:
        return plain_json.load(data, limits)
    except FormatError:
        # YAML has braces too.
        return plain_yaml.load(data, limits)


def _interactions(top: dict[str, Any]) -> tuple[list[Any], str]:
    if "interactions" not in top and ("requests" in top or "responses" in top):
        requests = fields.sequence(top.get("requests"), "requests")
        responses = fields.sequence(top.get("responses"), "responses")
        if len(requests) != len(responses):
            raise FormatError(
                f"expected as many responses as requests ({len(requests)}), got {len(responses)}"
            )
        pairs = zip(requests, responses, strict=True)
        return [{"request": request, "response": response} for request, response in pairs], "lists"
    return fields.sequence(top.get("interactions"), "interactions"), ""


def _foreign(node: Any) -> str | None:
    """What an interaction is that is not HTTP, None for one that is."""
    if not isinstance(node, dict):
        return "records of an unknown kind"
    if "request" in node:
        return None
    if {"kind", "direction"} <= node.keys():
        return "WebSocket frames"
    if "request_sample" in node or "response_sample" in node:
        return "gRPC samples"
    return "records of an unknown kind"


def _exchange(node: dict[str, Any], notes: tuple[str, ...]) -> Exchange:
    request = fields.mapping(node["request"], "request")
    if "uri" not in request and "url" in request:
        raise FormatError(
            "expected a vcrpy cassette, with the key `uri` in a request; this looks like a go-vcr "
            "cassette of version 1: record it again with go-vcr v3 or v4"
        )
    body, body_shape = _body(request, "body", "request.body")
    kept: dict[str, Any] = {
        "request_body": body_shape,
        "request_digest": fields.fingerprint(body),
    }
    kept_node = fields.without(node, ("request", "response"))
    kept_node["request"] = fields.without(request, _BODIES)
    response = None
    fidelity = Fidelity.BYTES
    if body_shape == _PARSED:
        notes = (*notes, _RENDERED_REQUEST)
    if node.get("response") is not None:
        answer = fields.mapping(node["response"], "response")
        response, answer_shape = _response(answer)
        if answer_shape.endswith(_PARSED):
            fidelity = Fidelity.EVENTS
            notes = (*notes, _RENDERED_RESPONSE)
        kept["response_body"] = answer_shape
        kept_node["response"] = fields.without(answer, _BODIES)
    elif "response" in node:
        kept_node["response"] = None
    kept["node"] = kept_node
    return Exchange(
        request=Request(
            method=_method(request),
            url=fields.text(request.get("uri"), "request.uri"),
            headers=fields.header_pairs(request.get("headers"), "request.headers"),
            body=body,
        ),
        response=response,
        fidelity=fidelity,
        notes=notes,
        extra={NAME: plain_json.keep(kept)},
    )


_BODIES = ("body", "parsed_body", "content")


def _method(request: dict[str, Any]) -> str:
    return fields.text(request.get("method"), "request.method").upper()


def _body(node: dict[str, Any], key: str, what: str) -> tuple[bytes, str]:
    if "parsed_body" in node:
        return plain_json.spaced(node["parsed_body"]), _PARSED
    return yaml_body.read(node.get(key), what), yaml_body.shape(node, key)


def _response(node: dict[str, Any]) -> tuple[Response, str]:
    if "parsed_body" in node:
        body, shape = _body(node, "body", "response.body")
    elif "content" in node and "body" not in node:
        body, shape = _body(node, "content", "response.content")
        shape = "content " + shape
    elif isinstance(node.get("body"), dict) and "string" in node["body"]:
        body, shape = _body(node["body"], "string", "response.body.string")
        shape = "string " + shape
    else:
        body, shape = _body(node, "body", "response.body")
        if node.get("body") == {}:
            shape = "empty"
    response = Response(
        status=_status(node),
        reason=_reason(node),
        headers=fields.header_pairs(node.get("headers"), "response.headers"),
        http_version=_http_version(node),
        reads=fields.reads(body),
    )
    return response, shape


def _status(node: dict[str, Any]) -> int:
    found = node.get("status")
    if isinstance(found, dict):
        return fields.status(found.get("code"), "response.status.code")
    return fields.status(node.get("status_code", found), "response.status")


def _reason(node: dict[str, Any]) -> str | None:
    found = node.get("status")
    return fields.as_text(found.get("message")) or None if isinstance(found, dict) else None


def _http_version(node: dict[str, Any]) -> str | None:
    return fields.as_text(node.get("http_version")) or None


def write(tape: Tape) -> bytes:
    """The cassette as vcrpy writes it; JSON again where it was JSON and its bodies are texts."""
    kept = plain_json.kept(tape.extra, NAME)
    unknown = fields.mapping(kept.get("top"), "extra.top")
    nodes = [_interaction(exchange) for exchange in tape.exchanges]
    top: dict[str, Any]
    if kept.get("layout") == "lists":
        top = {
            "requests": [node["request"] for node in nodes],
            "responses": [node.get("response") for node in nodes],
        } | unknown
    else:
        top = {"interactions": nodes} | (unknown if kept else {"version": 1})
    if kept.get("json"):
        try:
            return (json.dumps(top, indent=4, default=_surrogates) + "\n").encode()
        except (TypeError, UnicodeDecodeError):
            pass  # A body that is no text, which JSON can't hold.
    return plain_yaml.dump(top)


def _surrogates(body: Any) -> str:
    if not isinstance(body, bytes):
        raise TypeError
    return body.decode("utf-8", "surrogatepass")


def _interaction(exchange: Exchange) -> dict[str, Any]:
    kept = plain_json.kept(exchange.extra, NAME)
    node = fields.mapping(kept.get("node"), "extra.node")
    request = fields.mapping(node.get("request"), "extra.node.request")
    response = fields.mapping(node.get("response"), "extra.node.response")
    found = node | {"request": _request_node(exchange.request, request, kept)}
    if exchange.response is not None:
        found["response"] = _response_node(exchange.response, response, kept)
    elif not node or response:
        found["response"] = None
    return found


def _request_node(request: Request, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = {}
    _put_body(node, "body", request.body or b"", str(kept.get("request_body", yaml_body.NULL)))
    node |= old
    _put_headers(node, old, request.headers)
    if not old or _method(old) != request.method.upper():
        node["method"] = request.method
    node["uri"] = request.url
    return node


def _response_node(response: Response, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    shape = str(kept.get("response_body", "string text"))
    where, _, shaped = shape.rpartition(" ")
    body = response.body
    node: dict[str, Any] = {}
    if where == "string":
        node["body"] = {}
        yaml_body.write(node["body"], "string", body, shaped)
    elif where == "content":
        yaml_body.write(node, "content", body, shaped)
    elif shape == "empty":
        node["body"] = {}
        if body:
            yaml_body.write(node["body"], "string", body, yaml_body.TEXT)
    else:
        _put_body(node, "body", body, shape)
    node |= old
    _put_headers(node, old, response.headers)
    if not old or _http_version(old) != response.http_version:
        node.pop("http_version", None)
        if response.http_version is not None and "status_code" in old:
            node["http_version"] = response.http_version
    if not old or (_status(old), _reason(old)) != (response.status, response.reason):
        _put_status(node, response)
    return node


def _put_status(node: dict[str, Any], response: Response) -> None:
    if "status_code" in node:
        node["status_code"] = response.status
        return
    reason = response.reason
    if reason is None:
        reason = _PHRASES.get(response.status, "")
    node["status"] = {"code": response.status, "message": reason}


_PHRASES = {int(status): status.phrase for status in HTTPStatus}


def _put_body(node: dict[str, Any], key: str, body: bytes, shape: str) -> None:
    if shape == _PARSED:
        parsed = _parsed(body)
        if parsed is not None:
            node["parsed_body"] = parsed[0]
            return
        shape = yaml_body.TEXT
    yaml_body.write(node, key, body, shape)


def _parsed(body: bytes) -> tuple[Any] | None:
    """The value whose rendering this body is, None where it is none."""
    try:
        value = json.loads(body)
        return (value,) if plain_json.spaced(value) == body else None
    except (ValueError, RecursionError):
        return None


def _put_headers(node: dict[str, Any], old: dict[str, Any], headers: Headers) -> None:
    if not old or fields.header_pairs(old.get("headers"), "headers") != headers:
        node["headers"] = fields.header_lists(headers)


FORMAT = Format(
    name=NAME,
    title="vcrpy cassette",
    suffixes=(".vcrpy.yaml", ".vcrpy.yml", ".vcrpy.json"),
    sniff=sniff,
    read=read,
    write=write,
    holds=frozenset(
        {
            Aspect.REQUEST,
            Aspect.REQUEST_HEADERS,
            Aspect.REQUEST_BODY_BYTES,
            Aspect.STATUS,
            Aspect.RESPONSE_HEADERS,
            Aspect.BODY_BYTES,
            Aspect.SEVERAL,
        }
    ),
)
