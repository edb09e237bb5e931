"""One connection: recorded answers straight from the parser's callbacks, upstreams' as they come.

A protocol class for uvicorn (`http=`). It keeps uvicorn's connection set, flow control and
request cycle, and replaces how requests are taken in and queued: one answer at a time per
connection, in the order of the requests. What the server tells of itself is an ASGI app's.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from tokentape.errors import TokenTapeError, UsageError
from tokentape.library import Entry
from tokentape.matching import Asked, Explanation, Miss, asked_of
from tokentape.pacing import spread
from tokentape.server.answer import Answer
from tokentape.server.answers import Way, answer_key
from tokentape.server.deck import ADMIN, ADMIN_PATH
from tokentape.server.delivery import Delivery
from tokentape.server.intake import Asking
from tokentape.server.journal import Record
from tokentape.server.passing import Passing
from tokentape.server.problem import MISS
from tokentape.texts import escaped


class ReplayProtocol(Passing):
    """Subclassed once per server, with its deck."""

    __slots__ = ("_delivery", "_pumping", "_unsent", "write_paused")

    def __init__(self, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.write_paused = False
        self._delivery: Delivery | None = None
        self._unsent = 0  # bytes the transport still held when it last told
        self._pumping = False

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's says so too
        super().connection_made(transport)
        # Nothing but the kernel's buffer stands between a write and the client: only so does the
        # journal know what was taken, and a slow client cost no memory.
        transport.set_write_buffer_limits(high=0)
        self._surplus = len(self.connections) > self.deck.settings.max_connections

    def connection_lost(self, exc: Exception | None) -> None:
        delivery, self._delivery = self._delivery, None
        forward, self._forward = self._forward, None
        if delivery is not None:
            self._left(delivery)
        elif forward is not None:
            forward.left()
        elif self._asking is not None:
            self._note(self._asking, 0, "the client left before the answer", left=True)
        self._asking = None
        self._waiting = None
        self._deaf = True
        if self._lingering is not None:
            self._lingering.cancel()
        self.deck.left(self)
        super().connection_lost(exc)

    def eof_received(self) -> None:
        # The transport closes behind this, and then no longer tells what it still held.
        self._unsent = self.transport.get_write_buffer_size()

    def pause_writing(self) -> None:
        self.write_paused = True
        self._unsent = self.transport.get_write_buffer_size()
        self.flow.pause_writing()

    def resume_writing(self) -> None:
        self.write_paused = False
        self._unsent = 0
        self.flow.resume_writing()
        delivery = self._delivery
        if delivery is not None:
            delivery.start()
        elif self._forward is not None:
            self._forward.resume()

    def shutdown(self) -> None:
        """Close when what is on its way has been written."""
        if self._busy:
            self._deaf = True
            self._waiting = None
            if self.cycle is not None:
                self.cycle.keep_alive = False
        elif not self.transport.is_closing():
            self.transport.close()

    def cut(self) -> None:
        """End the answer that is on its way where it stands, and the connection."""
        delivery, self._delivery = self._delivery, None
        forward, self._forward = self._forward, None
        if delivery is not None:
            self._left(delivery, cut=True)
        elif forward is not None:
            forward.stop()
        if self.write_paused:
            self.transport.abort()
        else:
            self.transport.close()

    # The answer

    def _answer(self, asking: Asking) -> None:
        deck = self.deck
        operation = deck.routes.get(asking.target) or deck.route(asking.target)
        if asking.scope is not None and asking.scope not in deck.matcher.scopes:
            # As the recorder names it. Tapes that others wrote keep the names they have.
            asking.scope = deck.redaction.scope(asking.scope)
        if operation is not ADMIN and not deck.replays:
            self._pass_on(asking, operation)
            return
        if operation is ADMIN:
            path = asking.target.partition(b"?")[0]
            if (asking.method == "GET" and asking.scope is None) or path.startswith(ADMIN_PATH):
                self._busy = True
                self._to_app(asking)
                return
            operation = deck.operation(asking.target)
        asked = deck.asked.get(asking.body) or deck.ask(asking.body)
        if deck.several:
            number = deck.sites.number(asking.target)
            if number is None:
                self._pass_on(asking, operation)
                return
            asked = asked_of(asked, number)
        if deck.forwards and self._awaits(asking, operation, asked):
            return
        found = deck.matcher.find(
            asking.method, operation, asked.key, asking.scope, asked.model, asked.streaming
        )
        if isinstance(found, Miss):
            self._turn(asking, operation, asked, found)
            return
        way = 0
        if asked.options != found.options:
            way = deck.way(found, asked)
        answer = deck.answers.get(found.number << 6 | way << 2 | asking.wire)  # answer_key
        if answer is None:
            self._load(asking, found, way)
            return
        if answer.at_once:
            # The hot path: one write, and nothing left to wait for.
            step = answer.steps[0]
            transport = self.transport
            transport.write(step)
            if not self.write_paused:
                counters = deck.counters
                reads, size = answer.reads, answer.body_size
                counters.hits += 1
                counters.reads += reads
                counters.size += size
                deck.journal.add(
                    Record("hit", deck.now_us(), 0, answer.status, found, reads, reads, size, size)
                )
                if answer.close:
                    transport.close()
                return
            delivery = Delivery(self, found, answer, deck.now_us())
            delivery.index = 1
            delivery.sent = len(step)
            delivery.held = True
            self._busy = True
            self._delivery = delivery
            deck.counters.open += 1
            return
        self._deliver(found, answer, deck.now_us())

    def _deliver(self, entry: Entry, answer: Answer, start_us: int) -> None:
        self._busy = True
        self._delivery = delivery = Delivery(self, entry, answer, start_us)
        self.deck.counters.open += 1
        delivery.start()

    def delivered(self, delivery: Delivery, now_us: int) -> None:
        """The whole answer has been written."""
        self._delivery = None
        self._journal(delivery, now_us, 0)
        if delivery.answer.close:
            self.transport.close()
        self._next()

    def _left(self, delivery: Delivery, *, cut: bool = False) -> None:
        self.deck.wheel.drop(delivery)
        self._journal(delivery, self.deck.now_us(), self._unsent, left=not cut, cut=cut)

    def _journal(
        self,
        delivery: Delivery,
        now_us: int,
        unsent: int,
        *,
        left: bool = False,
        cut: bool = False,
    ) -> None:
        answer = delivery.answer
        lateness = delivery.lateness
        counters = self.deck.counters
        reads, size = delivery.taken(unsent) if left or cut else (answer.reads, answer.body_size)
        counters.open -= 1
        counters.hits += 1
        counters.left += left
        counters.reads += reads
        counters.size += size
        for value in lateness:
            counters.lateness.add(value)
        late = spread(lateness) if lateness else None
        self.deck.journal.add(
            Record(
                "hit",
                delivery.start_us,
                now_us - delivery.start_us,
                answer.status,
                delivery.entry,
                reads,
                answer.reads,
                size,
                answer.body_size,
                left,
                cut,
                late,
                says=f"synthesised: {answer.made}" if answer.made else "",
            )
        )

    def _next(self) -> None:
        self._busy = False
        self.seen = self.deck.sweeps
        if self._pumping or self.transport.is_closing():
            return
        self._pumping = True
        try:
            while self._waiting and not self._busy and not self.transport.is_closing():
                what = self._waiting.popleft()
                if isinstance(what, Asking):
                    self._answer(what)
                else:
                    self._say_refusal(what)
        finally:
            self._pumping = False
        if self._busy or self.transport.is_closing():
            return
        if self._deaf and self._lingering is None:
            self.transport.close()
            return
        self.flow.resume_reading()
        if self._owes_continue:
            self._continue()

    # What is read from tapes, and what is not on any

    def _load(
        self,
        asking: Asking,
        entry: Entry,
        way: Way,
        unmade: Callable[[], None] | None = None,
    ) -> None:
        """Deliver from the tape. `unmade` is called where it can't be served this way."""
        deck = self.deck
        self._asked_us = deck.now_us()

        def failed(error: TokenTapeError) -> None:
            # Unmade is one; what is wrong with a tape is not.
            if unmade is not None and isinstance(error, UsageError):
                self._asking = None
                unmade()
            else:
                self._broken(asking, error)

        try:
            answer = deck.answers.load(entry, asking.wire, way)
        except TokenTapeError as error:
            failed(error)
            return
        if isinstance(answer, Answer):
            self._deliver(entry, answer, self._asked_us)
        else:
            self._await(asking, answer, lambda answer: self._loaded(entry, answer), failed)

    def _loaded(self, entry: Entry, answer: Answer) -> None:
        self._asking = None
        self._deliver(entry, answer, self._asked_us)

    def _turn(self, asking: Asking, operation: str, asked: Asked, miss: Miss) -> None:
        """Serve what was recorded for this request but for `stream`; else there is no answer."""
        deck = self.deck
        found = deck.find_turned(miss, asked, asking.body)
        if found is None:
            self._give_up(asking, operation, asked, miss)
            return
        entry, way = found
        answer = deck.answers.get(answer_key(entry, asking.wire, way))
        if answer is not None:
            self._deliver(entry, answer, deck.now_us())
        else:
            self._load(asking, entry, way, lambda: self._give_up(asking, operation, asked, miss))

    def _give_up(self, asking: Asking, operation: str, asked: Asked, miss: Miss) -> None:
        deck = self.deck
        if deck.forwards:
            self._pass_on(asking, operation, asked)
            return
        explaining = self.loop.run_in_executor(
            deck.worker, deck.explain, miss, asking.body, deck.told(asking.target)
        )
        self._await(asking, explaining, self._missed)

    def _missed(self, explanation: Explanation) -> None:
        asking = self._asking
        assert asking is not None
        self.deck.tell(explanation.message)
        nearest = [
            msgspec.structs.replace(near, path=escaped(near.path), scope=escaped(near.scope))
            for near in explanation.nearest
        ]
        more = {"nearest": nearest, "differs": explanation.differs}
        self._say(asking, 404, MISS, explanation.message, more)
