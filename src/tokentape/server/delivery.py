"""One answer on its way to one client, by absolute deadlines."""

from array import array
from typing import TYPE_CHECKING

from tokentape.library import Entry
from tokentape.server.answer import Answer

if TYPE_CHECKING:
    from tokentape.server.protocol import ReplayProtocol


class Delivery:
    """Writes each step when it is due and the client takes it.

    While the client does not take what was written, nothing waits for it but this object: it is
    in no timer, and holds no bytes of its own.
    """

    __slots__ = (
        "answer",
        "entry",
        "held",
        "index",
        "lateness",
        "protocol",
        "sent",
        "slot",
        "start_us",
        "transport",
    )

    def __init__(
        self, protocol: "ReplayProtocol", entry: Entry, answer: Answer, start_us: int
    ) -> None:
        self.protocol = protocol
        # With ten thousand streams each step finds all this out of the processor's cache: what
        # a step touches is kept close and small.
        self.transport = protocol.transport
        self.entry = entry
        self.answer = answer
        self.start_us = start_us
        self.index = 0
        self.sent = 0
        self.slot = -1
        self.held = False
        self.lateness = array("q")  # microseconds, of each paced step

    def fire(self, now_us: int) -> int | None:
        """Write what is due; when the next is, or None when held back or finished."""
        protocol = self.protocol
        transport = self.transport
        if transport.is_closing():
            return None
        answer = self.answer
        steps = answer.steps
        elapsed = now_us - self.start_us
        index = self.index
        while index < len(steps):
            due = answer.due[index]
            if due > elapsed:
                self.index = index
                self.held = False
                return self.start_us + due
            step = steps[index]
            index += 1
            # What a slow client held back is not the server's lateness.
            if not self.held and answer.paced:
                self.lateness.append(elapsed - due)
            if step:
                self.sent += len(step)
                transport.write(step)
                if protocol.write_paused:
                    self.index = index
                    self.held = True
                    return None
        self.index = index
        protocol.delivered(self, now_us)
        return None

    def start(self) -> None:
        """Write what is due at once and wait for the rest."""
        deck = self.protocol.deck
        due_us = self.fire(deck.now_us())
        if due_us is not None:
            deck.wheel.add(due_us, self)

    def taken(self, unsent: int) -> tuple[int, int]:
        """Whole reads and body bytes that the kernel took, with `unsent` bytes still here."""
        return self.answer.delivered(self.sent - unsent)
