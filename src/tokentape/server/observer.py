"""Who is told of each exchange that is forwarded, while it runs."""

from typing import Protocol

import msgspec

from tokentape.model import Ending


class Begun(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request that is forwarded: to which upstream, in which scope ("" for none)."""

    method: str
    target: str
    model: str = ""
    scope: str = ""
    upstream: str = ""
    body: bytes = b""


class Observer(Protocol):
    """Told on the server's loop, behind what the client was sent; it must not block.

    `number` counts the server's exchanges from 1. Offsets are microseconds from the request's
    start. `read` gets the bytes as they came, in the content coding that
    `responded` names, "" where there is none.
    """

    def began(self, number: int, begun: Begun) -> None: ...

    def responded(
        self, number: int, *, status: int, streaming: bool, coding: str, offset_us: int
    ) -> None: ...

    def read(self, number: int, data: bytes, offset_us: int) -> None: ...

    def ended(self, number: int, *, ending: Ending, offset_us: int, note: str | None) -> None: ...

    def trouble(self, message: str) -> None:
        """Something the operator has to know: a disk that is full, a tape that is damaged."""
