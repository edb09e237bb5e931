"""The JSON values that the events of a stream carry, in order."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from math import isinf
from typing import Any, NoReturn

import msgspec

from tokentape import sse

# Frames are read so many bytes at a time, since the values of a large body take ten times its
# memory.
_SLICE = 1 << 13
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_decode = msgspec.json.Decoder().decode
_ERRORS = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)


class NotJson(msgspec.Struct, frozen=True, gc=False):
    """The data of an event that is no JSON, such as `[DONE]`."""

    data: str


def parse_json(data: str | bytes) -> Any:
    """The JSON value of these bytes, or None where they are not JSON (or JSON null).

    A string may hold a lone surrogate, since half of a pair can stand escaped in a piece of text.
    """
    value = _parse(data)
    return None if isinstance(value, NotJson) else value


def _parse(data: str | bytes) -> Any:
    try:
        return _decode(data)
    except _ERRORS:
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        if _SURROGATE.search(raw):
            # msgspec refuses the escape of a lone surrogate; RFC 8259, 8.2 allows it.
            try:
                return json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
            except _ERRORS:
                pass
        return NotJson(data if isinstance(data, str) else data.decode("utf-8", "replace"))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(number: str) -> float:
    # As msgspec has it: what is too large is refused, not made infinite.
    value = float(number)
    if isinf(value):
        raise ValueError(f"{number} is out of range")
    return value


def stream_payloads(body: bytes) -> Iterator[Any]:
    """The JSON value of each event of a whole stream; what is not JSON comes as `NotJson`."""
    return chain.from_iterable(_blocks(body))


def _blocks(body: bytes) -> Iterator[Iterable[Any]]:
    start = 0
    while start < len(body):
        # Behind an empty line nothing of what came before counts, but that the stream has begun.
        end = body.find(b"\n\n", start + _SLICE) + 2
        block = body[start:end] if end > 1 else body[start:]
        yield _plain(block) or _any(block, begun=start > 0)
        start += len(block)


def _plain(block: bytes) -> list[Any]:
    """The values of a block that is nothing but plain frames, [] where it is something else."""
    texts = sse.plain_data(block)
    if texts is None:
        return []
    done = [NotJson("[DONE]")] if texts[-1] == b"[DONE]" else []
    if done:
        texts.pop()
    try:
        return [*map(_decode, texts), *done]
    except _ERRORS:
        return [*(_parse(text.decode("utf-8", "replace")) for text in texts), *done]


def _any(block: bytes, *, begun: bool) -> Iterator[Any]:
    reader = sse.EventReader()
    if begun:
        reader.feed(b"\n")  # a byte order mark is one at the start of the stream only
    for start in range(0, len(block), _SLICE):
        for event in reader.feed(block[start : start + _SLICE]):
            yield _parse(event.data)
