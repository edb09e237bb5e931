"""Statistics over many exchanges, folded one by one: what is kept does not hold the exchanges."""

from collections import Counter
from decimal import Decimal
from typing import Any, Literal

import msgspec

from tokentape.errors import UsageError
from tokentape.measure.definitions import MEASURES
from tokentape.measure.latency import Timing
from tokentape.measure.measured import Measured, in_ms
from tokentape.measure.quantiles import Values
from tokentape.measure.tokens import TOKENS

By = Literal["model", "provider", "tape", "scope", "exchange"]
_UNITS_US = {"us": 1, "ms": 1000, "s": 1_000_000}
_TARGETS = ("ttft", "itl", "tpot", "end_to_end")


class Target(msgspec.Struct, frozen=True):
    """A measure and the most it may be, in microseconds."""

    measure: str
    at_most_us: float


def parse_target(text: str) -> Target:
    """A target such as `ttft=500ms`. Raises UsageError saying what was expected."""
    name, _, value = text.partition("=")
    number, unit = value.rstrip("muns"), value[len(value.rstrip("muns")) :]
    try:
        limit = float(number) * _UNITS_US[unit]
    except (ValueError, KeyError):
        limit = -1.0
    if name not in _TARGETS or not 0 < limit < 10**15:
        raise UsageError(
            f"target: expected one of {', '.join(_TARGETS)}, =, a time in us, ms or s "
            f"(ttft=500ms), got {text[:40]!r}"
        )
    return Target(f"{name}_us", limit)


def _meets(timing: Timing, target: Target) -> bool | None:
    value = getattr(timing, target.measure)
    if target.measure == "itl_us":
        value = timing.itl and timing.itl.mean
    return None if value is None else bool(value <= target.at_most_us)


class Group:
    """What is kept of the exchanges of one group: counts, sums, and the values for quantiles."""

    def __init__(self, name: str, targets: tuple[Target, ...] = ()) -> None:
        self.name = name
        self.exchanges = 0
        self.ok = 0
        self.values = {measure: Values() for measure in MEASURES}
        self.tokens: dict[str, int] = {}
        self.reported: Counter[str] = Counter()
        self.cost: Decimal | None = None
        self.sources: Counter[str] = Counter()
        self.undated = 0
        self.met: Counter[bool | None] = Counter()
        self._targets = targets

    def add(self, measured: Measured) -> None:
        """Fold one exchange in."""
        self.exchanges += 1
        self.ok += measured.ok
        for name, values in self.values.items():
            value = getattr(measured.timing, name)
            values.add(value if isinstance(value, tuple) else () if value is None else (value,))
        for name in TOKENS:
            count = getattr(measured.usage, name)
            if count is not None:
                self.tokens[name] = self.tokens.get(name, 0) + count
                self.reported[name] += 1
        self.sources[measured.cost.source] += 1
        self.undated += measured.cost.dated == "unknown"
        if measured.cost.amount is not None:
            self.cost = (self.cost or Decimal(0)) + measured.cost.amount
        if self._targets:
            met = [_meets(measured.timing, target) for target in self._targets]
            missed = not measured.ok or False in met
            self.met[False if missed else None if None in met else True] += 1

    @property
    def failed(self) -> int:
        return self.exchanges - self.ok

    def row(self, by: str, definition: str) -> dict[str, Any]:
        """The group as JSON data: times in milliseconds, null for what is not known."""
        row: dict[str, Any] = {
            "by": by,
            "group": self.name,
            "definition": definition,
            "exchanges": self.exchanges,
            "ok": self.ok,
            "failed": self.failed,
        }
        for name, values in self.values.items():
            found = values.quantiles()
            if name.endswith("_us"):
                row[name.removesuffix("_us") + "_ms"] = in_ms(found)
            else:
                row[name] = found and msgspec.structs.asdict(found)
        for name in TOKENS:
            # The sum of what was reported, with how many exchanges did not say.
            row[name] = self.tokens.get(name)
            row[f"{name}_unknown"] = self.exchanges - self.reported[name]
        row["cost_usd"] = self.cost
        row["cost_unknown"] = self.sources["unknown"]
        row["cost_sources"] = dict(sorted(self.sources.items()))
        row["cost_undated"] = self.undated
        if self._targets:
            row["targets_met"] = self.met[True]
            row["targets_missed"] = self.met[False]
            row["targets_unknown"] = self.met[None]
        return row
