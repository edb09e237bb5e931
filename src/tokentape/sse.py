"""Bytes to frames to events: the WHATWG event stream, incremental and lossless.

A frame is the bytes up to and including the blank line that ends it; joined, the frames are the
input. An event is what a frame dispatches, if it does.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.5 and 9.2.6.
"""

import re
from collections.abc import Iterable

import msgspec

_BOM = b"\xef\xbb\xbf"
# Atomic groups: a CRLF must never be taken for a CR line end followed by a LF one.
BLANK_LINE = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)+")
_LINE_END = re.compile(rb"\r\n|\r|\n")
# What stands around the data of a frame as most servers write it.
DATA, BLANK = b"data: ", b"\n\n"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One dispatched event.

    `type` is "" where no `event` field came (the standard's "message"); `id` is the last event id
    at that moment. `start` and `end` are byte offsets into the stream: from the first byte of the
    frame's first field or comment line to the byte behind the line end that dispatched it.
    """

    data: str
    type: str = ""
    id: str = ""
    start: int = 0
    end: int = 0


class EventReader:
    """Feed bytes as they come; get the events they complete.

    What no blank line closes is never dispatched, as the standard wants. `retry_ms` is the last
    reconnection time the stream asked for, in milliseconds, or None.
    """

    def __init__(self) -> None:
        self.retry_ms: int | None = None
        self._tail: list[bytes] = []  # reads behind the last line end, joined when one comes
        self._offset = 0  # of the tail's first byte in the stream
        self._at_start = True
        self._after_cr = False
        self._id = ""
        self._reset_frame()

    def _reset_frame(self) -> None:
        self._data: list[str] = []
        self._type = ""
        self._frame_start: int | None = None

    @property
    def pending(self) -> bool:
        """Whether bytes came that no blank line has closed yet."""
        return bool(self._tail) or self._frame_start is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete, in order."""
        if not self._at_start and not self._after_cr and b"\n" not in data and b"\r" not in data:
            if data:
                self._tail.append(data)
            return []
        buffer = b"".join((*self._tail, data)) if self._tail else data
        self._tail = []
        position = 0
        if self._at_start:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._keep(buffer)
                return []
            self._at_start = False
            if buffer.startswith(_BOM):
                position = len(_BOM)
        if self._after_cr and buffer[position : position + 1]:
            self._after_cr = False
            if buffer[position] == 0x0A:
                position += 1
        events: list[Event] = []
        if b"\r" in buffer:
            position = self._feed_any(buffer, position, events)
        else:
            position = self._feed_lf(buffer, position, events)
        self._keep(buffer[position:])
        self._offset += position
        return events

    def _keep(self, tail: bytes) -> None:
        if tail:
            self._tail.append(tail)

    def _feed_lf(self, buffer: bytes, position: int, events: list[Event]) -> int:
        while True:
            end = buffer.find(b"\n", position)
            if end < 0:
                return position
            self._line(
                buffer[position:end], self._offset + position, self._offset + end + 1, events
            )
            position = end + 1

    def _feed_any(self, buffer: bytes, position: int, events: list[Event]) -> int:
        while True:
            match = _LINE_END.search(buffer, position)
            if match is None:
                return position
            # A CR ends the line at once; a LF behind it, in this read or the next, is part of it.
            dispatched_at = self._offset + match.start() + 1
            self._line(
                buffer[position : match.start()], self._offset + position, dispatched_at, events
            )
            position = match.end()
            if position == len(buffer) and match.group() == b"\r":
                self._after_cr = True

    def _line(self, line: bytes, start: int, end: int, events: list[Event]) -> None:
        if not line:
            if self._data:
                events.append(
                    Event(
                        data="\n".join(self._data),
                        type=self._type,
                        id=self._id,
                        start=start if self._frame_start is None else self._frame_start,
                        end=end,
                    )
                )
            self._reset_frame()
            return
        if self._frame_start is None:
            self._frame_start = start
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value.decode("utf-8", "replace"))
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            # Bounded, because Python refuses integers of more than 4,300 digits.
            self.retry_ms = int(value[:18])


def events(chunks: bytes | Iterable[bytes]) -> list[Event]:
    """All events of a whole stream, given as one body or as its reads."""
    reader = EventReader()
    if isinstance(chunks, bytes):
        return reader.feed(chunks)
    found: list[Event] = []
    for chunk in chunks:
        found += reader.feed(chunk)
    return found


def frames(body: bytes) -> list[bytes]:
    """The frames of a whole stream, the last one perhaps unfinished; joined they are the body.

    A comment or a blank line is kept with the frame it stands in, so a frame need not hold an
    event.
    """
    found: list[bytes] = []
    position = 0
    for match in BLANK_LINE.finditer(body):
        found.append(body[position : match.end()])
        position = match.end()
    if position < len(body):
        found.append(body[position:])
    return found


def plain_data(body: bytes) -> list[bytes] | None:
    """The data of each frame, where the bytes are whole frames `data: …` and nothing else.

    None for any other bytes. Most streams are such frames, and this is many times as fast as to
    read them line by line.
    """
    if not body.startswith(DATA) or not body.endswith(BLANK) or b"\r" in body:
        return None
    found = body[len(DATA) : -len(BLANK)].split(BLANK + DATA)
    # Any other line would end in one more line end.
    return found if body.count(b"\n") == 2 * len(found) else None


def render(data: str | bytes, *, type: str = "") -> bytes:
    """One frame that dispatches this data, as servers write it: `data: ` and a blank line."""
    payload = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    lines = b"\n".join(b"data: " + line for line in _LINE_END.split(payload))
    head = b"event: " + type.encode("utf-8", "surrogatepass") + b"\n" if type else b""
    return head + lines + b"\n\n"
