"""What is recorded of the exchanges that pass: noted behind the client's bytes, without secrets.

On the loop an exchange only leaves a note of what came. The notes are worked off when the loop has
nothing to forward: redacted, made lines of, handed to the disk's thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tokentape import content
from tokentape.clock import Clock
from tokentape.errors import TokenTapeError
from tokentape.formats import tape as native
from tokentape.limits import Limits
from tokentape.matching import Asked
from tokentape.model import (
    Ending,
    Exchange,
    Fidelity,
    Headers,
    Read,
    Request,
    Response,
    header,
)
from tokentape.redact import Redaction
from tokentape.redact.bodies import BodyRedactor, body_redactor
from tokentape.server.disk import Disk, Item, Line, Place, Reads
from tokentape.server.scopes import tape_name

# Bytes that may wait for the disk, noted or as lines; behind it exchanges are given up.
_MOST_WAITING = 64 * 1024 * 1024
_LINE = 200  # about what a note takes beside its bytes
# What is noted is worked off so much later, many notes together: that is quicker than each for
# itself, and the client has had its bytes by then.
_LATER_S = 0.005
# Notes worked off, and bytes of them, before the loop is looked after again: few, for what comes
# meanwhile waits.
_AT_ONCE = 24
_AT_ONCE_BYTES = 64 * 1024
_MANY = 64  # that are on their way to the disk wait for no others
_CLOSE_S = 5.0
# How long the next read of an exchange waits at most until the one before it is on disk. A disk
# that takes longer is not waited for again for a while, twice as long each time.
_WAIT_S = 0.05
# Nor is it waited for when so many notes are not on disk: they are of many streams, which would all
# be held up for one, and they are on their way.
_MANY_STREAMS = 32
_PAUSE_US, _MOST_PAUSE_US = 500_000, 60_000_000
_LIMITS = Limits(max_bytes=64 * 1024 * 1024)
_MOST_LOST = 10_000  # of which the numbers are kept


class Sent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request as it went to the upstream. `scope` as the client named it."""

    method: str
    url: str
    headers: Headers
    body: bytes
    http_version: str
    scope: str | None
    started: str


class Recording:
    """One exchange on its way to its tape. Calls come in the order of the tape's lines."""

    __slots__ = (
        "_body",
        "_recorder",
        "_response",
        "asked",
        "ending",
        "exchange",
        "number",
        "of_lines",
        "place",
    )

    def __init__(
        self,
        recorder: "Recorder",
        place: Place,
        asked: Asked | None,
        number: int,
    ) -> None:
        self.place = place
        self.number = number  # as the operator is told it; the tape has numbers of its own
        self.asked = asked
        # What the library asks of it once it is on disk: without its bodies.
        self.exchange: Exchange | None = None
        self.ending: Ending | None = None
        self._recorder = recorder
        self._body: BodyRedactor | None = None
        # Set while reads that are whole lines may be searched and written together with those of
        # others: what came ends with a line, and the exchange has its number.
        self.of_lines = False
        self._response: Response | None = None  # while it waits for its body's end

    def response(self, response: Response) -> None:
        """Status and headers are in; the reads are still empty."""
        self._recorder.note(self, self.write_response, response, 0)

    def catch_up(self) -> None:
        """Before a read is forwarded: have the one before it on disk, unless the disk is slow."""
        place = self.place
        if place.noted > self._recorder.disk.upto and not place.lost:
            self._recorder.catch_up(place)

    def read(self, data: bytes, offset_us: int) -> None:
        self._recorder.note(self, None, Read(data, offset_us), len(data))

    def end(self, ending: Ending, offset_us: int, note: str | None) -> None:
        """Over; STOPPED leaves it without an end, as a killed recorder does."""
        self._recorder.note(self, self.write_end, (ending, offset_us, note), 0)

    # Worked off later

    def write_request(self, sent: Sent) -> None:
        redaction = self._recorder.redaction
        body, headers, notes = _request_body(sent, redaction)
        exchange = Exchange(
            request=Request(
                method=sent.method,
                url=redaction.url(sent.url),
                headers=redaction.headers(headers),
                body=body,
                http_version=sent.http_version,
                started=sent.started,
            ),
            fidelity=Fidelity.WIRE,
            scope=None if sent.scope is None else redaction.scope(sent.scope),
            notes=notes,
        )
        self._put(native.request_line(0, exchange), begins=True)
        if self.asked is not None:
            bodiless = msgspec.structs.replace(exchange.request, body=None)
            self.exchange = msgspec.structs.replace(exchange, request=bodiless)

    def write_response(self, response: Response) -> None:
        redaction = self._recorder.redaction
        self._body = body = body_redactor(redaction, response.headers)
        response = msgspec.structs.replace(
            response,
            reason=None if response.reason is None else redaction.text(response.reason),
            headers=redaction.headers(response.headers),
        )
        if self.exchange is not None:
            self.exchange = msgspec.structs.replace(self.exchange, response=response)
        if body.holds:
            self._response = response
        else:
            self._put(native.response_line(0, response))

    def write_read(self, read: Read) -> None:
        body = self._body
        assert body is not None
        for out in body.feed(read):
            self._put(native.read_line(0, out))
        reads = body.by_pattern
        self.of_lines = reads is not None and self.place.number >= 0 and reads.at_line()

    def write_end(self, what: tuple[Ending, int, str | None]) -> None:
        ending, offset_us, note = what
        notes = [note] if note else []
        if self._body is not None:
            reads = self._body.flush()
            notes += self._body.notes
            if self._response is not None:
                headers = self._body.headers(self._response.headers)
                response = msgspec.structs.replace(self._response, headers=headers)
                self._put(native.response_line(0, response))
            for read in reads:
                self._put(native.read_line(0, read))
            self._body = None
        self.ending = ending
        line = native.end_line(0, ending, offset_us, tuple(notes))
        self._put(line if ending is not Ending.STOPPED else b"", ends=True)

    def _put(self, line: bytes, *, begins: bool = False, ends: bool = False) -> None:
        self._recorder.put(Line(self.place, line, begins, ends))


def _request_body(
    sent: Sent, redaction: Redaction
) -> tuple[bytes | None, Headers, tuple[str, ...]]:
    """The request's body as it is kept, with the headers true of it and what to note."""
    coding = header(sent.headers, "content-encoding")
    if coding is None:
        return redaction.body(sent.body), sent.headers, ()
    try:
        plain = content.decode(sent.body, coding, _LIMITS)
    except TokenTapeError as error:
        why = f"the request's body is left out: it can't be searched for secrets ({error.message})"
        return None, sent.headers, (why,)
    clean = redaction.body(plain)
    if clean == plain:
        return sent.body, sent.headers, ()
    headers = tuple(pair for pair in sent.headers if pair[0].lower() != "content-encoding")
    return clean, headers, (f"the request's body is decoded from {coding} to redact a secret",)


# Whose it is, what writes it (None: a read), what was noted, and what it takes in memory.
_Note = tuple[Recording, Callable[[Any], None] | None, Any, int]


class Recorder:
    """All recordings of a server. Used on its loop.

    `settled` is called on the loop for each recording that is on disk whole, or lost; `unrecorded`
    with the number of each that is lost.
    """

    def __init__(
        self,
        folder: Path,
        redaction: Redaction,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        *,
        writer: str,
        settled: Callable[[Recording], None],
        unrecorded: Callable[[int], None],
        trouble: Callable[[str], None],
    ) -> None:
        self.redaction = redaction
        self.begun = 0
        self.lost = 0
        self.lost_numbers: list[int] = []  # of the first ones
        self._loop = loop
        self._clock = clock
        self._settled = settled
        self._unrecorded = unrecorded
        self._trouble = trouble
        self._notes: deque[_Note] = deque()
        self._noted = self._worked = self._given = 0  # notes: all, worked off, told to the disk
        self._waiting = 0  # bytes of notes
        self._put = 0  # bytes handed to the disk since the start
        self._items: list[Item] = []
        self._scheduled = False
        self._overrun = False
        self._not_before_us = 0  # when a disk that stalled is waited for again
        self._pause_us = _PAUSE_US
        self._open: dict[Place, Recording] = {}
        self.disk = Disk(
            folder,
            writer=writer,
            wall=clock.wall,
            done=lambda places: self._call(self._done, places),
            trouble=lambda message: self._call(trouble, message),
        )

    def _call(self, what: Callable[[Any], None], value: Any) -> None:
        """Go on on the loop, from the disk's thread; nobody listens once the loop is closed."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what, value)

    def wall(self) -> str:
        return self._clock.wall()

    def begin(self, sent: Sent, asked: Asked | None, *, number: int) -> Recording:
        """An exchange begins; `asked` where the library is to know it."""
        scope = sent.scope if sent.scope is None else self.redaction.scope(sent.scope)
        place = Place(tape_name(scope))
        recording = Recording(self, place, asked, number)
        self.begun += 1
        self._open[place] = recording
        self.note(recording, recording.write_request, sent, len(sent.body))
        return recording

    def note(
        self, recording: Recording, work: Callable[[Any], None] | None, what: Any, size: int
    ) -> None:
        """Have this worked off behind what is forwarded; `work` is None for a read."""
        size += _LINE
        place = recording.place
        if self._waiting + self._put - self.disk.written > _MOST_WAITING:
            self._give_up(place)
        self._waiting += size
        self._noted = place.noted = self._noted + 1
        self._notes.append((recording, work, what, size))
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_later(_LATER_S, self._turn)

    def _give_up(self, place: Place) -> None:
        if not self._overrun and not place.lost:
            self._overrun = True
            self._trouble("not recorded: the disk does not keep up")
        place.lost = True

    def _turn(self) -> None:
        """Work off some of the notes, the rest when the loop has been looked after."""
        try:
            # A loop that is never idle gets no further behind than some turns.
            self._work_off(max(_AT_ONCE, len(self._notes) // 4))
        finally:
            self._scheduled = bool(self._notes)
            if self._overrun:
                waiting = self._waiting + self._put - self.disk.written
                self._overrun = waiting >= _MOST_WAITING // 2
            if self._notes:
                self._loop.call_soon(self._turn)
            if not self._notes or len(self._items) >= _MANY:
                self._flush()

    def _work_off(self, most: int) -> None:
        notes = self._notes
        left = _AT_ONCE_BYTES
        plain: list[tuple[Recording, Read]] = []
        while notes and most and left > 0:
            recording, work, what, size = notes.popleft()
            most -= 1
            left -= size
            self._waiting -= size
            self._worked += 1
            if recording.place.lost:
                if work == recording.write_end:
                    self.put(Line(recording.place, b"", ends=True))
            elif work is None and recording.of_lines and what.data[-1:] == b"\n":
                plain.append((recording, what))
            else:
                if plain:
                    self._write_plain(plain)
                    plain = []
                (work or recording.write_read)(what)
        if plain:
            self._write_plain(plain)

    def _write_plain(self, plain: list[tuple[Recording, Read]]) -> None:
        """Reads that are whole lines, of any exchanges: searched and made lines of at once."""
        reads = [read.data for _, read in plain]
        if not self.redaction.patterns.is_clear(b"".join(reads)):
            for recording, read in plain:
                recording.write_read(read)
            return
        places = [recording.place for recording, _ in plain]
        numbers = [place.number for place in places]
        lines = native.read_lines(numbers, [read.offset_us or 0 for _, read in plain], reads)
        names = {place.name for place in places}
        if len(names) == 1:
            self.put(Reads(names.pop(), places, lines, sum(map(len, lines))))
            return
        for place, line in zip(places, lines, strict=True):
            self.put(Reads(place.name, [place], [line], len(line)))

    def _work_off_all(self) -> None:
        while self._notes:
            self._work_off(len(self._notes))
        self._flush()

    def _flush(self) -> None:
        if self._given < self._worked:
            self._given = self._worked
            self.disk.put(self._items, self._given)
            self._items = []

    def catch_up(self, place: Place) -> None:
        """Have all that is noted on disk, if it goes quickly."""
        if self._noted - self.disk.upto > _MANY_STREAMS:
            return
        now_us = self._clock.monotonic_us()
        if now_us < self._not_before_us:
            return
        self._work_off_all()
        if self.disk.wait(place, self._given, _WAIT_S):
            self._pause_us = _PAUSE_US
        else:
            self._not_before_us = now_us + self._pause_us
            self._pause_us = min(2 * self._pause_us, _MOST_PAUSE_US)

    def put(self, item: Item) -> None:
        """Hand lines to the disk, with the others of this turn."""
        self._put += item.size
        self._items.append(item)

    def _done(self, places: list[Place]) -> None:
        for place in places:
            recording = self._open.pop(place, None)
            if recording is not None:
                self._count(recording)
                self._settled(recording)

    def _count(self, recording: Recording) -> None:
        if recording.place.lost:
            self.lost += 1
            if self.lost <= _MOST_LOST:
                self.lost_numbers.append(recording.number)
            self._unrecorded(recording.number)

    def close(self) -> None:
        """Write all that is noted. The loop is still there, but need not run again."""
        self._work_off_all()
        if not self.disk.close(_CLOSE_S):
            self._trouble(f"the disk did not take all within {_CLOSE_S:g} s: tapes may be cut")
            for place in self._open:
                place.lost |= place.noted > self.disk.upto
        # What the disk's thread told last, the loop may hear no more.
        for recording in self._open.values():
            self._count(recording)
        self._open.clear()
