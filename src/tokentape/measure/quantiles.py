"""Exact quantiles by nearest rank, and histograms over fixed logarithmic bins."""

from collections import Counter
from collections.abc import Iterable
from math import ceil, floor, log10

import msgspec

# Bins a factor of ten is cut into: each is a third wider than the one before.
BINS_A_DECADE = 8


class Quantiles(msgspec.Struct, frozen=True):
    """Some values, at least one. pN is the smallest that at least N % of them do not exceed."""

    count: int
    mean: float
    min: float
    p50: float
    p90: float
    p99: float
    max: float


class Values:
    """Numbers as they are counted: memory for the different ones only, and nothing rounded."""

    __slots__ = ("_counts", "count")

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts = Counter(values)
        self.count = self._counts.total()

    def add(self, values: Iterable[float]) -> None:
        """Count more values."""
        for value in values:
            self._counts[value] += 1
            self.count += 1

    def quantiles(self) -> Quantiles | None:
        """What the values are like; None where there is none."""
        if not self.count:
            return None
        ordered = sorted(self._counts.items())
        ranks = [ceil(self.count * percent / 100) for percent in (50, 90, 99)]
        found: list[float] = []
        seen = 0
        for value, count in ordered:
            seen += count
            while len(found) < len(ranks) and seen >= ranks[len(found)]:
                found.append(value)
        mean = sum(value * count for value, count in ordered) / self.count
        p50, p90, p99 = found
        return Quantiles(self.count, mean, ordered[0][0], p50, p90, p99, ordered[-1][0])

    @property
    def zeros(self) -> int:
        """How many values are not above 0, and so in no bin of the histogram."""
        return sum(count for value, count in self._counts.items() if value <= 0)

    def histogram(self) -> dict[int, int]:
        """How many values lie in each bin; bin b holds 10^(b/8) up to 10^((b+1)/8).

        What is not above 0 lies in no bin.
        """
        found: Counter[int] = Counter()
        for value, count in self._counts.items():
            if value > 0:
                found[bin_of(value)] += count
        return dict(sorted(found.items()))


def bin_of(value: float) -> int:
    """The bin of a value above 0."""
    return floor(log10(value) * BINS_A_DECADE + 1e-9)


def edge(bin: int) -> float:
    """The lower edge of a bin."""
    return float(10 ** (bin / BINS_A_DECADE))


def quantiles(values: Iterable[float]) -> Quantiles | None:
    """What some values are like, exact and by nearest rank; None where there is none."""
    return Values(values).quantiles()
