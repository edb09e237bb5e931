"""The native format, `*.tape.jsonl`: docs/tape-format.md is its specification.

One JSON object a line; how bytes stand in it is the business of tape_bytes.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tokentape.errors import FormatError, LimitError, TokenTapeError
from tokentape.formats.base import EVERYTHING, Format
from tokentape.formats.tape_bytes import (
    BytesFields,
    bytes_field,
    bytes_of,
    frames_field,
    is_json,
    sole_payloads,
)
from tokentape.formats.tape_order import Line, LineOrder
from tokentape.limits import Limits
from tokentape.model import Ending, Exchange, Fidelity, Headers, Read, Request, Response, Tape

VERSION = 1
NAME = "tape"
SUFFIX = ".tape.jsonl"

_encode = msgspec.json.Encoder().encode


class _Header(msgspec.Struct):
    tokentape: int
    writer: str | None = None
    created: str | None = None
    extra: dict[str, Any] = {}


class _RequestLine(BytesFields, kw_only=True):
    method: str
    url: str
    headers: Headers = ()
    http_version: str | None = None
    started: str | None = None
    scope: str | None = None
    fidelity: Fidelity
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class _ResponseLine(msgspec.Struct, kw_only=True):
    status: int
    offset_us: int | None = None
    reason: str | None = None
    headers: Headers = ()
    http_version: str | None = None


class _ReadLine(BytesFields, kw_only=True):
    offset_us: int | None = None


class _EndLine(msgspec.Struct, kw_only=True):
    ending: Ending
    offset_us: int | None = None
    notes: tuple[str, ...] = ()


_header = msgspec.json.Decoder(_Header).decode
_line = msgspec.json.Decoder(Line).decode
_request_line = msgspec.json.Decoder(_RequestLine).decode
_response_line = msgspec.json.Decoder(_ResponseLine).decode
_read_line = msgspec.json.Decoder(_ReadLine).decode
_end_line = msgspec.json.Decoder(_EndLine).decode


# What `_dump` makes of a read that is whole frames, without the way there.
_READ = b'{"line":"read","exchange":%d,"offset_us":%b,"data":%b}\n'
_SOLE = b'{"line":"read","exchange":%d,"offset_us":%d,"data":[%b]}\n'


def _dump(fields: dict[str, Any]) -> bytes:
    return _encode(fields) + b"\n"


def header_line(tape: Tape) -> bytes:
    """The first line of a file."""
    fields: dict[str, Any] = {
        "tokentape": VERSION,
        "writer": tape.writer,
        "created": tape.created,
    }
    if tape.extra:
        fields["extra"] = tape.extra
    return _dump(fields)


def request_line(number: int, exchange: Exchange) -> bytes:
    """The line that begins an exchange: its request, and what holds for the whole of it."""
    request = exchange.request
    fields: dict[str, Any] = {
        "line": "request",
        "exchange": number,
        "method": request.method,
        "url": request.url,
        "http_version": request.http_version,
        "started": request.started,
        "scope": exchange.scope,
        "fidelity": exchange.fidelity,
        "headers": request.headers,
    }
    if exchange.notes:
        fields["notes"] = exchange.notes
    if exchange.extra:
        fields["extra"] = exchange.extra
    if request.body is not None:
        fields |= bytes_field(request.body)
    return _dump(fields)


def response_line(number: int, response: Response) -> bytes:
    """The line with a response's status and headers."""
    return _dump(
        {
            "line": "response",
            "exchange": number,
            "offset_us": response.offset_us,
            "status": response.status,
            "reason": response.reason,
            "http_version": response.http_version,
            "headers": response.headers,
        }
    )


def read_line(number: int, read: Read) -> bytes:
    """The line of one read."""
    frames = frames_field(read.data)
    if frames is not None:
        offset = b"null" if read.offset_us is None else b"%d" % read.offset_us
        return _READ % (number, offset, frames)
    return _dump(
        {"line": "read", "exchange": number, "offset_us": read.offset_us} | bytes_field(read.data)
    )


def read_lines(numbers: list[int], offsets_us: list[int], reads: list[bytes]) -> list[bytes]:
    """The lines of many reads, each with the number of its exchange: quicker than one by one.

    Most reads of a stream are one frame each.
    """
    found = zip(numbers, offsets_us, reads, sole_payloads(reads), strict=True)
    return [
        _SOLE % (number, offset_us, payload)
        if payload is not None
        else read_line(number, Read(data, offset_us))
        for number, offset_us, data, payload in found
    ]


def end_line(
    number: int, ending: Ending, offset_us: int | None, notes: tuple[str, ...] = ()
) -> bytes:
    """The line that makes an exchange complete, with what became known after it began."""
    fields: dict[str, Any] = {
        "line": "end",
        "exchange": number,
        "offset_us": offset_us,
        "ending": ending,
    }
    if notes:
        fields["notes"] = notes
    return _dump(fields)


def exchange_lines(number: int, exchange: Exchange) -> Iterator[bytes]:
    """All lines of one exchange. One that the recorder stopped in has no end line, as it was."""
    yield request_line(number, exchange)
    if exchange.response is not None:
        yield response_line(number, exchange.response)
        for read in exchange.response.reads:
            yield read_line(number, read)
    if exchange.ending is not Ending.STOPPED or exchange.end_offset_us is not None:
        yield end_line(number, exchange.ending, exchange.end_offset_us)


def write(tape: Tape) -> bytes:
    """The whole file. The same tape gives the same bytes."""
    lines = [header_line(tape)]
    for number, exchange in enumerate(tape.exchanges):
        lines += exchange_lines(number, exchange)
    return b"".join(lines)


# --- reading --------------------------------------------------------------------------------


class _Partial:
    """One exchange while its lines come in."""

    __slots__ = ("body", "end", "reads", "request", "response")

    def __init__(self, request: _RequestLine) -> None:
        self.request = request
        self.body = bytes_of(request)
        self.response: _ResponseLine | None = None
        self.reads: list[Read] = []
        self.end: _EndLine | None = None

    def exchange(self) -> Exchange:
        request, response = self.request, self.response
        return Exchange(
            request=Request(
                method=request.method,
                url=request.url,
                headers=request.headers,
                body=self.body,
                http_version=request.http_version,
                started=request.started,
            ),
            response=None
            if response is None
            else Response(
                status=response.status,
                reason=response.reason,
                headers=response.headers,
                http_version=response.http_version,
                offset_us=response.offset_us,
                reads=tuple(self.reads),
            ),
            ending=Ending.STOPPED if self.end is None else self.end.ending,
            end_offset_us=None if self.end is None else self.end.offset_us,
            fidelity=request.fidelity,
            scope=request.scope,
            notes=request.notes if self.end is None else request.notes + self.end.notes,
            extra=request.extra,
        )


class LineReader:
    """Feed the lines behind the first; get the exchanges, in the order of their request lines.

    `first` is the number the first request line must have: 0 in a file, another where the lines
    are those of one exchange out of it.
    """

    def __init__(self, first: int = 0) -> None:
        self._order = LineOrder(first)
        self._partials: dict[int, _Partial] = {}

    def feed(self, line: bytes) -> int:
        """Take one line; the number of its exchange. Raises FormatError, LimitError."""
        head = _line(line)
        self._order.follow(head)
        number = head.exchange
        if head.line == "request":
            self._partials[number] = _Partial(_request_line(line))
            return number
        partial = self._partials[number]
        if head.line == "read":
            read = _read_line(line)
            data = bytes_of(read)
            if data is None:
                raise FormatError("expected json, data, parts, text or base64 in a read line")
            partial.reads.append(Read(data, read.offset_us))
        elif head.line == "response":
            partial.response = _response_line(line)
        else:
            partial.end = _end_line(line)
        return number

    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(partial.exchange() for partial in self._partials.values())


def read_one(lines: Iterable[bytes], number: int) -> Exchange:
    """One exchange from a stretch of a file that holds all its lines, others between them.

    Raises FormatError where they are not all there.
    """
    reader = LineReader(number)
    for line in lines:
        if line and _line(line).exchange == number:
            reader.feed(line)
    found = reader.exchanges()
    if not found:
        raise FormatError(f"expected exchange {number} here, found none of its lines")
    return found[0]


def whole_lines(data: bytes) -> tuple[list[bytes], int]:
    """The lines of a file and the length of what they take.

    A last line without its line end counts when it is whole JSON; otherwise it is what a killed
    recorder left, and is not counted.
    """
    lines = data.split(b"\n")
    tail = lines.pop()
    taken = len(data) - len(tail)
    if tail and is_json(tail):
        lines.append(tail)
        taken = len(data)
    return lines, taken


def read_header(line: bytes) -> Tape:
    """The tape that a first line announces, without exchanges."""
    header = _header(line)
    if header.tokentape > VERSION:
        raise FormatError(
            f"written by a newer TokenTape (format {header.tokentape}, this one reads up to "
            f"{VERSION}): please update"
        )
    if header.tokentape < 1:
        raise FormatError(f"expected a format version of at least 1, got {header.tokentape}")
    return Tape(writer=header.writer, created=header.created, extra=header.extra)


def _with_expected(message: str) -> str:
    """msgspec names what came where one of a few texts was wanted; add which ones."""
    for key, wanted in (("ending", Ending), ("fidelity", Fidelity)):
        if message.startswith("Invalid enum") and message.endswith(f"`$.{key}`"):
            return f"{message}; expected one of {', '.join(map(repr, map(str, wanted)))}"
    return message


def located(error: Exception, line: int) -> TokenTapeError:
    """One of our errors for what a line's decoder raised, with the line it happened in."""
    if isinstance(error, TokenTapeError):
        error.line = line
        return error
    if isinstance(error, msgspec.ValidationError):
        return FormatError(_with_expected(str(error)), line=line)
    if isinstance(error, RecursionError):
        return LimitError("nested too deep to read", line=line)
    return FormatError(f"expected a line of JSON, got a damaged one ({error})", line=line)


LINE_ERRORS = (TokenTapeError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError)


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """The tape in these bytes. An append that was interrupted leaves one that still opens."""
    return read_with_spans(data)[0]


def read_with_spans(data: bytes) -> tuple[Tape, list[tuple[int, int]]]:
    """The tape, and where each exchange lies: from its first byte to behind its last line.

    Exchanges written at the same time overlap; `read_one` picks the lines of one of them.
    """
    lines, _ = whole_lines(data)
    if not lines:
        if data.strip() and not data.lstrip().startswith(b"{"):
            raise FormatError(
                f'expected a first line that begins {{"tokentape":, got {data[:40]!r}', line=1
            )
        return Tape(), []
    number = 1
    reader = LineReader()
    spans: list[tuple[int, int]] = []
    try:
        tape = read_header(lines[0])
        position = len(lines[0]) + 1
        for line in lines[1:]:
            number += 1
            exchange = reader.feed(line)
            end = position + len(line)
            if exchange == len(spans):
                spans.append((position, end))
            else:
                spans[exchange] = (spans[exchange][0], end)
            position = end + 1
        exchanges = reader.exchanges()
    except LINE_ERRORS as error:
        raise located(error, number) from None
    return msgspec.structs.replace(tape, exchanges=exchanges), spans


_FIRST_LINE = re.compile(rb'\s*\{\s*"tokentape"\s*:')


def sniff(data: bytes, name: str) -> bool:
    """By content; a file killed within its first line is known by its name only."""
    if _FIRST_LINE.match(data[:200]):
        return True
    beginning = header_line(Tape())[:14]
    return SUFFIX in name and data[:14] == beginning[: len(data[:14])]


FORMAT = Format(
    name=NAME,
    title="TokenTape's own",
    suffixes=(SUFFIX, SUFFIX + ".zst"),
    sniff=sniff,
    read=read,
    write=write,
    holds=EVERYTHING,
)
