"""Write exchanges as a vcrpy cassette, each part in the shape it was read in."""

import json
from typing import Any

from tokentape.errors import FormatError
from tokentape.formats import fields, plain_json, plain_yaml, vcrpy_body, vcrpy_fields, yaml_body
from tokentape.formats.vcrpy_fields import NAME
from tokentape.model import Exchange, Request, Response, Tape, header, phrase

_LONGEST = 1_000_000_000


def write(tape: Tape) -> bytes:
    """The cassette as vcrpy writes it, keys sorted; JSON where it was, and its bodies are texts."""
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
        for position, node in _foreign(kept):
            nodes.insert(position, node)
        top = {"interactions": nodes} | (unknown if kept else {"version": 1})
    if kept.get("json"):
        try:
            return (json.dumps(top, indent=4, default=_surrogates) + "\n").encode()
        except (TypeError, UnicodeDecodeError):
            pass  # A body that is no text, which JSON can't hold.
    return plain_yaml.dump(top)


def _foreign(kept: dict[str, Any]) -> list[tuple[int, Any]]:
    """The interactions that are not HTTP, and where they stood among all."""
    found: list[tuple[int, Any]] = []
    for item in fields.sequence(kept.get("foreign"), "extra.foreign"):
        match item:
            case [int(position), node] if 0 <= position <= _LONGEST:
                found.append((position, node))
            case _:
                raise FormatError("expected [position, interaction] in `extra.foreign`")
    return found


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
    if vcrpy_fields.started(node) != exchange.request.started:
        found.pop("recorded_at", None)
        if exchange.request.started is not None:
            found["recorded_at"] = exchange.request.started
    if exchange.response is not None:
        found["response"] = _response_node(exchange.response, response, kept)
    elif not node or response:
        found["response"] = None
    return found


def _request_node(request: Request, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = {}
    shape = str(kept.get("request_body", yaml_body.NULL))
    media = header(request.headers, "content-type") or ""
    vcrpy_body.put_request(node, request.body or b"", shape, media)
    node |= old
    fields.put_headers(node, old, request.headers, vcrpy_fields.headers)
    if not old or vcrpy_fields.method(old) != request.method.upper():
        node["method"] = request.method
    node["uri"] = request.url
    return dict(sorted(node.items()))


def _response_node(response: Response, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = {}
    shape = str(kept.get("response_body", vcrpy_body.RESPONSE))
    beside = fields.mapping(kept.get("beside_string"), "extra.beside_string")
    vcrpy_body.put_response(node, response.body, shape, beside)
    node |= old
    fields.put_headers(node, old, response.headers, vcrpy_fields.headers)
    if not old or vcrpy_fields.http_version(old) != response.http_version:
        node.pop("http_version", None)
        if response.http_version is not None and "status_code" in old:
            node["http_version"] = fields.protocol(response.http_version)
    known = (vcrpy_fields.status(old), vcrpy_fields.reason(old)) if old else None
    if known != (response.status, response.reason):
        _put_status(node, response)
    return dict(sorted(node.items()))


def _put_status(node: dict[str, Any], response: Response) -> None:
    if "status_code" in node:
        node["status_code"] = response.status
        return
    if "status" in node and not isinstance(node["status"], dict):
        node["status"] = response.status
        return
    reason = phrase(response.status) if response.reason is None else response.reason
    node["status"] = {"code": response.status, "message": reason}
