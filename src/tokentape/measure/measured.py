"""All measures of one exchange, made in one pass over it; and as JSON data."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from tokentape.measure.costs import Cost, cost_of
from tokentape.measure.definitions import Definition
from tokentape.measure.latency import ChoiceTiming, Timing, timing_of
from tokentape.measure.observe import Observed
from tokentape.measure.quantiles import Quantiles
from tokentape.measure.rates import PriceTable
from tokentape.measure.tokens import TOKENS, Usage, usage_of
from tokentape.model import Ending, Exchange
from tokentape.texts import escaped


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """All measures of one exchange. `provider` is the host of the URL; "" where not known."""

    model: str
    provider: str
    ok: bool
    timing: Timing
    usage: Usage
    cost: Cost


def measured(
    exchange: Exchange, definition: Definition, prices: PriceTable | None = None
) -> Measured:
    """All measures of one exchange, made in one pass over it."""
    observed = Observed(exchange)
    used = usage_of(observed)
    return Measured(
        model=escaped(observed.asked or observed.model),
        provider=escaped(_host(exchange.request.url)),
        ok=exchange.ending is Ending.COMPLETE and not observed.failed,
        timing=timing_of(observed, used, definition),
        usage=used,
        cost=cost_of(observed, used, prices),
    )


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""


def row(found: Measured) -> dict[str, Any]:
    """One exchange as JSON data: times in milliseconds, null for what is not known, and why."""
    timing, used, paid = found.timing, found.usage, found.cost
    return {
        "model": found.model or None,
        "provider": found.provider or None,
        "ok": found.ok,
        "definition": timing.definition,
        "fidelity": timing.fidelity.value,
        "ending": timing.ending.value,
        "ttft_ms": ms(timing.ttft_us),
        "itl_ms": in_ms(timing.itl),
        "tpot_ms": ms(timing.tpot_us),
        "end_to_end_ms": ms(timing.end_to_end_us),
        "tokens_per_second": timing.tokens_per_second,
        "ended_ms": ms(timing.ended_us),
        "unknown": {name.replace("_us", "_ms"): why for name, why in timing.unknown.items()},
        "chunks": timing.chunks,
        "reads": timing.reads,
        "choices": [_choice(choice) for choice in timing.choices],
        **{name: getattr(used, name) for name in TOKENS},
        "usage": {name: getattr(used, name) for name in _PROVENANCE} | {"raw": _plain(used.raw)},
        "cost_usd": paid.amount,
        "cost": {name: getattr(paid, name) for name in _PAID},
    }


_PROVENANCE = ("source", "place", "event", "count", "reasoning_apart", "cache_apart")
_PAID = ("source", "field", "provider", "model", "day", "dated", "reason")


def _choice(choice: ChoiceTiming) -> dict[str, Any]:
    return {
        "choice": choice.choice,
        "chunks": choice.chunks,
        "ttft_ms": ms(choice.ttft_us),
        "itl_ms": in_ms(choice.itl),
        "tpot_ms": ms(choice.tpot_us),
    }


def ms(value_us: float | None) -> float | None:
    """Microseconds as milliseconds."""
    return None if value_us is None else value_us / 1000


def in_ms(found: Quantiles | None) -> dict[str, float] | None:
    """Quantiles of microseconds as JSON data in milliseconds."""
    if found is None:
        return None
    return {
        name: value if name == "count" else value / 1000
        for name, value in msgspec.structs.asdict(found).items()
    }


def _plain(raw: Any) -> Any:
    """A usage that can be written as JSON: a lone surrogate in it stands escaped."""
    try:
        msgspec.json.encode(raw)
    except UnicodeEncodeError:
        return {escaped(str(key)): escaped(str(value)) for key, value in raw.items()}
    return raw
