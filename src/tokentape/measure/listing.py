"""List prices: genai-prices (extra `prices`) with an overlay of providers that it lacks.

Nothing is looked up on the network, and no state of genai-prices is changed.
"""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from tokentape.measure.tokens import Usage

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot

MISSING = "no list prices: install tokentape[prices]"
# What the day is where nobody knows it: after every change of price, at no hour of a discount.
LATEST = datetime(9999, 12, 31, 12, tzinfo=UTC)
# A name longer than this is no model's; patterns are matched against shorter ones only.
_LONGEST = 2000


class Extra(msgspec.Struct, frozen=True):
    """A provider that genai-prices does not know.

    `reports` is a key of the usage that only this provider sends: it tells the provider of a
    recording without a URL. `models`: (model, US dollars per million tokens in, out).
    """

    id: str
    name: str
    api_pattern: str
    reports: str
    models: tuple[tuple[str, str, str], ...]


OVERLAY = (
    Extra(
        id="deepinfra",
        name="DeepInfra",
        api_pattern=r"https://api\.deepinfra\.com(?:/|$)",
        reports="estimated_cost",
        models=(("openai/gpt-oss-20b", "0.03", "0.14"),),
    ),
)


class Listed(msgspec.Struct, frozen=True):
    """A sum by list price, in US dollars, and the entry it was reckoned by."""

    amount: Decimal
    provider: str
    model: str


@cache
def _snapshot() -> "DataSnapshot":
    from genai_prices.data import providers
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ClauseEquals, ModelInfo, ModelPrice, Provider

    ours = [
        Provider(
            id=extra.id,
            name=extra.name,
            api_pattern=extra.api_pattern,
            models=[
                ModelInfo(
                    id=model,
                    match=ClauseEquals(model),
                    prices=ModelPrice(input_mtok=Decimal(paid_in), output_mtok=Decimal(paid_out)),
                )
                for model, paid_in, paid_out in extra.models
            ],
        )
        for extra in OVERLAY
    ]
    return DataSnapshot(providers=[*ours, *providers], from_auto_update=False)


def list_price(
    usage: Usage, *, url: str, models: tuple[str, ...], moment: datetime | None, tier: str = ""
) -> Listed | str:
    """What this usage costs at the provider of the URL, or why that is not known.

    The first of the models that the provider lists is taken. Without a URL the provider is the one
    whose key the usage holds, else the one whose own model it is. `moment` None: the latest price.
    A service tier that has prices of its own is priced by them.
    """
    try:
        from genai_prices.types import Usage as GenaiUsage
    except ImportError:
        return MISSING
    if usage.prompt is None or usage.generated is None:
        return "the tokens are not known"
    provider = None if url else _by_key(usage)
    counted = {
        "input_tokens": usage.prompt,
        "output_tokens": usage.generated,
        "cache_read_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
        "input_audio_tokens": usage.input_audio_tokens,
        "output_audio_tokens": usage.output_audio_tokens,
    }
    why = "no model is named that could be looked up"
    for model in filter(None, models):
        if len(model) > _LONGEST or len(url) > _LONGEST:
            continue
        try:
            found = _snapshot().calc(
                GenaiUsage(**{name: count for name, count in counted.items() if count}),
                model,
                provider,
                None if provider else url or None,
                moment or LATEST,
                {"service_tier": tier} if tier else None,
            )
        except LookupError:
            where = url.split("?")[0] or "the model's name alone"
            why = f"no list price of {model} by {where}"
        except (ValueError, TypeError, ArithmeticError) as error:
            why = f"no list price: {error}"
        else:
            return Listed(found.total_price, found.provider.id, found.model.id)
    return why


def _by_key(usage: Usage) -> str | None:
    return next((extra.id for extra in OVERLAY if extra.reports in (usage.raw or ())), None)
