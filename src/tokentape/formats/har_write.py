"""Write exchanges as a HAR 1.2 file; texts that UTF-8 does not hold stand in base64."""

import base64
from typing import Any

from tokentape.formats import fields, plain_json
from tokentape.formats.har_fields import (
    UNKNOWN_START,
    pairs,
    query,
    started,
    times,
)
from tokentape.model import Exchange, Request, Response, Tape, header

NAME = "har"
_VERSION = "1.2"
_CREATOR = {"name": "TokenTape", "version": "1"}
_UNKNOWN_TYPE = "application/octet-stream"


def write(tape: Tape) -> bytes:
    """The archive. Times that are not known are 0, as the format has no other word for them."""
    top = plain_json.kept(tape.extra, NAME)
    log = fields.mapping(top.get("log"), "extra.log")
    log = {"version": _VERSION, "creator": _CREATOR} | log
    log["entries"] = [_entry(exchange) for exchange in tape.exchanges]
    return plain_json.indented(top | {"log": log}, 2)


def _entry(exchange: Exchange) -> dict[str, Any]:
    kept = plain_json.kept(exchange.extra, NAME)
    old = fields.mapping(kept.get("entry"), "extra.entry")
    request = fields.mapping(old.get("request"), "extra.entry.request")
    response = fields.mapping(old.get("response"), "extra.entry.response")
    node: dict[str, Any] = {"startedDateTime": UNKNOWN_START, "time": 0} | old
    if started(node) != exchange.request.started:
        node["startedDateTime"] = exchange.request.started or UNKNOWN_START
    node["request"] = _request(exchange.request, request, kept)
    node["response"] = _response(exchange.response, response, kept)
    node.setdefault("cache", {})
    offset_us = exchange.response.offset_us if exchange.response is not None else None
    known = times(old)
    if exchange.response is None:
        known = (None, known[1])
    if not old or known != (offset_us, exchange.end_offset_us):
        node |= _timings(offset_us or 0, exchange.end_offset_us or 0)
    return node


def _timings(offset_us: int, end_offset_us: int) -> dict[str, Any]:
    receive = max(0, end_offset_us - offset_us)
    return {
        "time": end_offset_us / 1000,
        "timings": {"send": 0, "wait": offset_us / 1000, "receive": receive / 1000},
    }


def _request(request: Request, old: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    node: dict[str, Any] = {"method": request.method, "url": request.url}
    node |= {"httpVersion": fields.protocol(request.http_version), "cookies": []}
    node |= {"headers": pairs(request.headers), "queryString": query(request.url)}
    node |= {"headersSize": -1, "bodySize": len(request.body or b"")} | old
    if kept.get("url_digest") != fields.fingerprint(request.url):
        node["queryString"] = query(request.url)
    node["method"] = request.method
    node["httpVersion"] = fields.protocol(request.http_version)
    posted = fields.mapping(node.pop("postData", None), "postData")
    same_headers = kept.get("request_headers") == fields.fingerprint(request.headers)
    if not same_headers:
        node |= {"headers": pairs(request.headers), "cookies": []}
    if not same_headers or "mimeType" not in posted:
        posted["mimeType"] = header(request.headers, "content-type") or ""
    body = request.body or b""
    if body:
        node["postData"] = posted | _text(body)
    if kept.get("request_digest") != fields.fingerprint(body):
        node["bodySize"] = len(body)
    return node


def _response(
    response: Response | None, old: dict[str, Any], kept: dict[str, Any]
) -> dict[str, Any]:
    response = response or Response(status=0)
    body = response.body
    content = {"size": len(body)} | fields.mapping(old.get("content"), "content")
    if kept.get("response_digest") != fields.fingerprint(body):
        content["size"] = len(body)
    node: dict[str, Any] = {"status": response.status, "statusText": "", "httpVersion": ""}
    node |= {"cookies": [], "headers": pairs(response.headers), "redirectURL": ""}
    node |= {"headersSize": -1, "bodySize": -1} | old
    node |= {"status": response.status, "content": content}
    node["statusText"] = response.reason or ""
    node["httpVersion"] = fields.protocol(response.http_version)
    same_headers = kept.get("response_headers") == fields.fingerprint(response.headers)
    if not same_headers:
        node |= {"headers": pairs(response.headers), "cookies": [], "redirectURL": ""}
    if not same_headers or "mimeType" not in content:
        content["mimeType"] = header(response.headers, "content-type") or _UNKNOWN_TYPE
    if body:
        content |= _text(body)
    return node


def _text(body: bytes) -> dict[str, str]:
    text = fields.decode(body)
    if text is not None:
        return {"text": text}
    return {"text": base64.b64encode(body).decode(), "encoding": "base64"}
