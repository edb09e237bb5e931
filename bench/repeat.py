"""Medians of several runs; disturbed ones are made again for a bounded time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import monotonic
from typing import Generic, TypeVar

from bench.processes import Disturbance

T = TypeVar("T")


@dataclass(frozen=True)
class Run(Generic[T]):
    """What a run gave, and what disturbed it."""

    value: T
    disturbance: Disturbance


@dataclass(frozen=True)
class Sample(Generic[T]):
    """The runs that count, and how many of them were disturbed for want of better ones."""

    runs: list[Run[T]]

    def middle(self, key: Callable[[T], float]) -> float:
        return median(key(run.value) for run in self.runs)

    def spread(self, key: Callable[[T], float]) -> tuple[float, float]:
        values = [key(run.value) for run in self.runs]
        return min(values), max(values)

    @property
    def disturbed(self) -> int:
        return sum(not run.disturbance.quiet for run in self.runs)


def sample(runs: list[Run[T]], wanted: int) -> Sample[T]:
    """The `wanted` runs that were least disturbed, quiet ones first."""
    ranked = sorted(
        runs,
        key=lambda run: (
            not run.disturbance.quiet,
            run.disturbance.steal + run.disturbance.others,
        ),
    )
    return Sample(ranked[:wanted])


def rounds(
    measures: Mapping[str, Callable[[], Run[T]]], wanted: int, extra_s: float
) -> dict[str, Sample[T]]:
    """Measure all in turn, round by round, so that a slow spell of the machine meets everyone.

    Whoever has not `wanted` quiet runs then is measured again, while `extra_s` seconds last.
    """
    runs: dict[str, list[Run[T]]] = {name: [] for name in measures}

    def lacking() -> list[str]:
        return [
            name
            for name, found in runs.items()
            if sum(run.disturbance.quiet for run in found) < wanted
        ]

    for _ in range(wanted):
        for name, measure in measures.items():
            runs[name].append(measure())
    until = monotonic() + extra_s
    while monotonic() < until and (names := lacking()):
        for name in names:
            if monotonic() < until:
                runs[name].append(measures[name]())
    return {name: sample(found, wanted) for name, found in runs.items()}
