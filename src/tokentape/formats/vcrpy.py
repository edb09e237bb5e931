"""vcrpy cassettes in YAML and JSON, with what was built on them: https://vcrpy.readthedocs.io.

Besides vcrpy's own: pydantic-ai's `parsed_body`, langchain's parallel lists of requests and
responses, and the flat responses of httpx before vcrpy 6. Python tags are read as plain data.
"""

import re
from typing import Any

from tokentape.errors import FormatError, RefusedError, TokenTapeError
from tokentape.formats import (
    fields,
    plain_json,
    plain_yaml,
    vcrpy_fields,
    vcrpy_write,
    yaml_body,
)
from tokentape.formats.base import Aspect, Format
from tokentape.formats.vcrpy_fields import NAME, PARSED
from tokentape.limits import Limits
from tokentape.model import Exchange, Fidelity, Request, Response, Tape

_YAML = re.compile(rb"(?:\A|\n)[\"']?(?:interactions|requests)[\"']?[ \t]*:")
_JSON = re.compile(rb'\A\s*\{(?:.{0,4000}?[,{\s])??"(?:interactions|requests)"\s*:\s*\[', re.DOTALL)
_SNIFFED = 8192
_RENDERED_REQUEST = "request body rendered from parsed values"
_RENDERED_RESPONSE = "response body rendered from parsed values"


def sniff(data: bytes, name: str) -> bool:
    """A mapping with `interactions`, or with langchain's `requests`."""
    if data[:64].lstrip().startswith(b"{"):
        return _JSON.search(data[:_SNIFFED]) is not None
    # Keys are sorted by some writers, so that long texts can stand before these.
    return (b"interactions" in data or b"requests" in data) and _YAML.search(data) is not None


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
    asked = Request(
        method=vcrpy_fields.method(request),
        url=fields.text(request.get("uri"), "request.uri"),
        headers=fields.header_pairs(request.get("headers"), "request.headers"),
        body=body,
    )
    kept_node = fields.without(node, ("request", "response"))
    kept_node["request"] = fields.uncarried(request, asked.headers, (*_BODIES, "uri"))
    kept: dict[str, Any] = {"node": kept_node, "request_body": body_shape}
    response = None
    fidelity = Fidelity.BYTES
    if body_shape == PARSED:
        notes = (*notes, _RENDERED_REQUEST)
    if node.get("response") is not None:
        answer = fields.mapping(node["response"], "response")
        response, answer_shape = _response(answer)
        if answer_shape == PARSED:
            fidelity = Fidelity.EVENTS
            notes = (*notes, _RENDERED_RESPONSE)
        kept["response_body"] = answer_shape
        kept_node["response"] = fields.uncarried(answer, response.headers, _BODIES)
    elif "response" in node:
        kept_node["response"] = None
    return Exchange(
        request=asked,
        response=response,
        fidelity=fidelity,
        notes=notes,
        extra={NAME: plain_json.keep(kept)},
    )


_BODIES = ("body", "parsed_body", "content")


def _body(node: dict[str, Any], key: str, what: str) -> tuple[bytes, str]:
    if "parsed_body" in node:
        return plain_json.spaced(node["parsed_body"]), PARSED
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
        status=vcrpy_fields.status(node),
        reason=vcrpy_fields.reason(node),
        headers=fields.header_pairs(node.get("headers"), "response.headers"),
        http_version=vcrpy_fields.http_version(node),
        reads=fields.reads(body),
    )
    return response, shape


FORMAT = Format(
    name=NAME,
    title="vcrpy cassette",
    suffixes=(".vcrpy.yaml", ".vcrpy.yml", ".vcrpy.json"),
    sniff=sniff,
    read=read,
    write=vcrpy_write.write,
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
