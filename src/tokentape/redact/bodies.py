"""Response bodies redacted while they come in, whatever they are: reads in, reads to write out.

Text is redacted as it comes. What patterns or paths can't see as it comes, a body in a content
coding or a JSON document that paths point into, is held until its end, within bounds; an event
stream that paths point into until each frame's end.
"""

import re
from collections import deque
from typing import Protocol

from tokentape import content
from tokentape.errors import TokenTapeError
from tokentape.limits import Limits
from tokentape.media import AMAZON_EVENT_STREAM, EVENT_STREAM, media_type
from tokentape.model import Headers, Read, header
from tokentape.redact.paths import BOM
from tokentape.redact.redaction import Redaction
from tokentape.redact.stream import ReadRedactor
from tokentape.sse import BLANK_LINE

# What is held in memory of one body; behind it nothing more of the body is kept.
MOST_HELD = 8 * 1024 * 1024
_LIMITS = Limits(max_bytes=64 * 1024 * 1024)
_JSON = (b"{", b"[")


class BodyRedactor(Protocol):
    """`holds` is set where the head has to wait for the end too, since `headers` may change.

    `by_pattern` is what the reads go through as they are; None where more is done to them.
    """

    holds: bool
    notes: list[str]
    by_pattern: ReadRedactor | None

    def feed(self, read: Read) -> list[Read]:
        """Take in one read; those that can now be written."""

    def flush(self) -> list[Read]:
        """The body is over: all that was held."""

    def headers(self, headers: Headers) -> Headers:
        """The headers that are true of what is written."""


def body_redactor(redaction: Redaction, headers: Headers) -> BodyRedactor:
    """What redacts the body of a response with these headers."""
    coding = header(headers, "content-encoding")
    kind = media_type(headers)
    if coding is not None and coding.strip().lower() not in ("", "identity"):
        return _Held(redaction, coding, kind)
    if not redaction.paths:
        return _Plain(redaction)
    return _Frames(redaction) if kind == EVENT_STREAM else _Held(redaction, None, kind)


class _Plain:
    """By pattern, as it comes."""

    holds = False

    def __init__(self, redaction: Redaction) -> None:
        self.notes: list[str] = []
        reads = ReadRedactor(redaction.patterns)
        self.by_pattern: ReadRedactor | None = reads
        self.feed = reads.feed
        self.flush = reads.flush

    def headers(self, headers: Headers) -> Headers:
        return headers


class _Held:
    """A whole body at once."""

    holds = True
    by_pattern: ReadRedactor | None = None

    def __init__(self, redaction: Redaction, coding: str | None, kind: str) -> None:
        self.notes: list[str] = []
        self._redaction = redaction
        self._coding = coding
        # Amazon's event stream has its JSON between lengths and checksums.
        self._opaque = bool(redaction.paths) and kind == AMAZON_EVENT_STREAM
        self._held: list[Read] = []
        self._size = 0
        self._decoded = False

    def feed(self, read: Read) -> list[Read]:
        self._size += len(read.data)
        if self._size <= MOST_HELD:
            self._held.append(read)
        return []

    def flush(self) -> list[Read]:
        held, self._held = self._held, []
        if self._size > MOST_HELD:
            self.notes.append(
                f"the body is left out: over {MOST_HELD} bytes can't be searched for secrets "
                + ("by path" if self._coding is None else f"in the coding {self._coding}")
            )
            return []
        body = b"".join(read.data for read in held)
        if body and self._opaque:
            self.notes.append("the body is left out: binary events can't be searched by path")
            return []
        try:
            plain = content.decode(body, self._coding, _LIMITS)
        except TokenTapeError as error:
            self.notes.append(
                f"the body is left out: it can't be searched for secrets ({error.message})"
            )
            return []
        clean = self._clean(plain)
        # What stands beside the coded data is no part of the decoded.
        if clean == plain and self._redaction.patterns.redact(body) == body:
            return held
        if self._coding is not None:
            self._decoded = True
            self.notes.append(f"decoded from {self._coding} to redact a secret")
        return [Read(clean, held[-1].offset_us)]

    def _clean(self, plain: bytes) -> bytes:
        """A document by path, else an event stream or JSON by lines; then by pattern."""
        redaction = self._redaction
        if not redaction.paths or redaction.paths.redact(plain) != plain:
            return redaction.body(plain)
        frames = _Frames(redaction)
        reads = frames.feed(Read(plain)) + frames.flush()
        self.notes += frames.notes
        return b"".join(read.data for read in reads)

    def headers(self, headers: Headers) -> Headers:
        if not self._decoded:
            return headers
        dropped = ("content-encoding", "content-length")
        return tuple(pair for pair in headers if pair[0].lower() not in dropped)


class _Frames:
    """An event stream by path, frame by frame, then by pattern.

    A read is held while it ends within a frame. A frame that is redacted stands whole in the read
    in which it began. Positions are counted from the body's first byte.
    """

    holds = False
    by_pattern: ReadRedactor | None = None

    def __init__(self, redaction: Redaction) -> None:
        self.notes: list[str] = []
        self._paths = redaction.paths
        self._reads = ReadRedactor(redaction.patterns)
        self._held: deque[tuple[int, Read]] = deque()  # with where each begins
        self._frames: deque[tuple[int, int, bytes | None]] = deque()  # from, to, and redacted
        self._data = bytearray()  # from `_base` on
        self._base = 0
        self._open = 0  # where the frame begins that has not ended
        self._over = False

    def feed(self, read: Read) -> list[Read]:
        if self._over:
            return []
        size = self._base + len(self._data)
        self._held.append((size, read))
        self._data += read.data
        # Line ends may be cut anywhere: the last ones of the read before are looked at again.
        for match in BLANK_LINE.finditer(self._data, max(self._open, size - 3) - self._base):
            self._end_frame(self._base + match.end())
        released = self._release()
        if len(self._data) > MOST_HELD:
            self._over = True
            self._held.clear()
            self._data.clear()
            self.notes.append(
                f"the rest of the body is left out: over {MOST_HELD} bytes without the end of an "
                "event can't be searched for secrets by path"
            )
        return released

    def flush(self) -> list[Read]:
        self._end_frame(self._base + len(self._data))
        return self._release() + self._reads.flush()

    def headers(self, headers: Headers) -> Headers:
        return headers

    def _end_frame(self, end: int) -> None:
        frame = bytes(self._data[self._open - self._base : end - self._base])
        mark = BOM if self._open == 0 and frame.startswith(BOM) else b""
        clean = mark + self._clean(frame.removeprefix(mark))
        self._frames.append((self._open, end, None if clean == frame else clean))
        self._open = end

    def _release(self) -> list[Read]:
        """The reads behind which no frame is open."""
        out: list[Read] = []
        while self._held:
            start, read = self._held[0]
            end = start + len(read.data)
            if end > self._open:
                break
            self._held.popleft()
            out += self._reads.feed(Read(self._redacted(start, end), read.offset_us))
            del self._data[: end - self._base]
            self._base = end
        return out

    def _redacted(self, start: int, end: int) -> bytes:
        """What becomes of a read that lies there: of its frames what begins in it, or stays."""
        pieces: list[bytes] = []
        for begins, ends, clean in self._frames:
            if begins >= end:
                break
            if clean is None:
                first, last = max(begins, start) - self._base, min(ends, end) - self._base
                pieces.append(bytes(self._data[first:last]))
            elif begins >= start:
                pieces.append(clean)
        while self._frames and self._frames[0][1] <= end:
            self._frames.popleft()
        return b"".join(pieces)

    def _clean(self, frame: bytes) -> bytes:
        lines = re.split(rb"(\r\n|\r|\n)", frame)
        at = [number for number, line in enumerate(lines) if line.startswith(b"data:")]
        if not at:
            # JSON by lines: no events at all, or a line that readers of events pass over.
            clear = [self._paths.redact(line) if line[:1] in _JSON else line for line in lines]
            return b"".join(clear)
        # The data of several lines is joined by LF (WHATWG HTML, 9.2.6).
        parts = [lines[number][5:].removeprefix(b" ") for number in at]
        payload = b"\n".join(parts)
        clean = self._paths.redact(payload)
        if clean == payload:
            return frame
        lines[at[0]] = b"data: " + clean
        for number in reversed(at[1:]):
            del lines[number : number + 2]
        return b"".join(lines)
