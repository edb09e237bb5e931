"""An answer for a client that asks for it another way than it was recorded.

A stream as one JSON answer, a JSON answer as a stream, a stream with other `stream_options`. What
was made is named in a response header; what was not known is not invented.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import msgspec

from tokentape import media, sse, view
from tokentape.chat.adapt import adapt
from tokentape.chat.split import frames, split
from tokentape.completions import assembled
from tokentape.errors import TokenTapeError, UsageError
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.model import Ending, Exchange, Read, Response, header
from tokentape.texts import json_bytes

HEADER = "x-tokentape-synthesised"

ASSEMBLED = "assembled from a stream"
SPLIT = "split from a JSON answer"
USAGE_ADDED, USAGE_DROPPED = "usage added", "usage dropped"
OBFUSCATION_DROPPED = "obfuscation dropped"

# Of the recorded headers: what is said of the body that is replaced.
_OF_THE_BODY = ("content-type", "content-encoding", "content-length", HEADER)
_EVERY_MESSAGE = {"role": "assistant", "content": None, "refusal": None}
_SLICE = 1 << 16
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|$)")


class Unmade(UsageError):
    """This exchange can't be served the other way; the message says why."""


class Made(msgspec.Struct, frozen=True):
    """The exchange as it is served; `what` is the value of HEADER, which its response has."""

    exchange: Exchange
    what: str


def turned(exchange: Exchange, *, include_usage: bool, limits: Limits = DEFAULT_LIMITS) -> Made:
    """A streamed chat completion as JSON, or a JSON one as a stream.

    The JSON is there when the stream was at its end. The stream comes all at once when the JSON
    was there, since no times of its parts are known; its last chunk has the usage where
    `include_usage` asks for it and the answer has one.

    Raises Unmade for what is no chat completion of status 200 that came to its end.
    """
    response = exchange.response
    found = assembled(exchange, limits)
    if response is None or found.completion is None or view.api(exchange) is not view.Api.CHAT:
        raise Unmade(found.skipped or f"another API: {view.api(exchange)}")
    if response.status != 200 or exchange.ending is not Ending.COMPLETE or found.partial:
        raise Unmade(found.partial or f"HTTP status {response.status}, {exchange.ending}")
    if view.is_event_stream(exchange):
        body = _json(_served(found.completion))
        end_us = exchange.end_offset_us
        read = Read(body, _last_us(response) if end_us is None else end_us)
        # A server that does not stream sends nothing until it has all.
        return _made(exchange, (read,), "application/json", [ASSEMBLED], offset_us=None)
    what = [SPLIT]
    if not include_usage and found.completion.get("usage") is not None:
        what.append(USAGE_DROPPED)
    try:
        parts = frames(split(found.completion, include_usage=include_usage))
    except UsageError as error:
        raise Unmade(error.message) from None
    at_us = _last_us(response)
    reads = tuple(Read(frame, at_us) for frame in parts)
    return _made(exchange, reads, media.EVENT_STREAM, what, offset_us=response.offset_us)


def _served(completion: dict[str, Any]) -> dict[str, Any]:
    """A completion with the fields that every message of OpenAI's JSON has, null where none came.

    A stream with tool calls need not say anything of them; strict clients look for them in JSON.
    """
    return completion | {
        "choices": [
            choice | {"message": _EVERY_MESSAGE | choice["message"]}
            if isinstance(choice, dict) and isinstance(choice.get("message"), dict)
            else choice
            for choice in completion["choices"]
        ]
    }


def adapted(
    exchange: Exchange,
    *,
    include_usage: bool | None,
    include_obfuscation: bool,
    limits: Limits = DEFAULT_LIMITS,
) -> Made | None:
    """A streamed chat completion with other stream options; None where they change nothing.

    `include_usage` None leaves the usage as it is. Frames that do not change keep their bytes,
    and what is left of a read its time; a frame that does comes with the read that ended it.
    """
    response = exchange.response
    if response is None or not view.is_event_stream(exchange):
        return None
    try:
        came = list(view.decoded_reads(exchange, limits))
        parts = [read.data for read in came]
        body = b"".join(parts)
        edits, what = _edits(body, include_usage, include_obfuscation)
    except TokenTapeError:
        # What can't be read, or rendered, is served as it was recorded.
        return None
    if not edits:
        return None
    reads = tuple(
        Read(data, read.offset_us)
        for data, read in zip(_edited(body, parts, edits), came, strict=True)
        if data
    )
    kind = header(response.headers, "content-type") or media.EVENT_STREAM
    return _made(exchange, reads, kind, what, offset_us=response.offset_us)


_Edit = tuple[int, int, bytes]  # from, to, and what stands there instead


def _events(body: bytes) -> Iterator[sse.Event]:
    """The events one after another, since all those of a large body take ten times its memory."""
    reader = sse.EventReader()
    for start in range(0, len(body), _SLICE):
        yield from reader.feed(body[start : start + _SLICE])


def _edits(
    body: bytes, include_usage: bool | None, include_obfuscation: bool
) -> tuple[list[_Edit], list[str]]:
    """What to replace in a stream, in order, and what that does."""
    known = _usage_to_add(body) if include_usage else None
    edits: list[_Edit] = []
    unobscured = dropped = False
    end = 0
    done = None
    for event in _events(body):
        # One by one, so that what is dropped is known by its place.
        chunk = view.parse_json(event.data)
        (new,) = adapt([chunk], include_usage=None, include_obfuscation=include_obfuscation)
        unobscured = unobscured or new is not chunk
        wanted = [new]
        if known is not None:
            wanted = adapt([new, known], include_usage=True, include_obfuscation=True)[:1]
        elif include_usage is False:
            wanted = adapt([new], include_usage=False, include_obfuscation=True)
            dropped = dropped or not wanted or wanted[0] is not new
        # An event is there with the CR of its last CRLF, but the LF is its too.
        end = event.end + (body[event.end - 1 : event.end + 1] == b"\r\n")
        if not wanted:
            edits.append((event.start, end, b""))
        elif wanted[0] is not chunk:
            frame = _reframed(body[event.start : event.end], wanted[0])
            edits.append((event.start, event.end, frame))
        if event.data == "[DONE]":
            done = event.start
    if known is not None:
        usage_chunk = adapt([known], include_usage=True, include_obfuscation=True)[-1:]
        at = end if done is None else done
        edits.append((at, at, frames(usage_chunk)[0]))
        edits.sort(key=lambda edit: edit[:2])
    said = {OBFUSCATION_DROPPED: unobscured, USAGE_ADDED: known is not None, USAGE_DROPPED: dropped}
    return edits, [what for what, is_so in said.items() if is_so]


def _usage_to_add(body: bytes) -> Any:
    """The last chunk that tells a usage; None where there is none, or it has one of its own."""
    found = None
    for event in _events(body):
        chunk = view.parse_json(event.data)
        if not adapt([chunk], include_usage=False, include_obfuscation=True):
            return None
        if len(adapt([chunk], include_usage=True, include_obfuscation=True)) > 1:
            found = chunk
    return found


def _reframed(frame: bytes, chunk: Any) -> bytes:
    """A frame with another chunk: what else it says, and its line ends, stay."""
    data = frames([chunk])[0].rstrip(b"\n")
    lines = []
    for line, end in _LINE.findall(frame):
        if line == b"data" or line.startswith(b"data:"):
            if not data:
                continue
            line, data = data, b""
        lines.append(line + end)
    return b"".join(lines)


def _edited(body: bytes, parts: list[bytes], edits: list[_Edit]) -> list[bytes]:
    """The parts of a body after these edits; some may be empty."""
    ends = list(accumulate(map(len, parts)))
    found: list[list[bytes]] = [[] for _ in parts]

    def part_of(at: int) -> int:
        return min(bisect_right(ends, at), len(parts) - 1)

    position = 0
    for start, end, new in [*edits, (len(body), len(body), b"")]:
        while position < start:
            part = part_of(position)
            upto = min(start, ends[part])
            found[part].append(body[position:upto])
            position = upto
        if new:
            found[part_of(max(start, end - 1))].append(new)
        position = end
    return [b"".join(pieces) for pieces in found]


def _made(
    exchange: Exchange,
    reads: tuple[Read, ...],
    kind: str,
    what: list[str],
    *,
    offset_us: int | None,
) -> Made:
    response = exchange.response
    assert response is not None
    told = ", ".join(what)
    headers = tuple(pair for pair in response.headers if pair[0].lower() not in _OF_THE_BODY)
    headers += (("content-type", kind), (HEADER, told))
    changed = msgspec.structs.replace(response, headers=headers, reads=reads, offset_us=offset_us)
    return Made(msgspec.structs.replace(exchange, response=changed), told)


def _last_us(response: Response) -> int | None:
    """When the body was there whole, None where that is not known."""
    return response.reads[-1].offset_us if response.reads else response.offset_us


def _json(value: Any) -> bytes:
    try:
        return json_bytes(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise Unmade(f"a completion that JSON can't hold: {error}") from None
