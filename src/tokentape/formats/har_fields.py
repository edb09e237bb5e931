"""What the fields of a HAR entry mean as values of the model."""

import math
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tokentape.content import is_encoded
from tokentape.formats import fields
from tokentape.model import Headers, header

# The start that is written where none is known: the format demands one.
UNKNOWN_START = "1970-01-01T00:00:00.000Z"
# `ssl` is not among them: the time it took is part of `connect`.
_BEFORE_HEADERS = ("blocked", "dns", "connect", "send", "wait")
_TEXTS = re.compile(r"text/|application/(?:\w+\+)?(?:json|xml|x-ndjson)")
_LONGEST_MS = 1e12


def started(entry: dict[str, Any]) -> str | None:
    """The wall-clock start in UTC, None where it is not known."""
    text = entry.get("startedDateTime")
    if not isinstance(text, str) or text == UNKNOWN_START:
        return None
    return fields.moment(text)


def times(entry: dict[str, Any]) -> tuple[int | None, int | None]:
    """Microseconds until the headers and until the end; None where not known.

    A time that is not known is -1 to this format, and 0 where it must not be.
    """
    found = entry.get("timings")
    timings = found if isinstance(found, dict) else {}
    until_headers = sum(_microseconds(timings.get(name)) for name in _BEFORE_HEADERS)
    until_end = _microseconds(entry.get("time"))
    if until_headers:
        until_end = until_end and max(until_end, until_headers)
    return until_headers or None, until_end or None


def _microseconds(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return 0
    if not math.isfinite(value) or not 0 < value < _LONGEST_MS:
        return 0
    return round(value * 1000)


def headers(node: dict[str, Any], what: str) -> Headers:
    """The headers as pairs, less HTTP/2's pseudo headers."""
    pairs: list[tuple[str, str]] = []
    for item in fields.sequence(node.get("headers"), what):
        found = fields.mapping(item, what)
        name = fields.text(found.get("name"), f"{what}.name")
        if not name.startswith(":"):
            pairs += fields.header_pairs({name: found.get("value")}, what)
    return tuple(pairs)


def response_headers(node: dict[str, Any], body: bytes, *, as_bytes: bool) -> Headers:
    """The response's headers, less a content-encoding that its body no longer is in.

    `as_bytes` says that the body stands in base64: then one that is no text, though its type
    says so, still is encoded.
    """
    found = headers(node, "response.headers")
    coding = header(found, "content-encoding")
    if coding is None or not body:
        return found
    last = coding.lower().split(",")[-1].strip()
    if last in ("gzip", "x-gzip", "zstd", "deflate"):
        encoded = is_encoded(body, coding)
    else:
        media = (header(found, "content-type") or "").lower()
        encoded = as_bytes and bool(_TEXTS.match(media)) and is_encoded(body, coding)
    if encoded:
        return found
    return tuple(pair for pair in found if pair[0].lower() != "content-encoding")


def pairs(headers: Headers) -> list[dict[str, str]]:
    """Pairs as the format lists them."""
    return [{"name": name, "value": value} for name, value in headers]


def query(url: str) -> list[dict[str, str]]:
    """The parameters in a URL's query."""
    try:
        found = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []
    return pairs(tuple(found))


def uncarried(node: dict[str, Any], carried: dict[str, Any]) -> dict[str, Any]:
    """The node less what equals its writer's own rendering of the model's values."""
    return {
        key: value for key, value in node.items() if key not in carried or value != carried[key]
    }
