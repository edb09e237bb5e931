"""When an exchange took place, for the price of that day."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from tokentape.measure.observe import Observed
from tokentape.model import header

Dated = Literal["request", "date header", "created", "unknown"]

# A time no chunk of a chat completion was created before or will be after; recorders write 0.
_EARLIEST, _LATEST = 1_577_836_800, 4_102_444_800


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def date_of(observed: Observed) -> tuple[datetime | None, Dated]:
    """When the request was sent, in UTC, and what says so.

    That is the recording; else the response's `Date` header; else `created` in the answer.
    """
    exchange = observed.exchange
    try:
        if exchange.request.started:
            return _utc(datetime.fromisoformat(exchange.request.started)), "request"
    except (ValueError, OverflowError):
        pass
    date = header(exchange.response.headers, "date") if exchange.response else None
    try:
        if date:
            return _utc(parsedate_to_datetime(date)), "date header"
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    if observed.created is not None and _EARLIEST <= observed.created <= _LATEST:
        return datetime.fromtimestamp(observed.created, UTC), "created"
    return None, "unknown"
