"""The timeline of one exchange: its reads, what they brought, the first content, the stalls."""

from itertools import pairwise
from statistics import median

import msgspec

from tokentape.measure.observe import Observed
from tokentape.measure.parts import Part
from tokentape.model import Exchange

# A stall is a pause before a read that brings content: of at least this many times the median one,
# and at least so long. Comments that keep a connection alive do not end it.
STALL_TIMES = 10
STALL_US = 100_000


class Point(msgspec.Struct, frozen=True):
    """One read: when it came, its bytes, the part of the answer it brought ("other": none; of an
    answer that is no stream, "document").

    `chunks` counts the events with content up to and including this read; `gap_us` is the pause
    since the read before, None for the first.
    """

    offset_us: int
    size: int
    part: Part | str
    chunks: int
    gap_us: int | None


class Stall(msgspec.Struct, frozen=True):
    """A pause between two reads with content that is far longer than the others."""

    start_us: int
    end_us: int


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange as it came over time."""

    name: str
    headers_us: int | None
    points: tuple[Point, ...]
    first_us: int | None
    stalls: tuple[Stall, ...]
    ended_us: int | None
    ending: str


def timeline(name: str, exchange: Exchange) -> Timeline | None:
    """The timeline of an exchange; None where its recording does not hold the times."""
    observed = Observed(exchange)
    reads = exchange.response.reads if exchange.response else ()
    offsets = [read.offset_us for read in reads if read.offset_us is not None]
    if not observed.timed or not offsets or len(offsets) < len(reads):
        return None
    brought: dict[int, set[Part]] = {}
    events: dict[int, int] = {}
    for mark in observed.marks:
        brought.setdefault(mark.read, set()).update(mark.parts)
        events[mark.read] = events.get(mark.read, 0) + 1
    points: list[Point] = []
    chunks = 0
    for number, (read, offset) in enumerate(zip(reads, offsets, strict=True)):
        chunks += events.get(number, 0)
        parts = brought.get(number, set())
        part = next(
            (p for p in _ORDER if p in parts), "other" if observed.streaming else "document"
        )
        gap = offset - offsets[number - 1] if number else None
        points.append(Point(offset, len(read.data), part, chunks, gap))
    return Timeline(
        name=name,
        headers_us=exchange.response.offset_us if exchange.response else None,
        points=tuple(points),
        first_us=observed.marks[0].offset_us if observed.marks else None,
        stalls=_stalls([point.offset_us for point in points if point.part != "other"]),
        ended_us=exchange.end_offset_us,
        ending=exchange.ending.value,
    )


# Where a read brings several, the first of these is shown.
_ORDER: tuple[Part, ...] = ("content", "tool", "refusal", "reasoning")


def _stalls(offsets: list[int]) -> tuple[Stall, ...]:
    gaps = [later - earlier for earlier, later in pairwise(offsets)]
    if not gaps:
        return ()
    least = max(STALL_US, STALL_TIMES * median(gaps))
    return tuple(
        Stall(offsets[number], offsets[number + 1])
        for number, gap in enumerate(gaps)
        if gap >= least
    )
