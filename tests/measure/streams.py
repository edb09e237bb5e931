"""Streams with times, made up for tests of what they took."""

import json
from typing import Any

import msgspec

from tests.samples import chunk, streamed
from tokentape.model import Ending, Exchange, Read


def usage(prompt: int = 3, completion: int = 4, *, choices: Any = (), **more: Any) -> bytes:
    """A frame with a usage."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion} | more
    return b"data: " + json.dumps({"choices": [*choices], "usage": counts}).encode() + b"\n\n"


def at(*reads: tuple[int, bytes], ending: Ending = Ending.COMPLETE, **fields: Any) -> Exchange:
    """A streamed chat completion whose reads came at these milliseconds; it ended 1 ms later."""
    exchange = streamed(b"", ending=ending, **fields)
    assert exchange.response is not None
    return msgspec.structs.replace(
        exchange,
        response=msgspec.structs.replace(
            exchange.response, reads=tuple(Read(data, ms * 1000) for ms, data in reads)
        ),
        end_offset_us=None if ending is Ending.STOPPED else (reads[-1][0] + 1) * 1000,
    )


def choice(index: int, **delta: Any) -> bytes:
    """A chunk for one of several choices."""
    value = {"choices": [{"index": index, "delta": delta, "finish_reason": None}]}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def role() -> bytes:
    """The chunk that brings only a role."""
    return chunk("", role="assistant")
