"""go-vcr cassettes, version 2: https://pkg.go.dev/gopkg.in/dnaeon/go-vcr.v4/pkg/cassette.

`duration` is the time until the headers were in, before the body was read.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from tokentape.errors import FormatError, TokenTapeError
from tokentape.formats import fields, go_duration, plain_json, plain_yaml, yaml_body
from tokentape.formats.base import Aspect, Format
from tokentape.limits import Limits
from tokentape.model import Exchange, Request, Response, Tape, phrase

NAME = "go-vcr"
VERSION = 2

_VERSION = re.compile(rb"^[ \t{]*[\"']?version[\"']?[ \t]*:[ \t]*([^\s,}]+)", re.MULTILINE)
_INTERACTIONS = re.compile(rb"^(?:\{.*)?[\"']?interactions[\"']?[ \t]*:", re.MULTILINE)
_SNIFFED = 4096


def sniff(data: bytes, name: str) -> bool:
    """A cassette whose version is not vcrpy's."""
    head = data[:_SNIFFED]
    if b"interactions" not in head:
        return False
    version = _VERSION.search(head) or _VERSION.search(data[-_SNIFFED:])
    return (
        version is not None
        and version.group(1).strip(b"\"'") != b"1"
        and _INTERACTIONS.search(head) is not None
    )


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """The cassette's interactions as exchanges, in their order."""
    top = fields.mapping(plain_yaml.load(data, limits), "cassette")
    version = top.get("version")
    if version != VERSION:
        raise FormatError(
            f"expected a go-vcr cassette of version {VERSION}, got version {version!r}; "
            "record it again with go-vcr v3 or v4"
        )
    exchanges = []
    for number, node in enumerate(fields.sequence(top.get("interactions"), "interactions")):
        try:
            exchanges.append(_exchange(fields.mapping(node, "interaction")))
        except TokenTapeError as error:
            error.exchange = number
            raise
    extra = plain_json.keep(fields.without(top, ("interactions",)))
    return Tape(exchanges=tuple(exchanges), extra={NAME: extra})


def _exchange(node: dict[str, Any]) -> Exchange:
    request = fields.mapping(node.get("request"), "request")
    response = fields.mapping(node.get("response"), "response")
    asked = Request(
        method=_method(request),
        url=fields.text(request.get("url"), "request.url"),
        headers=fields.header_pairs(request.get("headers"), "request.headers"),
        body=yaml_body.read(request.get("body"), "request.body"),
        http_version=_proto(request),
    )
    answer = Response(
        status=fields.status(response.get("code"), "response.code"),
        reason=_reason(response),
        headers=fields.header_pairs(response.get("headers"), "response.headers"),
        http_version=_proto(response),
        offset_us=_offset_us(response),
        reads=fields.reads(yaml_body.read(response.get("body"), "response.body")),
    )
    kept = fields.without(node, ("request", "response")) | {
        "request": fields.uncarried(request, asked.headers, ("body", "url")),
        "response": fields.uncarried(response, answer.headers, ("body",)),
    }
    extra = {
        "node": plain_json.keep(kept),
        "request_body": yaml_body.shape(request, "body"),
        "response_body": yaml_body.shape(response, "body"),
        "url_digest": fields.fingerprint(asked.url),
        "request_digest": fields.fingerprint(asked.body),
        "response_digest": fields.fingerprint(answer.body),
    }
    return Exchange(request=asked, response=answer, extra={NAME: extra})


def _method(request: dict[str, Any]) -> str:
    # To Go's http.Request an empty method is GET.
    return fields.text(request.get("method") or "GET", "request.method")


def _proto(node: dict[str, Any]) -> str | None:
    return fields.http_version(node.get("proto"))


def _reason(response: dict[str, Any]) -> str | None:
    code, _, reason = fields.as_text(response.get("status")).partition(" ")
    return reason or None if code.isdigit() else code or None


def _offset_us(response: dict[str, Any]) -> int | None:
    # Recorders that did not measure wrote "" or 0s.
    return go_duration.parse(fields.as_text(response.get("duration")) or "0") or None


def write(tape: Tape) -> bytes:
    """The cassette, as go-vcr writes it: ids are positions, bodies with line breaks are blocks."""
    interactions = [
        _interaction(number, exchange) for number, exchange in enumerate(tape.exchanges)
    ]
    top = {"version": VERSION, "interactions": interactions}
    unknown = fields.without(plain_json.kept(tape.extra, NAME), top)
    return plain_yaml.dump(top | unknown, go=True)


def _interaction(number: int, exchange: Exchange) -> dict[str, Any]:
    kept = plain_json.kept(exchange.extra, NAME)
    node = fields.mapping(kept.get("node"), "extra.node")
    request = fields.mapping(node.get("request"), "extra.node.request")
    response = fields.mapping(node.get("response"), "extra.node.response")
    return node | {
        "id": number,
        "request": _request_node(exchange.request, request, kept),
        "response": _response_node(exchange.response or Response(status=0), response, kept),
    }


def _request_node(request: Request, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    body = request.body or b""
    node = dict(old)
    same_body = kept.get("request_digest") == fields.fingerprint(body)
    same_url = kept.get("url_digest") == fields.fingerprint(request.url)
    if not (same_body and same_url):
        # These repeat what the url and the body say, so they would keep what was edited out.
        for key in ("form", "request_uri"):
            node.pop(key, None)
    if not same_url:
        node["host"] = urlsplit(request.url).netloc if old.get("host") else ""
    if not old or _proto(old) != request.http_version:
        node |= _protocol(request.http_version)
    if not same_body or "content_length" not in node:
        node["content_length"] = len(body)
    node.setdefault("host", "")
    yaml_body.write(node, "body", body, kept.get("request_body", yaml_body.MISSING))
    fields.put_headers(node, old, request.headers)
    node["url"] = request.url
    if not old or _method(old) != request.method:
        node["method"] = request.method
    return _ordered(node, _REQUEST_ORDER)


def _response_node(response: Response, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    body = response.body
    node = dict(old)
    if not old or _proto(old) != response.http_version:
        node |= _protocol(response.http_version)
    if kept.get("response_digest") != fields.fingerprint(body):
        node["content_length"] = -1
    yaml_body.write(node, "body", body, kept.get("response_body", yaml_body.TEXT))
    fields.put_headers(node, old, response.headers)
    if not old or _reason(old) != response.reason or str(old.get("code")) != str(response.status):
        node["status"] = f"{response.status} {response.reason or phrase(response.status)}".strip()
        node["code"] = response.status
    if not old or _offset_us(old) != response.offset_us:
        node["duration"] = go_duration.render(response.offset_us or 0)
    return _ordered(node, _RESPONSE_ORDER)


def _protocol(version: str | None) -> dict[str, Any]:
    text = fields.protocol(version) or "HTTP/1.1"
    found = re.search(r"(\d{1,2})(?:\.(\d{1,2}))?", text)
    major, minor = (found.group(1), found.group(2) or "0") if found else ("1", "1")
    return {"proto": text, "proto_major": int(major), "proto_minor": int(minor)}


_REQUEST_ORDER = (
    *("proto", "proto_major", "proto_minor", "content_length", "transfer_encoding", "trailer"),
    *("host", "remote_addr", "request_uri", "body", "form", "headers", "url", "method"),
)
_RESPONSE_ORDER = (
    *("proto", "proto_major", "proto_minor", "transfer_encoding", "trailer", "content_length"),
    *("uncompressed", "body", "headers", "status", "code", "duration"),
)


def _ordered(node: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    known = {key: node[key] for key in order if key in node}
    return known | node


FORMAT = Format(
    name=NAME,
    title="go-vcr cassette, version 2",
    suffixes=(".go-vcr.yaml", ".go-vcr.yml"),
    sniff=sniff,
    read=read,
    write=write,
    holds=frozenset(
        {
            Aspect.REQUEST,
            Aspect.REQUEST_HEADERS,
            Aspect.REQUEST_BODY_BYTES,
            Aspect.HTTP_VERSION,
            Aspect.STATUS,
            Aspect.RESPONSE_HEADERS,
            Aspect.TIME_TO_HEADERS,
            Aspect.BODY_BYTES,
            Aspect.SEVERAL,
        }
    ),
)
