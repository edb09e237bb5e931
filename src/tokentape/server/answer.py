"""An exchange as the bytes that go on the wire again, and when.

Each recorded read is an HTTP chunk of its own. Where reads are not known, an event stream is
written frame by frame and anything else at once. What the recording says of the connection
(RFC 9110, 7.6.1) and of the length is replaced by what is true of this answer.

An answer that was cut is cut again: no terminating chunk, or fewer bytes than its
Content-Length, then the connection is closed. An exchange without a response closes the
connection without a byte, when the recording says that it ended.
"""

import re
from array import array
from bisect import bisect_right
from enum import IntEnum

import msgspec

from tokentape import sse
from tokentape.content import is_encoded
from tokentape.media import EVENT_STREAM, begins_as_events, is_event_stream
from tokentape.model import Ending, Exchange, Fidelity, Read, Response, header, phrase
from tokentape.pacing import deadlines, scaled

# Of an answer: what is said of one connection, and of the length.
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    )
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2: token
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]+")
_PIECE = 64 * 1024  # bytes handed to a connection at once; what a slow client can hold back
_LAST_CHUNK = b"0\r\n\r\n"


class Wire(IntEnum):
    """How the client wants it: HTTP/1.1 kept open, HTTP/1.1 then closed, or HTTP/1.0."""

    KEEP = 0
    CLOSE = 1
    OLD = 2


class Answer(msgspec.Struct, frozen=True, kw_only=True, weakref=True):
    """What is written, step by step; `due` is microseconds from the request, one per step.

    A step that is b"" only waits: for the end of the connection. `marks` are the wire positions
    where the reads end and `bodies` how many body bytes lie before them, so that what a client
    got can be told from how many bytes it took. `made` says what was synthesised; "": nothing.
    """

    steps: tuple[bytes, ...]
    due: tuple[int, ...]
    close: bool
    status: int
    size: int
    reads: int
    body_size: int
    starts: "array[int]"
    marks: "array[int]"
    bodies: "array[int]"
    paced: bool
    at_once: bool
    made: str = ""

    @property
    def weight(self) -> int:
        """About how many bytes of memory this takes."""
        return self.size + 40 * len(self.steps) + 24 * len(self.marks) + 400

    def delivered(self, sent: int) -> tuple[int, int]:
        """Whole reads and body bytes among the first `sent` bytes of the wire."""
        whole = bisect_right(self.marks, sent)
        body = self.bodies[whole - 1] if whole else 0
        if whole < len(self.marks):
            started = self.starts[whole]
            size = self.bodies[whole] - body
            body += min(size, max(0, sent - started))
        return whole, body


def prepare(exchange: Exchange, speed: float, wire: Wire = Wire.KEEP) -> Answer:
    """The answer that replays this exchange at this speed."""
    response = exchange.response
    end_us = exchange.end_offset_us
    if response is None:
        due = scaled(end_us, speed) if end_us is not None else 0
        return _assemble([(due, b"", 0, 0)], close=True, status=0)
    reads = [read for read in _reads(exchange, response) if read.data]
    whole = exchange.ending is Ending.COMPLETE
    bodiless = (
        response.status < 200
        or response.status in (204, 304)
        or exchange.request.method.upper() == "HEAD"
    )
    if bodiless:
        reads = []
    length, chunked = _framing(response, reads, whole=whole, bodiless=bodiless, wire=wire)
    close = wire is not Wire.KEEP or not whole or response.status < 200
    head = _head(exchange, response, length, chunked=chunked, close=close)
    offsets = [response.offset_us, *(read.offset_us for read in reads)]
    if whole or end_us is not None:
        offsets.append(end_us)
    due_us = deadlines(offsets, speed)
    if response.offset_us is None and len(due_us) > 1:
        # Time to headers is not known: they go with the first bytes, as servers mostly send them.
        due_us[0] = due_us[1]
    parts = [(due_us[0], head, len(head), 0)]
    for due, read in zip(due_us[1:], reads, strict=False):
        framed = b"%x\r\n%b\r\n" % (len(read.data), read.data) if chunked else read.data
        start = framed.index(b"\n") + 1 if chunked else 0
        parts.append((due, framed, start, len(read.data)))
    if whole and chunked:
        parts.append((due_us[-1], _LAST_CHUNK, 0, 0))
    elif close and len(due_us) > len(parts):
        parts.append((due_us[-1], b"", 0, 0))
    return _assemble(parts, close=close, status=response.status)


def _reads(exchange: Exchange, response: Response) -> tuple[Read, ...]:
    """The reads, or where they are not known what stands for them."""
    if exchange.fidelity is Fidelity.WIRE or not is_event_stream(response):
        return response.reads
    return tuple(Read(frame) for frame in sse.frames(response.body))


def _guessed_type(body: bytes) -> str | None:
    if body[:64].lstrip()[:1] in (b"{", b"["):
        return "application/json"
    return EVENT_STREAM if begins_as_events(body) else None


def _framing(
    response: Response,
    reads: list[Read],
    *,
    whole: bool,
    bodiless: bool,
    wire: Wire,
) -> tuple[int | None, bool]:
    """The Content-Length to send, if any, and whether the body is chunked."""
    size = sum(len(read.data) for read in reads)
    recorded = header(response.headers, "content-length") or ""
    promised = (
        int(recorded) if recorded.isascii() and recorded.isdigit() and len(recorded) < 16 else None
    )
    if bodiless:
        # What HEAD and 304 say of the length is of the body they leave out (RFC 9110, 8.6).
        says = response.status == 304 or (response.status >= 200 and response.status != 204)
        return (promised if says else None), False
    if not whole:
        if promised is not None and promised > size:
            return promised, False
        return None, wire is not Wire.OLD
    if len(reads) <= 1 and not is_event_stream(response):
        return size, False
    return None, wire is not Wire.OLD


def _head(
    exchange: Exchange,
    response: Response,
    length: int | None,
    *,
    chunked: bool,
    close: bool,
) -> bytes:
    reason = phrase(response.status) if response.reason is None else response.reason
    lines = [f"HTTP/1.1 {max(100, min(response.status, 999))} {_clean(reason)}"]
    named = header(response.headers, "connection") or ""
    dropped = HOP_BY_HOP | {name.strip().lower() for name in named.split(",")}
    typed = False
    for name, value in response.headers:
        lowered = name.lower()
        if lowered in dropped or not _NAME.fullmatch(name):
            continue
        if lowered == "content-encoding" and response.body and not is_encoded(response.body, value):
            # Recorders often keep the header beside a body they decoded.
            continue
        typed = typed or lowered == "content-type"
        lines.append(f"{name}: {_clean(value)}")
    if not typed and exchange.fidelity is not Fidelity.WIRE:
        # Recordings of this kind often keep no headers; SDKs read JSON only where it is named.
        kind = _guessed_type(response.body)
        if kind is not None:
            lines.append(f"content-type: {kind}")
    if length is not None:
        lines.append(f"content-length: {length}")
    if chunked:
        lines.append("transfer-encoding: chunked")
    if close:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _clean(value: str) -> str:
    """A header value that stays one: no line break ever splits the answer."""
    return _CONTROL.sub(" ", value).strip(" \t")


def _assemble(parts: list[tuple[int, bytes, int, int]], *, close: bool, status: int) -> Answer:
    """Lay the parts (due, bytes, where its body starts, body size) on the wire.

    Bytes due at the same moment as the head, or behind the last read, need no write of their own;
    when nothing is paced all is joined, since one write is many times faster than one per read.
    """
    starts, marks, bodies = array("q"), array("q"), array("q")
    position = body = 0
    for _, data, start, size in parts:
        if size:
            body += size
            starts.append(position + start)
            marks.append(position + start + size)
            bodies.append(body)
        position += len(data)
    paced = parts[-1][0] > 0
    steps: list[bytes] = []
    due: list[int] = []
    if not paced:
        wire = b"".join(data for _, data, _, _ in parts)
        steps = [wire[at : at + _PIECE] for at in range(0, len(wire), _PIECE)] or [b""]
        due = [0] * len(steps)
    else:
        head_joined = False
        for at, (when, data, _, size) in enumerate(parts):
            joins_head = at == 1 and size and not head_joined
            joins_last = at == len(parts) - 1 and at > 0 and not size
            if steps and when == due[-1] and (joins_head or joins_last):
                steps[-1] += data
                head_joined = True
            else:
                steps.append(data)
                due.append(when)
    return Answer(
        steps=tuple(steps),
        due=tuple(due),
        close=close,
        status=status,
        size=position,
        reads=len(marks),
        body_size=body,
        starts=starts,
        marks=marks,
        bodies=bodies,
        paced=paced,
        at_once=len(steps) == 1 and not paced,
    )
