"""USG612: what the provider says that it took, against its list price."""

from tokentape.linting.base import shown
from tokentape.linting.state import Stream
from tokentape.model import Exchange


def check_cost(stream: Stream, exchange: Exchange) -> None:
    """Compare the two sums, where both are known."""
    usage = stream.usage
    if "USG612" not in stream.rules or usage is None or not any("cost" in key for key in usage):
        return
    # Prices take long to import, and few answers name a sum.
    from tokentape import measure

    said, price = measure.reported(usage), measure.listed(exchange)
    if said is None or price is None:
        return
    allowed = abs(price.amount) * stream.thresholds.cost_percent / 100
    if abs(said - price.amount) > allowed:
        stream.event, stream.offset = stream.usage_event, stream.usage_offset
        day = f" of {price.day}" if price.day else ""
        stream.report(
            "USG612",
            f"${said:f} reported, ${price.amount:f} by the {price.source}{day} for "
            f"{shown(price.model, 60)}{f' at {price.provider}' if price.provider else ''}",
            "$.usage",
        )
