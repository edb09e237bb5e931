"""What a connection does off the hot path: waits for the worker, says problems, asks the app."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, TypeVar
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from tokentape.errors import TokenTapeError
from tokentape.server.answer import Wire
from tokentape.server.intake import Asking, Intake
from tokentape.server.journal import Outcome, Record
from tokentape.server.problem import MISS, problem

T = TypeVar("T")

TOLD = 200  # characters of a method or target that the journal keeps


class Aside(Intake):
    """Each ends with `_next`, whatever came of it."""

    __slots__ = ("_asking",)

    def __init__(self, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._asking: Asking | None = None  # what is waited for, so that a departure is noticed

    @abstractmethod
    def _next(self) -> None:
        """Take up what waits, in order, until something is on its way again."""

    def _await(
        self,
        asking: Asking,
        promise: "asyncio.Future[T]",
        then: Callable[[T], None],
        failed: Callable[[TokenTapeError], None] | None = None,
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
                if failed is not None:
                    failed(error)
                else:
                    self._broken(asking, error)
            elif not isinstance(error, CancelledError):
                self._say(asking, 500, "internal_error", "the server failed; its log says more")
                raise error

        promise.add_done_callback(done)

    def _broken(self, asking: Asking, error: TokenTapeError) -> None:
        self.deck.tell(f"can't answer: {error}")
        self._say(asking, 500, "tape_error", str(error))

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
        self._note(asking, status, message, outcome="miss" if type == MISS else "refused")
        if close:
            self.transport.close()
        self._next()

    def _note(
        self,
        asking: Asking,
        status: int,
        says: str,
        *,
        outcome: Outcome = "refused",
        left: bool = False,
    ) -> None:
        deck = self.deck
        if outcome == "miss":
            deck.counters.misses += 1
        else:
            deck.counters.refused += 1
        if left:
            deck.counters.left += 1
        now_us = deck.now_us()
        deck.journal.add(
            Record(
                outcome,
                self._asked_us,
                now_us - self._asked_us,
                status,
                left=left,
                method=asking.method[:TOLD],
                target=deck.told(asking.target)[:TOLD],
                says=says.partition("\n")[0],
            )
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
