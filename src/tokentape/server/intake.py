"""Takes requests in: from bytes to whole requests, one after another, within limits.

The half of a connection that reads. What is done with a request, and when the next may have its
turn, is the other half's (protocol.py).
"""

import asyncio
from abc import abstractmethod
from collections import deque
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tokentape.server.answer import Wire
from tokentape.server.deck import Deck
from tokentape.server.journal import Outcome
from tokentape.server.problem import problem

_BETWEEN, _IN_HEAD, _IN_BODY = 0, 1, 2
_FRAMING = 1024 * 1024  # bytes of chunk framing and trailers a request may have in any case
_KEEP = Wire.KEEP
_LINGER_S = 2.0
_CARED_FOR = frozenset((b"connection", b"content-length", b"expect", b"x-tokentape-scope"))
_CARED_LENGTHS = frozenset(map(len, _CARED_FOR))
_NONE: dict[bytes, bytes] = {}
_METHODS = {b"POST": "POST", b"GET": "GET"}


class Asking(msgspec.Struct, gc=False):
    """A request that has come in whole."""

    method: str
    target: bytes
    body: bytes
    wire: Wire
    headers: list[tuple[bytes, bytes]]
    scope: str | None


class Refusing(msgspec.Struct, gc=False):
    """A request that can't be taken in; the connection ends with the answer to it."""

    status: int
    type: str
    message: str


class Intake(HttpToolsProtocol):
    """Hands each whole request to `_answer`, or queues it while `_busy`."""

    deck: Deck

    # uvicorn's class fills a dictionary already; the hot path is faster, and a connection
    # smaller, beside it.
    __slots__ = (
        "_asked_us",
        "_begun",
        "_body",
        "_body_size",
        "_busy",
        "_cared",
        "_deaf",
        "_fed",
        "_lingering",
        "_max_body",
        "_max_head",
        "_more_body",
        "_owes_continue",
        "_part",
        "_surplus",
        "_unfinished",
        "_waiting",
        "seen",
    )

    def __init__(self, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        settings = self.deck.settings
        self.seen = self.deck.sweeps  # when the connection last did something
        self._max_body = settings.max_body
        self._max_head = settings.max_head
        self._busy = False  # an answer is on its way, or being looked for
        self._waiting: deque[Asking | Refusing] | None = None
        self._deaf = False  # nothing more is read as a request
        self._surplus = False
        self._lingering: asyncio.TimerHandle | None = None
        self._asked_us = 0  # when the request off the hot path had its turn
        self._part = _BETWEEN
        self._fed = 0  # bytes of this read
        self._begun = 0  # requests that have bytes in this read
        self._unfinished = 0  # bytes of earlier reads in the part that is coming in
        self._owes_continue = False
        self._body = b""  # its first piece, mostly all of it
        self._more_body: list[bytes] = []
        self._body_size = 0
        self._cared: dict[bytes, bytes] = _NONE

    @abstractmethod
    def _answer(self, asking: Asking) -> None:
        """Answer a request, or see to it that it is answered; nothing is on its way now."""

    @abstractmethod
    def _note(
        self,
        asking: Asking,
        status: int,
        says: str,
        *,
        outcome: Outcome = "refused",
        left: bool = False,
    ) -> None:
        """Put a request that no exchange answers in the journal."""

    def idle_since(self, sweep: int) -> None:
        """Close a connection that did nothing since that sweep, unless an answer is on its way."""
        if self._busy or self.seen > sweep or self.transport.is_closing():
            return
        if self._part != _BETWEEN:
            self._refuse(408, "timeout", "the request did not come whole in time")
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self.seen = self.deck.sweeps
        self._fed = len(data)
        self._begun = 0 if self._part == _BETWEEN else 1
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._without_upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserError as error:
            self._refuse(400, "bad_request", f"expected an HTTP/1.1 request: {error}")
            return
        if self._part != _BETWEEN:
            # Where requests before it ended in this read, how much is its own is not known.
            self._unfinished = self._unfinished + self._fed if self._begun <= 1 else 0
            self._check_unfinished()

    def _without_upgrade(self, rest: bytes) -> None:
        """An offer to switch protocols (RFC 9110, 7.8) is answered in the one we speak.

        The parser takes what follows such a head for the other protocol, so the request is read
        again without the offer.
        """
        if self._deaf:
            return
        lines = [b"%b %b HTTP/1.1" % (self.parser.get_method(), self.url)]
        lines += [
            name + b": " + value
            for name, value in self.headers
            if name.lower() not in (b"connection", b"upgrade", b"http2-settings", b"expect")
        ]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join(lines) + b"\r\n\r\n" + rest)

    def _check_unfinished(self) -> None:
        """Bound what a request may take that is not yet whole, framing and trailers too."""
        if self._part == _IN_HEAD:
            if self._unfinished > self._max_head:
                self._refuse_head()
        elif self._unfinished > 8 * (len(self._body) + self._body_size) + _FRAMING:
            self._refuse(400, "bad_request", "the request's body is nearly all framing")

    def on_message_begin(self) -> None:
        self.url = self._body = b""
        self.headers = []
        self._cared = _NONE
        self._part = _IN_HEAD
        self._begun += 1

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))
        if len(name) in _CARED_LENGTHS:
            name = name.lower()
            # A short Content-Length is no reason to look; what comes is counted anyway.
            if name in _CARED_FOR and (name != b"content-length" or len(value) > 7):
                self._cared = {**self._cared, name: value}

    def on_headers_complete(self) -> None:
        self._part = _IN_BODY
        if self._cared or self._surplus or self._unfinished or self._fed > self._max_head:
            self._check_head()

    def _check_head(self) -> None:
        self._unfinished = 0
        if self._deaf:
            return
        size = sum(len(name) + len(value) + 4 for name, value in self.headers) + len(self.url)
        if size > self._max_head:
            self._refuse_head()
            return
        if self._surplus:
            most = self.deck.settings.max_connections
            self._refuse(
                503,
                "too_many_connections",
                f"at most {most} connections are served at once; {_raise('max_connections')}",
            )
            return
        length = self._cared.get(b"content-length", b"0")
        if len(length) > 15 or int(length) > self._max_body:
            self._refuse_body()
        elif self._cared.get(b"expect", b"").lower() == b"100-continue":
            self._owes_continue = True
            if not self._busy:
                self._continue()

    def on_body(self, body: bytes) -> None:
        if not self._body:
            if len(body) <= self._max_body:
                self._body = body
                return
        elif self._deaf:
            return
        self._more_body.append(body)
        self._body_size += len(body)
        if len(self._body) + self._body_size > self._max_body:
            self._refuse_body()

    def on_message_complete(self) -> None:
        self._part = _BETWEEN
        body = self._body
        if self._more_body:
            body = b"".join((body, *self._more_body))
            self._more_body = []
            self._body_size = 0
        if self._deaf:
            return
        self._unfinished = 0
        self._owes_continue = False
        parser = self.parser
        method = _METHODS.get(parser.get_method()) or parser.get_method().decode("latin-1")
        cared = self._cared
        scope = None
        wire = _KEEP
        if b"connection" in cared or method == "CONNECT" or not parser.should_keep_alive():
            if parser.should_upgrade() and method != "CONNECT":
                return
            wire = self._wire(method)
        if b"x-tokentape-scope" in cared:
            scope = text(cared[b"x-tokentape-scope"]) or None
        asking = Asking(method, self.url, body, wire, self.headers, scope)
        if self._busy:
            self._queue(asking)
        else:
            self._answer(asking)

    def _wire(self, method: str) -> Wire:
        """How a client wants it that says something of the connection, or speaks HTTP/1.0."""
        old = self.parser.get_http_version() == "1.0"
        if self.parser.should_keep_alive() and not old and method != "CONNECT":
            return Wire.KEEP
        self._deaf = True
        return Wire.OLD if old else Wire.CLOSE

    def _queue(self, what: Asking | Refusing) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(what)
        if len(self._waiting) >= self.deck.settings.max_waiting:
            self.flow.pause_reading()

    def _continue(self) -> None:
        self._owes_continue = False
        self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse_head(self) -> None:
        limit = self.deck.settings.max_head
        self._refuse(431, "headers_too_large", f"the request's headers are over {limit} bytes")

    def _refuse_body(self) -> None:
        limit = self.deck.settings.max_body
        self._refuse(
            413, "body_too_large", f"the request's body is over {limit} bytes; {_raise('max_body')}"
        )

    def _refuse(self, status: int, type: str, message: str) -> None:
        if self._deaf:
            return
        self._deaf = True
        self._body = b""
        self._more_body = []
        self._body_size = 0
        refusing = Refusing(status, type, message)
        if self._busy:
            self._queue(refusing)
        else:
            self._say_refusal(refusing)

    def _say_refusal(self, refusing: Refusing) -> None:
        """Answer, then read on without heed for a while: closing at once would reset the
        connection and take the answer from a client that is still sending.
        """
        if self.transport.is_closing():
            return
        status = refusing.status
        self._asked_us = self.deck.now_us()
        asking = Asking("", self.url, b"", Wire.CLOSE, [], None)
        self._note(asking, status, refusing.message)
        self.transport.write(problem(status, refusing.type, refusing.message, close=True))
        self.transport.write_eof()
        self._lingering = self.loop.call_later(_LINGER_S, self.transport.abort)
        self.flow.resume_reading()


def text(value: bytes) -> str:
    """A header's or target's bytes as text, UTF-8 where it is."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _raise(setting: str) -> str:
    """What to do about a limit."""
    return f"the setting {setting} (TOKENTAPE_{setting.upper()}) raises that"
