"""Go's duration texts (`1m2s`, `785.2ms`, `755.667µs`) to microseconds and back.

Source: https://pkg.go.dev/time#ParseDuration.
"""

import re

from tokentape.errors import FormatError

# Nanoseconds. Go writes the micro sign and reads the Greek letter too.
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
# Go holds a duration in 64 bits of nanoseconds.
_MOST = (1 << 63) - 1


def parse(text: str) -> int:
    """Microseconds, rounded. Raises FormatError for a negative duration and for other texts."""
    rest = text.removeprefix("+")
    if rest == "0":
        return 0
    total = 0
    position = 0
    while match := _PART.match(rest, position):
        whole, fraction, unit = match.groups(default="")
        if (not whole and not fraction) or len(whole) > 19:
            break
        total += int(whole or "0") * _UNITS[unit]
        if fraction:
            total += int(fraction[:18]) * _UNITS[unit] // 10 ** len(fraction[:18])
        position = match.end()
    if not rest or position != len(rest) or total > _MOST:
        raise FormatError(f"expected a duration such as 785.2ms, got {text[:40]!r}")
    return (total + 500) // 1_000


def render(microseconds: int) -> str:
    """The text Go writes for it."""
    if microseconds < 1_000:
        return f"{microseconds}µs" if microseconds else "0s"
    if microseconds < 1_000_000:
        return f"{_decimal(microseconds, 1_000)}ms"
    minutes, rest = divmod(microseconds, 60_000_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{_decimal(rest, 1_000_000)}s"
    if hours:
        return f"{hours}h{minutes}m{seconds}"
    return f"{minutes}m{seconds}" if minutes else seconds


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)
