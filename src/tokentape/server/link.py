"""One connection to an upstream: a request out, the answer back read by read.

What one read of the socket gave is handed on at once and as one, before the next is looked for.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

import httptools
import msgspec

from tokentape.model import Ending, Headers
from tokentape.server.upstream import Origin

if TYPE_CHECKING:
    from tokentape.server.dial import Dial

_MAX_HEAD = 256 * 1024
_NO_BODY = (204, 304)


class Head(msgspec.Struct, frozen=True, gc=False):
    """An answer's status and headers. `length` is what Content-Length promises, if it does."""

    status: int
    reason: str
    headers: Headers
    http_version: str
    length: int | None
    bodiless: bool


class Receiver(Protocol):
    """Who asked."""

    def arrived(self, head: Head | None, data: bytes, complete: bool, now_us: int) -> None:
        """What one read of the socket gave: the head, if it ended in it, and bytes of the body."""

    def broke(self, ending: Ending, why: str, now_us: int) -> None:
        """The answer ended before it was complete; nothing more comes."""


class Link(asyncio.Protocol):
    """A connection, lent to one receiver at a time; it goes back to the dial when it can."""

    def __init__(
        self, dial: "Dial", origin: Origin, now_us: Callable[[], int], timeout_s: float
    ) -> None:
        self.transport: asyncio.Transport
        self.origin = origin
        self.client: object = None  # whose requests it has
        self.idle_us = 0  # since when nobody has it
        self._dial = dial
        self._now_us = now_us
        self._timeout_us = round(timeout_s * 1_000_000)
        self._receiver: Receiver | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_us = 0
        self._paused = False
        self._reset(head_only=False)

    def _reset(self, *, head_only: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._status = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head: Head | None = None
        self._told = False  # the receiver has the head
        self._until_eof = False
        self._complete = False
        self._surplus = False
        self._keeps = False  # the connection may be used again
        self._pieces: list[bytes] = []
        self._head_size = 0

    # What the receiver does

    def ask(self, receiver: Receiver, request: bytes, *, head_only: bool) -> None:
        """Send a whole request; its answer goes to the receiver."""
        self._reset(head_only=head_only)
        self._receiver = receiver
        self._last_us = self._now_us()
        if self._timer is None:
            self._arm(self._timeout_us)
        self.transport.write(request)

    def pause(self) -> None:
        """Read no more for now: the kernel's buffers fill, and the upstream has to wait."""
        if not self._paused and not self.transport.is_closing():
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._last_us = self._now_us()
            if not self.transport.is_closing():
                self.transport.resume_reading()

    def drop(self) -> None:
        """Close at once; the receiver hears nothing more."""
        self._receiver = None
        self.transport.abort()

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        receiver = self._receiver
        if receiver is None:
            # A server that speaks unasked, or behind its answer, is not asked again.
            self.transport.abort()
            return
        now_us = self._last_us = self._now_us()
        if self._head is None:
            self._head_size += len(data)
        broken = None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            broken = "it switches protocols unasked"
        except httptools.HttpParserError as error:
            broken = f"it is no HTTP: {error}"
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if pieces:
            self._pieces = []
        complete = self._complete
        head = None
        if not self._told:
            head = self._head
            self._told = head is not None
        if complete:
            self._give_back(broken)
        if head is not None or body or complete:
            receiver.arrived(head, body, complete, now_us)
        if complete or self._receiver is not receiver:
            return
        if broken is None and self._head is None and self._head_size > _MAX_HEAD:
            broken = f"its headers are over {_MAX_HEAD} bytes"
        if broken is not None:
            self._fail(Ending.CUT, broken)

    def _give_back(self, broken: str | None) -> None:
        self._receiver = None
        again = (
            broken is None
            and not self._surplus
            and not self._until_eof
            and not self._head_only
            and self._keeps
        )
        if again and not self._paused:
            self.idle_us = self._last_us
            self._dial.take_back(self)
        else:
            self.transport.close()

    def _fail(self, ending: Ending, why: str) -> None:
        receiver, self._receiver = self._receiver, None
        self.transport.abort()
        if receiver is not None:
            receiver.broke(ending, why, self._now_us())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._dial.forget(self)
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            return
        now_us = self._now_us()
        if self._until_eof and exc is None and self._head is not None:
            receiver.arrived(None, b"", True, now_us)
            return
        why = f"{exc}" if exc is not None else "it closed the connection"
        if self._head is None:
            why += " in its headers" if self._head_size else " before its answer"
        receiver.broke(Ending.CUT, why, now_us)

    def _arm(self, in_us: int) -> None:
        loop = self._dial.loop
        self._timer = loop.call_later(max(in_us, 1000) / 1_000_000, self._look)

    def _look(self) -> None:
        """One timer a connection, that goes on by itself: none is set and cancelled per answer."""
        self._timer = None
        if self._receiver is None:
            return
        left_us = self._last_us + self._timeout_us - self._now_us()
        if self._paused:
            left_us = self._timeout_us
        if left_us > 0:
            self._arm(left_us)
            return
        self._fail(Ending.TIMED_OUT, f"it sent nothing for {self._timeout_us / 1_000_000:g} s")

    # What the parser finds

    def on_message_begin(self) -> None:
        self._surplus = self._complete

    def on_status(self, status: bytes) -> None:
        if not self._complete:
            self._status += status

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete:
            return
        status = self._parser.get_status_code()
        if status < 200:
            return
        length: int | None = None
        chunked = False
        for name, value in self._headers:
            lowered = name.lower()
            if lowered == b"content-length" and value.strip().isdigit() and len(value) < 19:
                length = int(value)
            elif lowered == b"transfer-encoding":
                chunked = value.lower().rstrip().endswith(b"chunked")
        bodiless = self._head_only or status in _NO_BODY
        self._head = Head(
            status,
            self._status.decode("latin-1"),
            tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._headers),
            self._parser.get_http_version(),
            length,
            bodiless,
        )
        self._until_eof = length is None and not chunked and not bodiless
        # An answer to HEAD has the headers of a body, and none (RFC 9110, 9.3.2).
        self._complete = self._head_only

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if self._head is None:
            # An interim answer, such as 103.
            self._status = b""
            self._headers = []
        elif not self._until_eof and not self._complete:
            self._complete = True
            self._keeps = self._parser.should_keep_alive()
