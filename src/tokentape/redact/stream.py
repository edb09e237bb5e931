"""Secrets in a stream of reads, also where they lie across two: reads in, redacted reads out."""

import re

from tokentape.model import Read
from tokentape.redact.patterns import MARK, Patterns


class ReadRedactor:
    """Feed reads as they come; get those that no secret can still be growing out of.

    A read keeps its place and its offset; the characters of a secret are replaced in the read in
    which they begin, and missing from those they go on in. Held back is at most what came since a
    possible secret began, and never for more than 4 KiB.
    """

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._context = b""
        self._held: list[Read] = []
        self._rest = 0  # bytes of what is held that belong to a secret already replaced
        # What the characters are of that secret, where it reaches the end of what came.
        self._going_on: tuple[re.Pattern[bytes], ...] = ()

    def at_line(self) -> bool:
        """Whether reads of whole lines, that follow, may be searched by themselves or not at all.

        So it is where what came ends with a line and nothing of it is held back: no secret
        reaches over a line end, and what is before one tells nothing of what is behind.
        """
        if self._held or self._going_on or not self._patterns.within_lines:
            return False
        if self._context[-1:] not in (b"\n", b""):
            return False
        self._context = b"\n"
        return True

    def feed(self, read: Read) -> list[Read]:
        """Take in one read; those that can now be written, in order."""
        if not self._held and not self._going_on:
            data = self._context + read.data
            if self._patterns.is_clear(data):
                self._context = data[-self._patterns.context :]
                return [read]
        if self._going_on:
            self._go_on(read.data)
        self._held.append(read)
        data = self._joined()
        start = len(self._context)
        released = self._release(data, self._patterns.unfinished(data, start))
        # A secret behind the one already replaced is found by itself.
        if self._rest == sum(len(held.data) for held in self._held):
            self._going_on += self._patterns.going_on(data, start)
        else:
            self._going_on = ()
        return released

    def _go_on(self, data: bytes) -> None:
        """Count in what these bytes add to a secret already replaced."""
        ends = {more: match.end() for more in self._going_on if (match := more.match(data))}
        self._rest += max(ends.values())
        self._going_on = tuple(more for more, end in ends.items() if end == len(data))

    def _joined(self) -> bytes:
        return self._context + b"".join(held.data for held in self._held)

    def flush(self) -> list[Read]:
        """The stream is over: what is still held back."""
        if not self._held:
            return []
        data = self._joined()
        return self._release(data, len(data))

    def _release(self, data: bytes, until: int) -> list[Read]:
        position = len(self._context)
        spans = self._patterns.spans(data, position)
        if self._rest:
            spans.insert(0, (position - 1, position + self._rest))
        released: list[Read] = []
        while self._held and position + len(self._held[0].data) <= until:
            read = self._held.pop(0)
            end = position + len(read.data)
            released.append(Read(self._cut(data, position, end, spans), read.offset_us))
            position = end
        if released:
            self._rest = max((e - position for b, e in spans if b < position < e), default=0)
            self._context = data[max(0, position - self._patterns.context) : position]
        return released

    def _cut(self, data: bytes, start: int, end: int, spans: list[tuple[int, int]]) -> bytes:
        pieces: list[bytes] = []
        position = start
        for begins, ends in spans:
            if ends <= position or begins >= end:
                continue
            if begins >= position:
                pieces += (data[position:begins], MARK)
            position = min(ends, end)
        pieces.append(data[position:end])
        return b"".join(pieces)
