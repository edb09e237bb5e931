"""The values everything else speaks of: tape, exchange, request, response, read, ending.

All are frozen. Bytes are kept as they came; text, events and chunks are views made elsewhere.

Units: every offset is an integer number of microseconds since the request was sent (`_us`).
Headers are ordered pairs, names in the case they had; a value holds one byte a character
(ISO-8859-1), as on the wire.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec

Headers = tuple[tuple[str, str], ...]

# Begins the note that a reader leaves where it repaired a stream. There is one repair: the blank
# lines that the stream came without are put back.
REPAIRED = "repaired: "

_PHRASES = {int(status): status.phrase for status in HTTPStatus}


class Ending(StrEnum):
    """How a response ended."""

    COMPLETE = "complete"
    CUT = "cut by the server"
    TIMED_OUT = "timed out"
    LEFT = "left by the client"
    STOPPED = "recorder stopped"


class Fidelity(StrEnum):
    """What a recording still knows of a response body.

    WIRE: its bytes, the reads they came in, and when. BYTES: the bytes only.
    EVENTS: parsed values only; the bytes are rendered from them.
    """

    WIRE = "wire"
    BYTES = "bytes"
    EVENTS = "events"


class Read(msgspec.Struct, frozen=True):
    """Bytes as one read of the socket gave them: not a TCP segment, not an HTTP chunk.

    `offset_us` is None where the recording does not know the time.
    """

    data: bytes
    offset_us: int | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request.

    `url` is "" and `body` is None where the recording does not hold them (a raw SSE file);
    b"" is a body known to be empty. `started` is wall-clock time, RFC 3339 in UTC.
    """

    method: str = "POST"
    url: str = ""
    headers: Headers = ()
    body: bytes | None = b""
    http_version: str | None = None
    started: str | None = None


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP response. `offset_us` is when its headers were in.

    Under fidelity `wire` the reads are those of the socket; otherwise there is at most one,
    which holds the whole body and has no time.
    """

    status: int = 200
    reason: str | None = None
    headers: Headers = ()
    http_version: str | None = None
    offset_us: int | None = None
    reads: tuple[Read, ...] = ()

    @property
    def body(self) -> bytes:
        """The whole body, still in its content encoding."""
        if len(self.reads) == 1:
            return self.reads[0].data
        return b"".join(read.data for read in self.reads)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its response; `response` is None where none ever began.

    `notes` says what a reader did to the recording (rendered, repaired), for the user to see.
    `extra` keeps, by format name, what that format holds beyond these fields, so that writing
    the same format again loses nothing. It never holds a body.
    """

    request: Request
    response: Response | None = None
    ending: Ending = Ending.COMPLETE
    end_offset_us: int | None = None
    fidelity: Fidelity = Fidelity.BYTES
    scope: str | None = None
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = {}

    @property
    def body(self) -> bytes:
        """The response body, b"" where there is no response."""
        return self.response.body if self.response is not None else b""


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """An ordered list of exchanges, with who wrote it and when (RFC 3339), where known."""

    exchanges: tuple[Exchange, ...] = ()
    writer: str | None = None
    created: str | None = None
    extra: Mapping[str, Any] = {}


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, names compared without case (RFC 9110, 5.1), or None."""
    wanted = name.lower()
    for key, value in headers:
        if key.lower() == wanted:
            return value
    return None


def phrase(status: int) -> str:
    """The reason phrase that goes with a status, "" where none is known."""
    return _PHRASES.get(status, "")
