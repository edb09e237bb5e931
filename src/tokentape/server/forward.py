"""One exchange passed on: the request to its upstream, the answer to the client as it comes.

Each read goes to the client before anything else is done with it, as an HTTP chunk of its own.
An answer that ends early ends early for the client too.
"""

import asyncio
from typing import TYPE_CHECKING

from tokentape.matching import Asked
from tokentape.media import EVENT_STREAM, media_type
from tokentape.model import Ending, Response, header
from tokentape.server.answer import HOP_BY_HOP, Wire
from tokentape.server.dial import Unreachable
from tokentape.server.intake import Asking, text
from tokentape.server.link import Head, Link
from tokentape.server.observer import Begun
from tokentape.server.recorder import Recording, Sent
from tokentape.server.upstream import Pairs, Site

if TYPE_CHECKING:
    from tokentape.server.passing import Passing

# For its model alone no larger body is parsed: all streams would wait for that.
_MOST_ASKED = 1024 * 1024
_WITH_BODY = ("POST", "PUT", "PATCH")
_LAST_CHUNK = b"0\r\n\r\n"
# How long the end of a stream is waited for whose last event the client left with: official clients
# close at `[DONE]`, and the end of the body may be a read of its own.
_LINGER_S = 1.0
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_READABLE = frozenset((b"br", b"gzip", b"x-gzip", b"deflate", b"zstd", b"identity"))


class Forward:
    """Made for one request; `protocol.forwarded` is called once, when it is over."""

    __slots__ = (
        "_asked",
        "_chunked",
        "_head_in",
        "_headers",
        "_last",
        "_left_us",
        "_lingering",
        "_link",
        "_opening",
        "_operation",
        "_recording",
        "_rest",
        "_site",
        "asking",
        "note",
        "number",
        "protocol",
        "reads",
        "size",
        "start_us",
        "status",
    )

    def __init__(
        self,
        protocol: "Passing",
        asking: Asking,
        site: Site,
        rest: bytes,
        asked: Asked | None,
        operation: str,
    ) -> None:
        """`asked` is given where what is recorded is to answer such requests from then on."""
        self.protocol = protocol
        self.asking = asking
        self.number = 0
        self.start_us = protocol.deck.now_us()
        self.status = 0
        self.reads = 0
        self.size = 0
        self.note: str | None = None
        self._site = site
        self._rest = rest
        self._asked = asked
        self._operation = operation
        self._headers: Pairs = []
        self._chunked = False
        self._link: Link | None = None
        self._opening: asyncio.Task[None] | None = None
        self._recording: Recording | None = None
        self._head_in: Head | None = None
        self._last = b""  # of the body
        self._left_us: int | None = None  # when the client left, where the end is still waited for
        self._lingering: asyncio.TimerHandle | None = None

    # The request

    def start(self) -> None:
        """Send the request, on a connection that is open or a new one."""
        deck = self.protocol.deck
        asking, site = self.asking, self._site
        deck.forwarded += 1
        self.number = deck.forwarded
        headers = _readable(asking.headers) if deck.recorder is not None else asking.headers
        body = asking.body
        has_body = bool(body) or asking.method in _WITH_BODY
        self._headers = site.headers(headers, len(body), has_body=has_body)
        if deck.observer is not None:
            asked = self._asked or (deck.ask(body) if len(body) <= _MOST_ASKED else None)
            begun = Begun(
                method=asking.method,
                target=deck.told(asking.target),
                model="" if asked is None else asked.model,
                scope=asking.scope or "",
                upstream=site.name,
                body=body,
            )
            deck.observer.began(self.number, begun)
        link = None if site.upstream.sigv4 else deck.dial.lend(site.origin, self.protocol)
        if link is not None:
            self._send(link)
        else:
            self._opening = self.protocol.loop.create_task(self._open())

    async def _open(self) -> None:
        deck, site = self.protocol.deck, self._site
        try:
            if site.upstream.sigv4 is not None:
                self._headers = await deck.signer.sign(
                    site, self.asking.method, self._url(), self._headers, self.asking.body
                )
            link = deck.dial.lend(site.origin, self.protocol) or await deck.dial.open(site.origin)
        except Unreachable as error:
            self._opening = None
            why = f"upstream {site.name} ({site.root}) can't be reached: {error}"
            self._begin_recording()
            self._refuse(502, "upstream_unreachable", why)
            self._over(Ending.CUT, deck.now_us(), why)
            return
        self._opening = None
        self._send(link)

    def _url(self) -> str:
        return self._site.root + text(self._site.target(self._rest))

    def _send(self, link: Link) -> None:
        asking = self.asking
        lines = [
            b"%b %b HTTP/1.1" % (asking.method.encode("latin-1"), self._site.target(self._rest))
        ]
        lines += [b"%b: %b" % pair for pair in self._headers]
        lines += [b"", asking.body]
        self._link = link
        link.client = self.protocol
        self.start_us = self.protocol.deck.now_us()
        link.ask(self, b"\r\n".join(lines), head_only=asking.method == "HEAD")
        self._begin_recording()

    def _begin_recording(self) -> None:
        recorder = self.protocol.deck.recorder
        if recorder is None:
            return
        asking = self.asking
        sent = Sent(
            method=asking.method,
            url=self._url(),
            headers=tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._headers),
            body=asking.body,
            http_version="1.1",
            scope=asking.scope,
            started=recorder.wall(),
        )
        self._recording = recorder.begin(sent, self._asked, number=self.number)

    # The answer

    def arrived(self, head: Head | None, data: bytes, complete: bool, now_us: int) -> None:
        protocol = self.protocol
        if self._left_us is not None:
            self._arrived_late(data, complete, now_us)
            return
        if self.reads and self._recording is not None:
            # A recorder that is killed loses at most the read that is on its way.
            self._recording.catch_up()
        pieces = [] if head is None else [self._head(head)]
        if data:
            if self._chunked:
                pieces += (b"%x\r\n" % len(data), data, b"\r\n")
            else:
                pieces.append(data)
        if complete and self._chunked:
            pieces.append(_LAST_CHUNK)
        if pieces:
            protocol.transport.write(b"".join(pieces))
            if protocol.write_paused and not complete and self._link is not None:
                self._link.pause()
        self._tell(head, data, now_us)
        if complete:
            self._link = None
            self._over(Ending.COMPLETE, now_us, None)

    def _arrived_late(self, data: bytes, complete: bool, now_us: int) -> None:
        """What the client did not wait for: the end of the body, or more of it."""
        if data or not complete:
            self._end_early(Ending.LEFT)
            return
        self._link = None
        # Nobody uses the connection again.
        self.protocol.deck.left(self.protocol)
        self._over(Ending.COMPLETE, now_us, "the client closed at the last event, before the end")

    def _head(self, head: Head) -> bytes:
        """The upstream's head as the client gets it: what is said of its own connection apart."""
        wire = self.asking.wire
        named = header(head.headers, "connection")
        dropped = HOP_BY_HOP
        if named is not None:
            dropped = dropped | {name.strip().lower() for name in named.split(",")}
        lines = [f"HTTP/1.1 {head.status} {head.reason}"]
        sized = False
        for name, value in head.headers:
            lowered = name.lower()
            if lowered == "content-length" and head.length is not None and head.status != 204:
                if not sized:
                    lines.append(f"{name}: {head.length}")
                sized = True
            elif lowered not in dropped:
                lines.append(f"{name}: {value}")
        if not sized and not head.bodiless and wire is not Wire.OLD:
            self._chunked = True
            lines.append("transfer-encoding: chunked")
        if wire is not Wire.KEEP:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _tell(self, head: Head | None, data: bytes, now_us: int) -> None:
        """Note what the client has been sent."""
        offset_us = now_us - self.start_us
        observer = self.protocol.deck.observer
        if head is not None:
            self.status = head.status
            self._head_in = head
            if self._recording is not None:
                self._recording.response(
                    Response(
                        status=head.status,
                        reason=head.reason,
                        headers=head.headers,
                        http_version=head.http_version,
                        offset_us=offset_us,
                    )
                )
            if observer is not None:
                observer.responded(
                    self.number,
                    status=head.status,
                    streaming=media_type(head.headers) == EVENT_STREAM,
                    coding=_coding(head),
                    offset_us=offset_us,
                )
        if data:
            self.reads += 1
            self.size += len(data)
            self._last = data if len(data) > 3 else self._last[-3:] + data
            if self._recording is not None:
                self._recording.read(data, offset_us)
            if observer is not None:
                observer.read(self.number, data, offset_us)

    def broke(self, ending: Ending, why: str, now_us: int) -> None:
        self._link = None
        if self._left_us is not None:
            self._end_early(Ending.LEFT)
            return
        site = self._site
        told = f"upstream {site.name} ({site.root}) broke off: {why}"
        if self.status:
            self.note = why
        elif ending is Ending.TIMED_OUT:
            self._refuse(504, "upstream_timeout", told)
        else:
            self._refuse(502, "upstream_broken", told)
        self._over(ending, now_us, why)

    def _refuse(self, status: int, type: str, message: str) -> None:
        """Tell the client what became of its request; there is no answer to pass on."""
        self.protocol.say_problem(self.asking, status, type, message)
        self.note = message

    # What the client's side does

    def pause(self) -> None:
        if self._link is not None:
            self._link.pause()

    def resume(self) -> None:
        if self._link is not None:
            self._link.resume()

    def left(self) -> None:
        """The client is gone: so is the reason for the upstream to go on, but to end."""
        if self._link is None or not self._has_last_event():
            self._end_early(Ending.LEFT)
            return
        deck = self.protocol.deck
        self._left_us = deck.now_us()
        deck.departed.add(self)
        self._lingering = self.protocol.loop.call_later(_LINGER_S, self._end_early, Ending.LEFT)
        self._link.resume()

    def _has_last_event(self) -> bool:
        """Whether the body so far may be a whole event stream. What is coded does not tell."""
        if self._head_in is None or media_type(self._head_in.headers) != EVENT_STREAM:
            return False
        return bool(_coding(self._head_in)) or self._last.endswith(_BLANK_LINES)

    def stop(self) -> None:
        """The server ends before the answer does."""
        self._end_early(Ending.STOPPED if self._left_us is None else Ending.LEFT)

    def _end_early(self, ending: Ending) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening = None
            self._begin_recording()
        if self._link is not None:
            self._link.drop()
            self._link = None
        ended_us = self.protocol.deck.now_us() if self._left_us is None else self._left_us
        self._over(ending, ended_us, None)

    def _over(self, ending: Ending, now_us: int, note: str | None) -> None:
        offset_us = now_us - self.start_us
        deck = self.protocol.deck
        if self._lingering is not None:
            self._lingering.cancel()
            deck.departed.discard(self)
        if self._recording is not None:
            self._recording.end(ending, offset_us, note)
            if self._asked is not None:
                wanted = (self.asking.method.upper(), self._operation, self._asked.key)
                deck.begun(self._recording, wanted)
        self.protocol.forwarded(self, ending, now_us)
        if deck.observer is not None:
            deck.observer.ended(self.number, ending=ending, offset_us=offset_us, note=note)


def _coding(head: Head) -> str:
    coding = (header(head.headers, "content-encoding") or "").strip().lower()
    return "" if coding == "identity" else coding


def _readable(headers: Pairs) -> Pairs:
    """The headers with no coding asked for that can't be undone: what can't be read can't be
    searched for secrets, and would not be kept.
    """
    for at, (name, value) in enumerate(headers):
        if name.lower() == b"accept-encoding":
            kept = [
                part
                for part in value.split(b",")
                if part.partition(b";")[0].strip().lower() in _READABLE
            ]
            if len(kept) != value.count(b",") + 1:
                asked = b",".join(kept).strip() or b"identity"
                return [*headers[:at], (name, asked), *_readable(headers[at + 1 :])]
    return headers
