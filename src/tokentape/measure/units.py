"""Measures as a person reads them: names, times, rates and sums of money."""

from decimal import Decimal

TITLES = {
    "ttft_us": "TTFT",
    "itl_us": "ITL",
    "tpot_us": "TPOT",
    "end_to_end_us": "end-to-end",
    "tokens_per_second": "tok/s",
}


def time_text(value_us: float) -> str:
    """A time with three digits and the unit that suits it."""
    for unit, size in (("s", 1_000_000), ("ms", 1000)):
        if value_us >= size * 0.9995:
            return f"{digits(value_us / size)} {unit}"
    return f"{digits(value_us)} µs"


def digits(value: float) -> str:
    """A number with three digits that count."""
    return f"{value:.0f}" if value >= 99.95 or value == int(value) else f"{value:.3g}"


def dollars(amount: Decimal) -> str:
    """An amount with four digits that count and at least two places, never in exponents."""
    if not amount:
        return "$0"
    whole, _, places = f"{amount:.{max(2, 3 - amount.adjusted())}f}".partition(".")
    return f"${whole}.{places[:2]}{places[2:].rstrip('0')}"
