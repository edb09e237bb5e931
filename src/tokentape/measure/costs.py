"""What an exchange cost, and who says so: the provider, the user's table, a list price."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from tokentape.measure.dates import Dated, date_of
from tokentape.measure.listing import Listed, list_price
from tokentape.measure.observe import Observed
from tokentape.measure.rates import PriceTable, find_rates
from tokentape.measure.tokens import Usage, usage_of
from tokentape.model import Exchange

Source = Literal["reported", "table", "list price", "unknown"]

# Keys of a usage that hold the sum in US dollars, the first that is a number taken.
_DOLLARS = ("cost", "estimated_cost", "total_cost", "cost_details.total_cost")
# xAI counts in ticks: 3,155,600 of them are the $0.00031556 that its list price comes to.
_TICKS, _TICKS_A_DOLLAR = "cost_in_usd_ticks", Decimal(10**10)
_UPSTREAM = "cost_details.upstream_inference_cost"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A sum by the user's table or a list price, in US dollars.

    `day` is the day of a list price (ISO 8601), None where the latest price was taken because
    nothing says when the request was sent; `dated` is what says it. A table has no dates: of its
    prices both are None.
    """

    amount: Decimal
    source: Literal["table", "list price"]
    provider: str | None = None
    model: str = ""
    day: str | None = None
    dated: Dated | None = None


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange cost, in US dollars; `amount` is None where nobody says, never 0.

    `source` is who says it, the first of: `reported` by the provider in its usage (`field` is the
    key), the user's `table`, a `list price`; else `unknown`, and `reason` says why. `provider`,
    `model`, `day` and `dated` are those of `Price`.
    """

    amount: Decimal | None = None
    source: Source = "unknown"
    field: str | None = None
    provider: str | None = None
    model: str | None = None
    day: str | None = None
    dated: Dated | None = None
    reason: str | None = None


def cost(exchange: Exchange, prices: PriceTable | None = None) -> Cost:
    """What an exchange cost, by whom it can be known first: provider, `prices`, list price."""
    observed = Observed(exchange)
    return cost_of(observed, usage_of(observed), prices)


def cost_of(observed: Observed, usage: Usage, prices: PriceTable | None = None) -> Cost:
    """As `cost`, of an exchange that was observed."""
    if usage.raw is None:
        return Cost(reason="no usage was reported")
    said = _said(usage.raw)
    if said is not None:
        return Cost(amount=said[1], source="reported", field=said[0])
    price = _price(observed, usage, prices)
    if isinstance(price, str):
        return Cost(reason=price)
    return Cost(
        amount=price.amount,
        source=price.source,
        provider=price.provider,
        model=price.model,
        day=price.day,
        dated=price.dated,
    )


def reported(usage: Mapping[str, Any]) -> Decimal | None:
    """What the provider says that it cost, in US dollars, in its own usage; None where it doesn't.

    With a key of one's own at an upstream (`is_byok`) what the upstream took is added.
    """
    said = _said(usage)
    return None if said is None else said[1]


def listed(exchange: Exchange, prices: PriceTable | None = None) -> Price | None:
    """What the tokens of an exchange come to by the user's table, else by list price; or None."""
    observed = Observed(exchange)
    price = _price(observed, usage_of(observed), prices)
    return None if isinstance(price, str) else price


def _price(observed: Observed, usage: Usage, prices: PriceTable | None) -> Price | str:
    """The price, or why there is none."""
    if usage.raw is None:
        return "no usage was reported"
    models = (observed.model, observed.asked)
    own = find_rates(prices, *models) if prices else None
    if own is not None:
        amount = own[1].amount(usage)
        if amount is not None:
            return Price(amount=amount, source="table", model=own[0])
    moment, dated = date_of(observed)
    url = observed.exchange.request.url
    found = list_price(usage, url=url, models=models, moment=moment, tier=observed.tier)
    if not isinstance(found, Listed):
        return found
    return Price(
        amount=found.amount,
        source="list price",
        provider=found.provider,
        model=found.model,
        day=None if moment is None else moment.date().isoformat(),
        dated=dated,
    )


def _said(usage: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    for field in _DOLLARS:
        amount = _number(usage, field)
        if amount is not None:
            if usage.get("is_byok") is True:
                amount += _number(usage, _UPSTREAM) or 0
            return field, amount
    ticks = _number(usage, _TICKS)
    return None if ticks is None else (_TICKS, ticks / _TICKS_A_DOLLAR)


def _number(usage: Mapping[str, Any], path: str) -> Decimal | None:
    holder, _, name = path.rpartition(".")
    inner = usage.get(holder) if holder else usage
    value = inner.get(name) if isinstance(inner, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    # Some gateways send a sum as text, which is then exact.
    text = str(value)
    try:
        amount = Decimal(text if len(text) < 40 else "NaN")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 10**9 else None
