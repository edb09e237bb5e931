"""Bytes as fields of a line of a tape, in the most readable form that restores them exactly.

JSON among them is kept verbatim, never re-encoded, so a float, a 30-digit integer, a duplicate key
or a space comes back as it was. docs/tape-format.md, "Bytes", is the specification.
"""

import base64
import binascii
import re
from typing import Any

import msgspec

from tokentape import sse
from tokentape.errors import FormatError

_DONE = b"[DONE]"
_DONE_TEXT = b'"[DONE]"'
_AROUND = len(sse.DATA + sse.BLANK)
_SOLE_BEGINS = sse.DATA + b"{"
# A JSON object behind `data:`, or one that is the whole of what stands between white space.
_PAYLOAD = re.compile(rb"(?<=data: )\{[^\r\n]*\}(?=[\r\n]|\Z)|(?<=data:)\{[^\r\n]*\}(?=[\r\n]|\Z)")
_DOCUMENT = re.compile(rb"\s*([\[{][^\r\n]*[\]}])\s*")
_LINE_END = re.compile(rb"[\r\n]")
_DEEPEST = 500
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[]}")
_skip = msgspec.json.Decoder(msgspec.Raw).decode
_skip_all = msgspec.json.Decoder(list[msgspec.Raw]).decode


def is_json(payload: bytes) -> bool:
    """Whether these bytes may stand in a line as they are: valid JSON in UTF-8, not too deep."""
    if _is_deep(payload):
        return False
    try:
        _skip(payload)
        if not payload.isascii():
            payload.decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _is_deep(payload: bytes) -> bool:
    """Whether JSON is nested deeper than every reader goes: how deep that is, Python decides."""
    if len(payload) < 2 * _DEEPEST or payload.count(b"{") + payload.count(b"[") <= _DEEPEST:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", payload).translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"{[" else -1
        if depth > _DEEPEST:
            return True
    return False


def _text(data: bytes) -> str | None:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def sole_payloads(reads: list[bytes]) -> list[bytes | None]:
    """The payload of each read that is one frame `data: {…}` and nothing else; None for the others.

    Looked at together they take a fraction of the time; so the others, such as `[DONE]`, are left
    out of it first.
    """
    likely = [
        read[: len(_SOLE_BEGINS)] == _SOLE_BEGINS and read.count(b"\n") == len(sse.BLANK)
        for read in reads
    ]
    frames = [read for read, is_likely in zip(reads, likely, strict=True) if is_likely]
    payloads = sse.plain_data(b"".join(frames))
    if (
        payloads is None
        or [len(frame) - _AROUND for frame in frames] != list(map(len, payloads))
        or not _are_json(payloads)
    ):
        return [None] * len(reads)
    if len(payloads) == len(reads):
        return list(payloads)
    found = iter(payloads)
    return [next(found) if is_likely else None for is_likely in likely]


def frames_field(data: bytes) -> bytes | None:
    """The value of `data` as JSON, when the bytes are whole `data: …` frames and nothing else."""
    found = sse.plain_data(data)
    if found is None or not _are_objects([payload for payload in found if payload != _DONE]):
        return None
    return b"[%b]" % b",".join([p if p != _DONE else _DONE_TEXT for p in found])


def _are_objects(payloads: list[bytes]) -> bool:
    return all(payload[:1] == b"{" for payload in payloads) and _are_json(payloads)


def _are_json(payloads: list[bytes]) -> bool:
    """Whether each of these is JSON and not too deep: looked at together, many times faster."""
    if max(map(len, payloads), default=0) >= 2 * _DEEPEST and any(map(_is_deep, payloads)):
        return False
    joined = b",".join(payloads)
    try:
        values = _skip_all(b"[%b]" % joined)
        if not joined.isascii():
            joined.decode("utf-8")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    # A comma between two halves of a value makes one of them, one inside a payload makes two.
    return list(map(len, values)) == list(map(len, payloads))


def _literal(data: bytes, parts: list[Any]) -> bool:
    """Append bytes that are not JSON: text, and a UTF-8 character cut at either end as base64."""
    if not data:
        return True
    for head in range(4):
        for tail in range(4):
            stop = len(data) - tail
            text = _text(data[head:stop]) if head < stop else None
            if text is None:
                continue
            if head:
                parts.append([base64.b64encode(data[:head]).decode("ascii")])
            parts.append(text)
            if tail:
                parts.append([base64.b64encode(data[stop:]).decode("ascii")])
            return True
    return False


def _as_parts(data: bytes) -> list[Any] | None:
    """Text and JSON in turn, or None where the bytes are not mostly text."""
    document = _DOCUMENT.fullmatch(data)
    found = [document.span(1)] if document else []
    if not document and b"data:" in data:
        found = [match.span() for match in _PAYLOAD.finditer(data)]
    objects = [data[start:end] for start, end in found if data[start : start + 1] == b"{"]
    # Of a read that cuts a frame the others are whole: looked at together, many times faster.
    sure = _are_json(objects)
    parts: list[Any] = []
    position = 0
    for start, end in found:
        if data[start : start + 1] != b"{" or not (sure or is_json(data[start:end])):
            continue
        if not _literal(data[position:start], parts):
            return None
        parts.append(msgspec.Raw(data[start:end]))
        position = end
    return parts if _literal(data[position:], parts) else None


def bytes_field(data: bytes) -> dict[str, Any]:
    """The one field that holds these bytes in a line: json, data, parts, text or base64."""
    if data[:1] + data[-1:] in (b"{}", b"[]") and not _LINE_END.search(data) and is_json(data):
        return {"json": msgspec.Raw(data)}
    frames = frames_field(data)
    if frames is not None:
        return {"data": msgspec.Raw(frames)}
    parts = _as_parts(data)
    if parts is None:
        return {"base64": base64.b64encode(data).decode("ascii")}
    if not parts:
        return {"text": ""}
    if len(parts) == 1 and isinstance(parts[0], str):
        return {"text": parts[0]}
    return {"parts": parts}


class BytesFields(msgspec.Struct, gc=False):
    """The fields of a line of which at most one holds its bytes."""

    json: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    data: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    parts: list[msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    text: str | msgspec.UnsetType = msgspec.UNSET
    base64: str | msgspec.UnsetType = msgspec.UNSET


_decode_str = msgspec.json.Decoder(str).decode
_decode_base64_part = msgspec.json.Decoder(tuple[str]).decode


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"expected base64, got {text[:40]!r} ({error})") from None


def _part(raw: msgspec.Raw) -> bytes:
    piece = bytes(raw)
    if piece[:1] == b"{":
        return piece
    if piece[:1] == b'"':
        return _decode_str(piece).encode("utf-8")
    return _unbase64(_decode_base64_part(piece)[0])


def _payload(raw: msgspec.Raw) -> bytes:
    piece = bytes(raw)
    return piece if piece[:1] == b"{" else _decode_str(piece).encode("utf-8")


def bytes_of(line: BytesFields) -> bytes | None:
    """The bytes of a line, None where it has no such field. Raises FormatError for two of them."""
    fields = (line.json, line.data, line.parts, line.text, line.base64)
    if fields.count(msgspec.UNSET) < len(fields) - 1:
        raise FormatError("expected one of json, data, parts, text and base64 in a line, got more")
    if line.data is not msgspec.UNSET:
        return b"".join(part for raw in line.data for part in (sse.DATA, _payload(raw), sse.BLANK))
    if line.parts is not msgspec.UNSET:
        return b"".join(_part(raw) for raw in line.parts)
    if line.json is not msgspec.UNSET:
        value = bytes(line.json)
        if value[:1] not in (b"{", b"["):
            raise FormatError(f"expected an object or array as `json`, got {value[:40]!r}")
        return value
    if line.text is not msgspec.UNSET:
        return line.text.encode("utf-8")
    if line.base64 is not msgspec.UNSET:
        return _unbase64(line.base64)
    return None
