"""Write exchanges as a vcrpy cassette, each part in the shape it was read in."""

import json
from http import HTTPStatus
from typing import Any

from tokentape.formats import fields, plain_json, plain_yaml, vcrpy_fields, yaml_body
from tokentape.formats.vcrpy_fields import NAME, PARSED
from tokentape.model import Exchange, Request, Response, Tape


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
    fields.put_headers(node, old, request.headers)
    if not old or vcrpy_fields.method(old) != request.method.upper():
        node["method"] = request.method
    node["uri"] = request.url
    return dict(sorted(node.items()))


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
    fields.put_headers(node, old, response.headers)
    if not old or vcrpy_fields.http_version(old) != response.http_version:
        node.pop("http_version", None)
        if response.http_version is not None and "status_code" in old:
            node["http_version"] = response.http_version
    known = (vcrpy_fields.status(old), vcrpy_fields.reason(old)) if old else None
    if known != (response.status, response.reason):
        _put_status(node, response)
    return dict(sorted(node.items()))


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
    if shape == PARSED:
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
