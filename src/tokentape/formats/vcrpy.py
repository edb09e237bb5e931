"""vcrpy cassettes in YAML and JSON, with what was built on them: https://vcrpy.readthedocs.io.

Besides vcrpy's own: pydantic-ai's `parsed_body`, langchain's parallel lists of requests and
responses, cassetter's typed bodies (https://github.com/Kludex/cassetter), and the flat responses
of httpx before vcrpy 6. Python tags are read as plain data.
"""

import re
from typing import Any

from tokentape.errors import FormatError, RefusedError, TokenTapeError
from tokentape.formats import (
    fields,
    plain_json,
    plain_yaml,
    vcrpy_body,
    vcrpy_fields,
    vcrpy_write,
)
from tokentape.formats.base import Aspect, Format
from tokentape.formats.vcrpy_fields import NAME
from tokentape.limits import Limits
from tokentape.model import Exchange, Fidelity, Request, Response, Tape, header

_KEYS = r"(?:(?:ws_|grpc_)?interactions|requests)"
_YAML = re.compile(rf"(?:\A|\n)[\"']?{_KEYS}[\"']?[ \t]*:".encode())
_JSON = re.compile(rf'\A\s*\{{(?:.{{0,4000}}?[,{{\s])??"{_KEYS}"\s*:\s*\['.encode(), re.DOTALL)
_SNIFFED = 8192
# Where cassetter keeps what is not HTTP: what this is, and what one of them is called.
_OTHERS = {
    "ws_interactions": ("WebSocket frames", "WebSocket connections"),
    "grpc_interactions": ("gRPC samples", "gRPC calls"),
}
_GRPC = {"request_sample", "response_sample", "request_stream", "response_stream"}
_RENDERED_REQUEST = "request body rendered from parsed values"
_RENDERED_RESPONSE = "response body rendered from parsed values"
_NESTED_HEADER = "header values that are no text given as JSON"


def sniff(data: bytes, name: str) -> bool:
    """A mapping with `interactions` of any kind, or with langchain's `requests`."""
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
    if not top.keys() & {"interactions", "requests", *_OTHERS}:
        raise RefusedError("no cassette", "expected the key `interactions`, got others only")
    nodes, layout = _interactions(top)
    kinds = [_foreign(node) for node in nodes]
    notes = _left_out(kinds, top)
    exchanges = []
    for number, node in enumerate(nodes):
        if kinds[number] is not None:
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
    foreign = [[number, nodes[number]] for number, kind in enumerate(kinds) if kind is not None]
    if foreign:
        extra["foreign"] = foreign
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
    if node.keys() & _GRPC:
        return "gRPC samples"
    if {"direction", "data"} <= node.keys() or node.get("kind") in ("message", "close"):
        return "WebSocket frames"
    return "records of an unknown kind"


def _left_out(kinds: list[str | None], top: dict[str, Any]) -> tuple[str, ...]:
    """Notes on what is not HTTP. Raises RefusedError where there is nothing else."""
    foreign = [kind for kind in kinds if kind is not None]
    counts = {kind: foreign.count(kind) for kind in foreign}
    refused = foreign[:1]
    for key, (what, called) in _OTHERS.items():
        others = top.get(key)
        if isinstance(others, list) and others:
            counts[called] = len(others)
            refused.append(what)
    if refused and len(foreign) == len(kinds):
        raise RefusedError(refused[0], "this cassette holds no HTTP exchange")
    return tuple(f"{count} {what} left out" for what, count in counts.items())


def _exchange(node: dict[str, Any], notes: tuple[str, ...]) -> Exchange:
    request = fields.mapping(node["request"], "request")
    if "uri" not in request and "url" in request:
        raise FormatError(
            "expected a vcrpy cassette, with the key `uri` in a request; this looks like a go-vcr "
            "cassette of version 1: record it again with go-vcr v3 or v4"
        )
    answer = fields.mapping(node.get("response"), "response")
    headers = vcrpy_fields.headers(request.get("headers"), "request.headers")
    media = header(headers, "content-type") or ""
    # Its bodies are told from those of others by its status, a plain number.
    cassetter = isinstance(answer.get("status"), int)
    body, shape = vcrpy_body.read_request(request, media, cassetter)
    asked = Request(
        method=vcrpy_fields.method(request),
        url=fields.text(request.get("uri"), "request.uri"),
        headers=headers,
        body=body,
        started=vcrpy_fields.started(node),
    )
    kept_node = fields.without(node, ("request", "response"))
    kept_node["request"] = fields.uncarried(request, headers, (*vcrpy_body.KEYS, "uri"))
    kept: dict[str, Any] = {"node": kept_node, "request_body": shape}
    response = None
    fidelity = Fidelity.BYTES
    if vcrpy_body.is_rendered(shape):
        notes = (*notes, _RENDERED_REQUEST)
    if node.get("response") is not None:
        response, answer_shape = _response(answer, cassetter)
        if vcrpy_body.is_rendered(answer_shape):
            fidelity = Fidelity.EVENTS
            notes = (*notes, _RENDERED_RESPONSE)
        kept["response_body"] = answer_shape
        if beside := vcrpy_body.beside(answer):
            kept["beside_string"] = beside
        kept_node["response"] = fields.uncarried(answer, response.headers, vcrpy_body.KEYS)
    elif "response" in node:
        kept_node["response"] = None
    if vcrpy_fields.has_nested_header(request) or vcrpy_fields.has_nested_header(answer):
        notes = (*notes, _NESTED_HEADER)
    return Exchange(
        request=asked,
        response=response,
        fidelity=fidelity,
        notes=notes,
        extra={NAME: plain_json.keep(kept)},
    )


def _response(node: dict[str, Any], cassetter: bool) -> tuple[Response, str]:
    body, shape = vcrpy_body.read_response(node, cassetter)
    response = Response(
        status=vcrpy_fields.status(node),
        reason=vcrpy_fields.reason(node),
        headers=vcrpy_fields.headers(node.get("headers"), "response.headers"),
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
            Aspect.STARTED,
            Aspect.STATUS,
            Aspect.RESPONSE_HEADERS,
            Aspect.BODY_BYTES,
            Aspect.SEVERAL,
        }
    ),
)
