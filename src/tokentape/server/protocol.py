"""One connection: recorded answers straight from the parser's callbacks, upstreams' as they come.

A protocol class for uvicorn (`http=`). It keeps uvicorn's connection set, flow control and
request cycle, and replaces how requests are taken in and queued: one answer at a time per
connection, in the order of the requests. What the server tells of itself is an ASGI app's.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from tokentape.errors import TokenTapeError
from tokentape.library import Entry
from tokentape.matching import Asked, Explanation, Miss
from tokentape.model import Ending
from tokentape.pacing import spread
from tokentape.server.answer import Answer, Wire
from tokentape.server.deck import ADMIN, ADMIN_PATH
from tokentape.server.delivery import Delivery
from tokentape.server.intake import Asking, Intake, text
from tokentape.server.journal import Record
from tokentape.server.problem import escaped, problem

if TYPE_CHECKING:
    from tokentape.server.forward import Forward

T = TypeVar("T")

_TOLD = 200  # characters of a target that the journal keeps


class ReplayProtocol(Intake):
    """Subclassed once per server, with its deck."""

    __slots__ = ("_asking", "_delivery", "_forward", "_pumping", "_unsent", "write_paused")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.write_paused = False
        self._delivery: Delivery | None = None
        self._forward: Forward | None = None
        self._unsent = 0  # bytes the transport still held when it last told
        self._pumping = False
        self._asking: Asking | None = None  # in work off the hot path

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
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

    def _answer(
        self,
        method: str,
        target: bytes,
        body: bytes,
        wire: Wire,
        headers: list[tuple[bytes, bytes]],
        scope: str | None,
    ) -> None:
        deck = self.deck
        operation = deck.routes.get(target) or deck.route(target)
        if operation is not ADMIN and not deck.replays:
            self._pass_on(Asking(method, target, body, wire, headers, scope), operation)
            return
        if operation is ADMIN:
            path = target.partition(b"?")[0]
            if (method == "GET" and scope is None) or path.startswith(ADMIN_PATH):
                self._busy = True
                self._to_app(Asking(method, target, body, wire, headers, scope))
                return
            operation = deck.operation(target)
        asked = deck.asked.get(body) or deck.ask(body)
        if deck.forwards and self._awaits(
            Asking(method, target, body, wire, headers, scope), operation, asked
        ):
            return
        found = deck.matcher.find(method, operation, asked.key, scope, asked.model, asked.streaming)
        if isinstance(found, Miss):
            asking = Asking(method, target, body, wire, headers, scope)
            if deck.forwards:
                self._pass_on(asking, operation, asked)
                return
            explaining = self.loop.run_in_executor(
                deck.worker, deck.explain, found, body, text(target)
            )
            self._await(asking, explaining, self._missed)
            return
        answer = deck.answers.get(found.number << 2 | wire)
        if answer is None:
            self._load(Asking(method, target, body, wire, headers, scope), found)
            return
        if answer.at_once:
            # The hot path: one write, and nothing left to wait for.
            step = answer.steps[0]
            transport = self.transport
            transport.write(step)
            if not self.write_paused:
                counters = deck.counters
                journal = deck.journal
                reads, size = answer.reads, answer.body_size
                counters.hits += 1
                counters.reads += reads
                counters.size += size
                journal.total = number = journal.total + 1
                journal.records.append(
                    Record(number, deck.now_us(), found, answer.status, reads, reads, size, size, 0)
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
            delivery.start_us,
            delivery.entry,
            answer.status,
            reads,
            answer.reads,
            size,
            answer.body_size,
            now_us - delivery.start_us,
            left,
            cut,
            late,
        )

    def _next(self) -> None:
        """Take up what waits, in order, until something is on its way again."""
        self._busy = False
        self.seen = self.deck.sweeps
        if self._pumping or self.transport.is_closing():
            return
        self._pumping = True
        try:
            while self._waiting and not self._busy and not self.transport.is_closing():
                what = self._waiting.popleft()
                if isinstance(what, Asking):
                    self._answer(
                        what.method, what.target, what.body, what.wire, what.headers, what.scope
                    )
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

    # Upstreams

    def _awaits(self, asking: Asking, operation: str, asked: Asked) -> bool:
        """Whether an answer to this was recorded just now: once it is on disk, it is looked for."""

        def retry() -> None:
            if self._asking is asking:
                self._asking = None
                self._busy = False
                self._answer(
                    asking.method,
                    asking.target,
                    asking.body,
                    asking.wire,
                    asking.headers,
                    asking.scope,
                )

        if not self.deck.when_settled((asking.method.upper(), operation, asked.key), retry):
            return False
        self._busy = True
        self._asking = asking
        self._asked_us = self.deck.now_us()
        return True

    def _pass_on(self, asking: Asking, operation: str, asked: Asked | None = None) -> None:
        self._busy = True
        found = self.deck.sites.find(asking.target)
        if found is None:
            self._asked_us = self.deck.now_us()
            expected = self.deck.sites.expected()
            path = text(asking.target[:_TOLD])
            self._say(asking, 404, "no_upstream", f"no upstream is at {path}: expected {expected}")
            return
        self.deck.counters.open += 1
        self._forward = self.deck.forward(self, asking, *found, asked, operation)
        self._forward.start()

    def say_problem(self, asking: Asking, status: int, type: str, message: str) -> None:
        """Answer for an upstream that gave no answer."""
        if self.deck.observer is None:
            self.deck.tell(message)
        close = asking.wire is not Wire.KEEP
        head_only = asking.method == "HEAD"
        self.transport.write(
            problem(status, type, message, close=close, head_only=head_only, again=True)
        )

    def forwarded(self, forward: "Forward", ending: Ending, now_us: int) -> None:
        """An exchange with an upstream is over."""
        self._forward = None
        deck = self.deck
        counters = deck.counters
        asking = forward.asking
        left, cut = ending is Ending.LEFT, ending is Ending.STOPPED
        counters.open -= 1
        counters.left += left
        counters.reads += forward.reads
        counters.size += forward.size
        if deck.recorder is not None:
            counters.recorded += 1
        else:
            counters.forwarded += 1
        deck.journal.add(
            forward.start_us,
            None,
            forward.status,
            forward.reads,
            forward.reads,
            forward.size,
            forward.size,
            now_us - forward.start_us,
            left,
            cut,
            method=asking.method[:_TOLD],
            target=text(asking.target[:_TOLD]),
            says=forward.note or "",
            outcome="forwarded" if deck.recorder is None else "recorded",
            scope=asking.scope,
        )
        if left or cut:
            return
        if asking.wire is not Wire.KEEP or (forward.status and ending is not Ending.COMPLETE):
            self.transport.close()
        self._next()

    # Off the hot path: reading tapes, misses, refusals, the app

    def _await(
        self, asking: Asking, promise: "asyncio.Future[T]", then: Callable[[T], None]
    ) -> None:
        """Go on here once the deck's worker has done its part, unless the client left meanwhile."""
        self._busy = True
        self._asking = asking
        self._asked_us = self.deck.now_us()

        def done(promise: "asyncio.Future[T]") -> None:
            error = None if promise.cancelled() else promise.exception()
            if self._asking is not asking or promise.cancelled():
                return
            if error is None:
                then(promise.result())
            elif isinstance(error, TokenTapeError):
                self._broken(asking, error)
            elif not isinstance(error, CancelledError):
                self._say(asking, 500, "internal_error", "the server failed; its log says more")
                raise error

        promise.add_done_callback(done)

    def _load(self, asking: Asking, entry: Entry) -> None:
        deck = self.deck
        self._asked_us = deck.now_us()
        try:
            answer = deck.load(entry, asking.wire)
        except TokenTapeError as error:
            self._broken(asking, error)
            return
        if isinstance(answer, Answer):
            self._deliver(entry, answer, self._asked_us)
        else:
            self._await(asking, answer, lambda answer: self._loaded(entry, answer))

    def _broken(self, asking: Asking, error: TokenTapeError) -> None:
        self.deck.tell(f"can't answer: {error}")
        self._say(asking, 500, "tape_error", str(error))

    def _loaded(self, entry: Entry, answer: Answer) -> None:
        self._asking = None
        self._deliver(entry, answer, self._asked_us)

    def _missed(self, explanation: Explanation) -> None:
        asking = self._asking
        assert asking is not None
        self.deck.tell(explanation.message)
        nearest = [
            msgspec.structs.replace(near, path=escaped(near.path), scope=escaped(near.scope))
            for near in explanation.nearest
        ]
        more = {"nearest": nearest, "differs": explanation.differs}
        self._say(asking, 404, "tape_miss", explanation.message, more)

    def _say(
        self,
        asking: Asking,
        status: int,
        type: str,
        message: str,
        more: dict[str, Any] | None = None,
    ) -> None:
        self._asking = None
        close = asking.wire is not Wire.KEEP
        head_only = asking.method == "HEAD"
        self.transport.write(
            problem(status, type, message, close=close, head_only=head_only, more=more)
        )
        self._note(asking, status, message)
        if close:
            self.transport.close()
        self._next()

    def _note(self, asking: Asking, status: int, says: str, *, left: bool = False) -> None:
        deck = self.deck
        if status == 404:
            deck.counters.misses += 1
        else:
            deck.counters.refused += 1
        if left:
            deck.counters.left += 1
        now_us = deck.now_us()
        deck.journal.add(
            self._asked_us,
            None,
            status,
            0,
            0,
            0,
            0,
            now_us - self._asked_us,
            left,
            method=asking.method[:_TOLD],
            target=text(asking.target[:_TOLD]),
            says=says.partition("\n")[0],
        )

    def _to_app(self, asking: Asking) -> None:
        path, _, query = asking.target.partition(b"?")
        self.cycle = cycle = RequestResponseCycle(
            scope={
                "type": "http",
                "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
                "http_version": "1.0" if asking.wire is Wire.OLD else "1.1",
                "server": self.server,
                "client": self.client,
                "scheme": self.scheme or "http",
                "root_path": "",
                "method": asking.method,
                "path": unquote(path.decode("latin-1")),
                "raw_path": path,
                "query_string": query,
                "headers": [(name.lower(), value) for name, value in asking.headers],
                "state": {},
            },
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=asking.wire is Wire.KEEP,
            on_response=self._next,
        )
        cycle.body += asking.body
        cycle.more_body = False
        cycle.message_event.set()
        self._start_asgi_task(cycle, self.app)
