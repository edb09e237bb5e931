"""The user's own price table: US dollars per million tokens, by model."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from tokentape.errors import UsageError
from tokentape.measure.tokens import Usage

_MILLION = Decimal(1_000_000)
_NAMES = ("input", "output", "cached", "cache_write", "reasoning")


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars per million tokens. What is None costs what it is part of: input or output."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None
    cache_write: Decimal | None = None
    reasoning: Decimal | None = None

    def amount(self, usage: Usage) -> Decimal | None:
        """What this usage costs, in US dollars; None where input or output is not known."""
        prompt, generated = usage.prompt, usage.generated
        if prompt is None or generated is None:
            return None
        cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
        reasoning = usage.reasoning_tokens or 0
        return (
            self.input * (prompt - cached - written)
            + _or(self.cached, self.input) * cached
            + _or(self.cache_write, self.input) * written
            + self.output * (generated - reasoning)
            + _or(self.reasoning, self.output) * reasoning
        ) / _MILLION


PriceTable = Mapping[str, Rates]


def _or(rate: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if rate is None else rate


def price_table(data: Mapping[str, Any]) -> dict[str, Rates]:
    """A price table from what TOML or JSON gives: model -> input, output, and so on.

    A model may be a pattern with `*`. Raises UsageError naming the model and the key.
    """
    return {model: _rates(model, value) for model, value in data.items()}


def _rates(model: str, value: Any) -> Rates:
    if not isinstance(value, Mapping):
        raise UsageError(
            f"price of {model!r}: expected a table with input and output, got {str(value)[:40]!r}"
        )
    unknown = sorted(set(value) - set(_NAMES))
    missing = [name for name in ("input", "output") if name not in value]
    if unknown or missing:
        told = f"unknown key {unknown[0]!r}" if unknown else f"no {missing[0]!r}"
        raise UsageError(
            f"price of {model!r}: {told}; expected {', '.join(_NAMES)}, of which input and output "
            "must be there, in US dollars per million tokens"
        )
    return Rates(**{name: _rate(model, name, rate) for name, rate in value.items()})


def _rate(model: str, name: str, value: Any) -> Decimal:
    try:
        rate = Decimal("NaN" if isinstance(value, bool) else str(value))
    except InvalidOperation:
        rate = Decimal("NaN")
    if not rate.is_finite() or rate < 0 or rate.adjusted() > 9 or len(rate.as_tuple().digits) > 20:
        raise UsageError(
            f"price of {model!r}: {name}: expected US dollars per million tokens, a number of 0 or "
            f"more, got {str(value)[:40]!r}"
        )
    return rate


def find_rates(table: PriceTable, *models: str) -> tuple[str, Rates] | None:
    """The entry for the first of these models that has one: by its name, else by a pattern."""
    for model in filter(None, models):
        if model in table:
            return model, table[model]
        for pattern, rates in table.items():
            if "*" in pattern and fnmatchcase(model, pattern):
                return pattern, rates
    return None
