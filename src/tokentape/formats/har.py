"""HTTP Archives, HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/.

A browser gives bodies decoded, so a content-encoding that no longer holds is taken off.
"""

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlencode

from tokentape.errors import FormatError, RefusedError, TokenTapeError
from tokentape.formats import fields, har_write, plain_json
from tokentape.formats.base import Aspect, Format
from tokentape.formats.har_fields import (
    headers,
    pairs,
    query,
    response_headers,
    started,
    times,
    uncarried,
)
from tokentape.formats.har_write import NAME
from tokentape.limits import Limits
from tokentape.model import Ending, Exchange, Request, Response, Tape

_LOG = re.compile(rb'"log"\s*:\s*\{')
_ENTRIES = re.compile(rb'"entries"\s*:\s*\[')
_WEBSOCKET = "WebSocket frames"


def sniff(data: bytes, name: str) -> bool:
    """A JSON object with a log of entries."""
    head = data[:4096]
    return (
        head.lstrip().startswith(b"{")
        and _LOG.search(head) is not None
        and _ENTRIES.search(data) is not None
    )


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """The log's entries as exchanges, in their order.

    Raises RefusedError where all of them are WebSocket connections.
    """
    top = fields.mapping(plain_json.load(data, limits), "har")
    if "log" not in top:
        raise FormatError("expected a HAR file with the key `log`, got others only")
    log = fields.mapping(top["log"], "log")
    entries = fields.sequence(log.get("entries"), "log.entries")
    skipped = [_is_websocket(entry) for entry in entries]
    if entries and all(skipped):
        raise RefusedError(_WEBSOCKET, "every entry of this archive is a WebSocket connection")
    notes = (f"{sum(skipped)} entries with {_WEBSOCKET} left out",) if any(skipped) else ()
    exchanges = []
    for number, entry in enumerate(entries):
        if skipped[number]:
            continue
        try:
            exchanges.append(_exchange(fields.mapping(entry, "entry"), notes))
        except TokenTapeError as error:
            error.exchange = number
            raise
    kept = fields.without(top, ("log",)) | {"log": fields.without(log, ("entries",))}
    return Tape(exchanges=tuple(exchanges), extra={NAME: plain_json.keep(kept)})


def _is_websocket(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    request = entry.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    return (
        entry.get("_resourceType") == "websocket"
        or "_webSocketMessages" in entry
        or (isinstance(url, str) and url.startswith(("ws:", "wss:")))
    )


def _exchange(entry: dict[str, Any], notes: tuple[str, ...]) -> Exchange:
    request = fields.mapping(entry.get("request"), "request")
    posted = fields.mapping(request.get("postData"), "request.postData")
    node = fields.mapping(entry.get("response"), "response")
    content = fields.mapping(node.get("content"), "response.content")
    status = fields.status(node.get("status") or 0, "response.status")
    offset_us, end_offset_us = times(entry)
    response = None
    # Browsers give status 0 to a request that no response came for; what has a body is one.
    if status or content.get("text"):
        body = _content(content, "response.content")
        if "text" not in content and content.get("size") not in (None, 0, -1):
            notes = (*notes, "the archive does not hold the response body")
        response = Response(
            status=status,
            reason=fields.as_text(node.get("statusText")) or None,
            headers=response_headers(node, body, as_bytes=_is_base64(content)),
            http_version=fields.http_version(node.get("httpVersion")),
            offset_us=offset_us,
            reads=fields.reads(body),
        )
    asked = Request(
        method=fields.text(request.get("method"), "request.method"),
        url=fields.text(request.get("url"), "request.url"),
        headers=headers(request, "request.headers"),
        body=_posted(posted),
        http_version=fields.http_version(request.get("httpVersion")),
        started=started(entry),
    )
    posted = fields.without(posted, ("text", "params", "encoding"))
    content = fields.without(content, ("text", "encoding"))
    answer = response or Response(status=0)
    listed = {"headers": pairs(asked.headers), "queryString": query(asked.url), "url": asked.url}
    kept = entry | {
        "request": uncarried(fields.without(request, ("postData",)), listed)
        | ({"postData": posted} if posted else {}),
        "response": uncarried(node, {"headers": pairs(answer.headers)}) | {"content": content},
    }
    extra = {
        "entry": plain_json.keep(kept),
        "url_digest": fields.fingerprint(asked.url),
        "request_headers": fields.fingerprint(asked.headers),
        "request_digest": fields.fingerprint(asked.body),
        "response_headers": fields.fingerprint(answer.headers),
        "response_digest": fields.fingerprint(answer.body),
    }
    return Exchange(
        request=asked,
        response=response,
        ending=Ending.COMPLETE if response is not None else Ending.CUT,
        end_offset_us=end_offset_us,
        notes=notes,
        extra={NAME: extra},
    )


def _is_base64(content: dict[str, Any]) -> bool:
    return content.get("encoding") == "base64"


def _content(node: dict[str, Any], what: str) -> bytes:
    found = node.get("text")
    if found is None:
        return b""
    text = fields.text(found, f"{what}.text")
    if not _is_base64(node):
        return fields.encode(text)
    try:
        return base64.b64decode(text.encode("ascii"), validate=False)
    except (binascii.Error, UnicodeEncodeError):
        raise FormatError(f"expected base64 as `{what}.text`, got another text") from None


def _posted(node: dict[str, Any]) -> bytes:
    if node.get("text") is not None or not node.get("params"):
        return _content(node, "request.postData")
    pairs = [
        (fields.as_text(found.get("name")), fields.as_text(found.get("value")))
        for item in fields.sequence(node["params"], "request.postData.params")
        for found in [fields.mapping(item, "request.postData.params")]
    ]
    return urlencode(pairs, errors="surrogatepass").encode()


FORMAT = Format(
    name=NAME,
    title="HTTP Archive 1.2",
    suffixes=(".har",),
    sniff=sniff,
    read=read,
    write=har_write.write,
    holds=frozenset(
        {
            Aspect.REQUEST,
            Aspect.REQUEST_HEADERS,
            Aspect.REQUEST_BODY_BYTES,
            Aspect.STARTED,
            Aspect.HTTP_VERSION,
            Aspect.STATUS,
            Aspect.RESPONSE_HEADERS,
            Aspect.HEADER_ORDER,
            Aspect.TIME_TO_HEADERS,
            Aspect.DURATION,
            Aspect.BODY_BYTES,
            Aspect.SEVERAL,
        }
    ),
)
