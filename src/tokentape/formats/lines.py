"""On which line of a file an exchange stands, for what shows files by line."""

import re
from itertools import accumulate, islice

import msgspec

from tokentape.content import GZIP_MAGIC, ZSTD_MAGIC
from tokentape.formats import event_stream, tape, unpack
from tokentape.model import Exchange, Tape, header


class _Head(msgspec.Struct):
    line: str | None = None
    exchange: int | None = None


_head = msgspec.json.Decoder(_Head).decode
_NOT_BLANK = re.compile(rb"^[^\r\n]", re.MULTILINE)


class Lines:
    """The lines of one file, counted from 1; a line ends in LF.

    Known of native tapes and of bare event streams, packed ones excepted: an editor shows no
    lines of those.
    """

    def __init__(self, data: bytes, format: str, found: Tape) -> None:
        """`data` is the file as it is on disk, `format` the name of the one it was read as.

        Raises one of `tape.LINE_ERRORS` where it is no such file any more.
        """
        packed = data.startswith((GZIP_MAGIC, ZSTD_MAGIC))
        self._exchanges = found.exchanges
        self._tape = _tape_lines(data) if format == tape.NAME and not packed else None
        self._text: bytes | None = None
        if format == event_stream.NAME and not packed:
            self._text, self._above = _unnumbered(data)

    def of(self, exchange: int, offset: int | None = None) -> int | None:
        """The line where an exchange begins, or that holds the byte at `offset` of its body.

        None where it is not known. The byte is one of the body with its content coding undone:
        of a coded body only the line of the response is known.
        """
        if self._text is not None:
            return self._in_text(self._text, self._exchanges[exchange].body, offset or 0)
        lines = None if self._tape is None else self._tape.get(exchange)
        if lines is None:
            return None
        return lines[0] if offset is None else _in_reads(self._exchanges[exchange], lines, offset)

    def _in_text(self, text: bytes, body: bytes, offset: int) -> int | None:
        start = offset
        if body != text:
            # Blank lines were put in when the stream was opened: the others are counted.
            begins = body.rfind(b"\n", 0, offset) + 1
            before = sum(1 for _ in _NOT_BLANK.finditer(body, 0, begins))
            found = next(islice(_NOT_BLANK.finditer(text), before, None), None)
            if found is None:
                return None
            start = found.start()
        return self._above + text.count(b"\n", 0, start) + 1


def _unnumbered(data: bytes) -> tuple[bytes, int]:
    """The text without a listing's numbers, and how many lines of title stand above it."""
    text = unpack.unnumbered(data)
    if text is None:
        return data, 0
    return text, data.rstrip().count(b"\n") + 1 - text.count(b"\n")


def _tape_lines(data: bytes) -> dict[int, list[int]]:
    """By exchange, the lines of its request, its response and its reads."""
    found: dict[int, list[int]] = {}
    for number, line in enumerate(tape.whole_lines(data)[0], 1):
        head = _head(line)
        if head.exchange is not None and head.line != "end":
            found.setdefault(head.exchange, []).append(number)
    return found


def _in_reads(exchange: Exchange, lines: list[int], offset: int) -> int:
    response = exchange.response
    if response is None or len(lines) < 2:
        return lines[0]
    if header(response.headers, "content-encoding"):
        return lines[1]
    ends = accumulate(len(read.data) for read in response.reads)
    # Where it is still recorded, the file may have got more reads since it was opened.
    pairs = zip(lines[2:], ends, strict=False)
    return next((line for line, end in pairs if offset < end), lines[-1])
