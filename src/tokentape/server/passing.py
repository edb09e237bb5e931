"""What a connection passes on: which requests go to an upstream, and what is noted of them.

The exchange itself is forward.py's.
"""

from typing import TYPE_CHECKING, Any

from tokentape.matching import Asked
from tokentape.model import Ending
from tokentape.server.answer import Wire
from tokentape.server.aside import TOLD, Aside
from tokentape.server.intake import Asking
from tokentape.server.journal import Record
from tokentape.server.problem import problem

if TYPE_CHECKING:
    from tokentape.server.forward import Forward


class Passing(Aside):
    """`_forward` is the exchange that is on its way, if any."""

    write_paused: bool

    __slots__ = ("_forward",)

    def __init__(self, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._forward: Forward | None = None

    def _awaits(self, asking: Asking, operation: str, asked: Asked) -> bool:
        """Whether an answer to this was recorded just now: once it is on disk, it is looked for."""

        def retry() -> None:
            if self._asking is asking:
                self._asking = None
                self._busy = False
                self._answer(asking)

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
            path = self.deck.told(asking.target)[:TOLD]
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
            Record(
                "forwarded" if deck.recorder is None else "recorded",
                forward.start_us,
                now_us - forward.start_us,
                forward.status,
                None,
                forward.reads,
                forward.reads,
                forward.size,
                forward.size,
                left,
                cut,
                method=asking.method[:TOLD],
                target=deck.told(asking.target)[:TOLD],
                says=forward.note or "",
                scope=asking.scope,
                number=forward.number,
            )
        )
        if left or cut:
            return
        if asking.wire is not Wire.KEEP or (forward.status and ending is not Ending.COMPLETE):
            self.transport.close()
        self._next()
