"""Speeds, deadlines, and how lateness is counted."""

from math import ceil, inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.errors import UsageError
from tokentape.timing import Lateness, deadlines, parse_speed, scaled


@pytest.mark.parametrize(
    ("text", "speed"), [("1", 1.0), ("0.5", 0.5), ("2", 2.0), ("1e3", 1000.0), (" MAX ", inf)]
)
def test_a_speed(text: str, speed: float) -> None:
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "-inf", "", "fast", "1x", "1e999"])
def test_no_speed(text: str) -> None:
    with pytest.raises(UsageError, match="above 0 or `max`"):
        parse_speed(text)


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


@given(st.lists(st.integers(-10, 1 << 39), min_size=1), st.floats(0, 1))
def test_a_quantile_is_at_most_an_eighth_too_high(values: list[int], share: float) -> None:
    lateness = Lateness()
    for value in values:
        lateness.add(value)
    ordered = sorted(max(0, value) for value in values)
    exact = ordered[max(1, ceil(len(ordered) * share)) - 1]
    found = lateness.quantile(share)
    assert found is not None
    assert exact <= found <= max(exact, ordered[-1])
    assert found <= exact * 1.125 + 1
    assert lateness.quantile(1) == lateness.max_us == ordered[-1]
    assert lateness.total_us == sum(ordered)


@given(st.lists(st.integers(0, 10**9)), st.lists(st.integers(0, 10**9)))
def test_merged_is_as_if_counted_together(first: list[int], second: list[int]) -> None:
    one, other, both = Lateness(), Lateness(), Lateness()
    for value in first:
        one.add(value)
    for value in second:
        other.add(value)
    for value in first + second:
        both.add(value)
    one.merge(other)
    assert (one.counts, one.count, one.max_us, one.total_us) == (
        both.counts,
        both.count,
        both.max_us,
        both.total_us,
    )


def test_nothing_counted_has_no_quantile() -> None:
    assert Lateness().quantile(0.5) is None


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
