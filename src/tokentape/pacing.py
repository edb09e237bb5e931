"""Offsets to absolute deadlines at a speed, and how late what was due went out."""

from collections.abc import Iterable, Sequence
from math import ceil, inf, isfinite

from tokentape.errors import UsageError

# Slower than this an hour takes a century; a number without a lower end overflows.
_SLOWEST = 1e-6


def parse_speed(text: str) -> float:
    """`1` as recorded, `2` twice as fast, `0.5` half as fast, `max` at once (infinity).

    Raises UsageError for anything else.
    """
    if text.strip().lower() == "max":
        return inf
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not isfinite(speed) or speed <= 0:
        raise UsageError(
            f"speed: expected a number above 0 or `max`, got {text[:40]!r}; "
            "1 is as recorded, 2 twice as fast"
        )
    if speed < _SLOWEST:
        raise UsageError(f"speed: expected at least {_SLOWEST:f}, got {text[:40]!r}")
    return speed


def deadlines(offsets_us: Sequence[int | None], speed: float) -> list[int]:
    """When each write is due, in microseconds from the request, never earlier than the one before.

    An offset that is not known adds no delay. At infinite speed all are due at once.
    """
    found: list[int] = []
    due = 0
    for offset in offsets_us:
        if offset is not None:
            due = max(due, scaled(offset, speed))
        found.append(due)
    return found


def scaled(offset_us: int, speed: float) -> int:
    """An offset at this speed, in whole microseconds; 0 at infinite speed."""
    return offset_us if speed == 1 else max(0, round(offset_us / speed))


def spread(values: Iterable[int]) -> tuple[int, int, int]:
    """The p50, the p99 and the largest of some values, at least one: nearest rank, exact."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return ordered[last // 2], ordered[ceil(len(ordered) * 0.99) - 1], ordered[last]


class Lateness:
    """Counts of microseconds, in buckets an eighth of an octave wide: bounded whatever comes."""

    __slots__ = ("count", "counts", "total_us")

    _LARGEST = (1 << 40) - 1

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.count = 0
        self.total_us = 0

    def add(self, value_us: int) -> None:
        """Count one value; one that is negative counts as 0."""
        if value_us < 0:
            value_us = 0
        elif value_us > self._LARGEST:
            value_us = self._LARGEST
        shift = value_us.bit_length() - 4
        bucket = value_us if shift <= 0 else (shift << 3) + (value_us >> shift)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.count += 1
        self.total_us += value_us

    def below(self, edges_us: Iterable[int]) -> list[int]:
        """For each edge, how many values lie in buckets that end at or below it."""
        ends = [(_upper_edge(bucket), count) for bucket, count in self.counts.items()]
        return [sum(count for end, count in ends if end <= edge) for edge in edges_us]


def _upper_edge(bucket: int) -> int:
    if bucket < 16:
        return bucket
    shift = (bucket >> 3) - 1
    return (((bucket & 7) + 9) << shift) - 1
