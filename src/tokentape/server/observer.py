"""Who is told of each exchange that is forwarded, while it runs."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol, cast

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

    def unrecorded(self, number: int) -> None:
        """An exchange that is not on its tape, or not whole: told once, mostly behind its end."""

    def trouble(self, message: str) -> None:
        """Something the operator has to know: a disk that is full, a tape that is damaged."""


def folded(numbers: Iterable[int], most: int = 20) -> str:
    """Numbers of exchanges in order, those in a row as one: `#3-#17, #19`; `…` behind so many."""
    rows: list[list[int]] = []
    for number in sorted(numbers):
        if rows and number == rows[-1][-1] + 1:
            rows[-1] = [rows[-1][0], number]
        else:
            rows.append([number])
    told = ["-".join(f"#{number}" for number in row) for row in rows[:most]]
    return ", ".join(told + ["…"] * (len(rows) > most))


def shielded(call: Callable[..., None]) -> Callable[..., None]:
    """The call, without what it raises: a terminal that is gone must not take a stream with it.

    Printing to a pipe that nobody reads any more raises SystemExit, too.
    """

    def shield(*what: Any, **more: Any) -> None:
        with suppress(Exception, SystemExit):
            call(*what, **more)

    return shield


class _Shielded:
    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def __getattr__(self, name: str) -> Callable[..., None]:
        found = shielded(getattr(self._observer, name))
        setattr(self, name, found)
        return found


def shielded_observer(observer: Observer) -> Observer:
    """The observer, each of its calls shielded."""
    return cast(Observer, _Shielded(observer))
