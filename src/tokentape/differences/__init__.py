"""What differs between two exchanges, or between two tapes exchange by exchange."""

from collections.abc import Iterator
from itertools import islice

import msgspec

from tokentape.differences.compare import MOST, Change, apart, changes, times
from tokentape.differences.pairing import Pair, pairs
from tokentape.model import Exchange, Tape

__all__ = ["Change", "Difference", "compared", "diff"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two exchanges, by their 0-based numbers in their tapes; None where there is no other.

    `changes` is what differs, in the order of the exchange; at most 1,000, and `more` says whether
    there are others. `timing` is how their times differ, in microseconds, where both know them;
    what of it counts is among the changes.
    """

    a: int | None
    b: int | None
    changes: tuple[Change, ...] = ()
    more: bool = False
    timing: tuple[Change, ...] = ()


def diff(
    a: Exchange | Tape, b: Exchange | Tape, *, timing: float | None = None
) -> tuple[Difference, ...]:
    """What differs between two exchanges or tapes: one value for each pair that differs.

    Empty where nothing does. Exchanges of tapes are paired by what they ask, then by what they ask
    for, then in order; one that has no other is a difference of its own. Times differ only where
    `timing` is given: by more than that part of the larger one (0.2 is 20 %).
    """
    return tuple(found for found in compared(a, b, timing=timing) if found.changes)


def compared(
    a: Exchange | Tape, b: Exchange | Tape, *, timing: float | None = None
) -> Iterator[Difference]:
    """As `diff`, one after another, with the pairs that do not differ."""
    first = (a,) if isinstance(a, Exchange) else a.exchanges
    second = (b,) if isinstance(b, Exchange) else b.exchanges
    chosen: list[Pair] = pairs(first, second)
    if isinstance(a, Exchange) and isinstance(b, Exchange):
        chosen = [(0, 0)]
    for at, other in chosen:
        yield _compared(first, second, at, other, timing)


def _compared(
    a: tuple[Exchange, ...],
    b: tuple[Exchange, ...],
    at: int | None,
    other: int | None,
    timing: float | None,
) -> Difference:
    if at is None or other is None:
        change = (
            Change("exchange", "$", "removed", a=_asked(a[at]))
            if at is not None
            else Change("exchange", "$", "added", b=_asked(b[other or 0]))
        )
        return Difference(a=at, b=other, changes=(change,))
    took = tuple(times(a[at], b[other]))
    found = list(islice(changes(a[at], b[other]), MOST + 1))
    late = [change for change in took if timing is not None and apart(change) > timing]
    return Difference(
        a=at, b=other, changes=(*found[:MOST], *late), more=len(found) > MOST, timing=took
    )


def _asked(exchange: Exchange) -> str:
    return f"{exchange.request.method} {exchange.request.url or '(url not recorded)'}"
