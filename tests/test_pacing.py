"""Speeds, deadlines, and how lateness is counted."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.errors import UsageError
from tokentape.pacing import Lateness, deadlines, parse_speed, scaled, spread


@pytest.mark.parametrize(
    ("text", "speed"), [("1", 1.0), ("0.5", 0.5), ("2", 2.0), ("1e3", 1000.0), (" MAX ", inf)]
)
def test_a_speed(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "-inf", "", "fast", "1x", "1e999"])
def test_no_speed(text: str) -> None:
    with pytest.raises(UsageError, match="above 0 or `max`"):
        parse_speed(text)


@pytest.mark.parametrize("text", ["1e-320", "0.0000009"])
def test_a_speed_that_would_never_end(text: str) -> None:
    with pytest.raises(UsageError, match=r"at least 0\.000001"):
        parse_speed(text)
    assert deadlines([2**62], parse_speed("1e-6"))[0] > 0


@pytest.mark.parametrize(
    ("offsets", "speed", "due"),
    [
        ([10, 20, 30], 1.0, [10, 20, 30]),
        ([10, 20, 30], 2.0, [5, 10, 15]),
        ([10, 20, 30], 0.5, [20, 40, 60]),
        ([10, 20, 30], inf, [0, 0, 0]),
        ([None, 20, None, 10, 30], 1.0, [0, 20, 20, 20, 30]),
        ([], 1.0, []),
    ],
)
def test_deadlines(offsets: list[int | None], speed: float, due: list[int]) -> None:
    assert deadlines(offsets, speed) == due


@given(st.lists(st.one_of(st.none(), st.integers(-5, 10**12))), st.floats(0.001, 1e6))
def test_deadlines_never_go_back(offsets: list[int | None], speed: float) -> None:
    due = deadlines(offsets, speed)
    assert due == sorted(due)
    assert len(due) == len(offsets)
    assert all(moment >= 0 for moment in due)
    for moment, offset in zip(due, offsets, strict=True):
        assert offset is None or moment >= scaled(offset, speed)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7], (7, 7, 7)),
        ([3, 1], (1, 3, 3)),
        (list(range(1, 101)), (50, 99, 100)),
        (list(range(200, 0, -1)), (100, 198, 200)),
    ],
)
def test_spread(values: list[int], expected: tuple[int, int, int]) -> None:
    assert spread(values) == expected


@given(st.integers(-10, 1 << 39))
def test_a_value_is_counted_at_most_an_eighth_too_high(value: int) -> None:
    lateness = Lateness()
    lateness.add(value)
    value = max(0, value)
    assert lateness.below([value - 1, value * 9 // 8 + 1]) == [0, 1]
    assert (lateness.count, lateness.total_us) == (1, value)


def test_the_count_is_bounded_whatever_comes() -> None:
    lateness = Lateness()
    for power in range(200):
        for step in range(32):
            lateness.add((1 << power) + (step << power >> 5))
    assert len(lateness.counts) < 400


def test_below_counts_up_to_an_edge() -> None:
    lateness = Lateness()
    for value in (0, 5, 5, 15, 1_000_000):
        lateness.add(value)
    assert lateness.below([0, 5, 20, 10_000_000]) == [1, 3, 4, 5]
