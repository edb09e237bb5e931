"""When an answer says that it was made."""

from datetime import UTC, datetime
from typing import Any

# Chat and Responses (in its events: within `response`) as seconds since 1970, Gemini and its Python
# client as RFC 3339.
_FIELDS = ("created", "created_at", "createTime", "create_time")


def created_in(payload: dict[str, Any]) -> int | None:
    """Seconds since 1970 that an event or a document tells of, above 0; None where it does not."""
    response = payload.get("response")
    for holder in (payload, response if isinstance(response, dict) else {}):
        for name in _FIELDS:
            found = _seconds(holder.get(name))
            if found is not None:
                return found
    return None


def _seconds(value: Any) -> int | None:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
            value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Neither infinity nor what is no number.
    return int(value) if 0 < value < 10**15 else None
