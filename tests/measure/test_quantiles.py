"""Quantiles are exact, by nearest rank; histograms have fixed bins."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.measure import quantiles
from tokentape.measure.quantiles import BINS_A_DECADE, Values, bin_of, edge

NUMBERS = st.integers(-1000, 10**9) | st.floats(0, 1e9)


def test_nothing_has_no_quantiles() -> None:
    assert quantiles([]) is None
    assert Values().histogram() == {}


@pytest.mark.parametrize(
    ("values", "p50", "p90", "p99"),
    [
        ([7], 7, 7, 7),
        ([1, 2], 1, 2, 2),
        (range(1, 101), 50, 90, 99),
        (range(1, 1001), 500, 900, 990),
        ([1] * 98 + [5, 9], 1, 1, 5),
    ],
)
def test_quantiles_by_hand(values: list[int], p50: int, p90: int, p99: int) -> None:
    found = quantiles(values)
    assert found is not None
    assert (found.p50, found.p90, found.p99) == (p50, p90, p99)


@given(st.lists(NUMBERS, min_size=1))
def test_a_quantile_is_the_value_of_the_nearest_rank(values: list[float]) -> None:
    found = quantiles(values)
    ordered = sorted(values)
    assert found is not None
    for percent, value in ((50, found.p50), (90, found.p90), (99, found.p99)):
        assert value == ordered[ceil(len(values) * percent / 100) - 1]
    assert (found.min, found.max, found.count) == (ordered[0], ordered[-1], len(values))


@given(st.lists(NUMBERS), st.lists(NUMBERS))
def test_values_may_come_in_parts(first: list[float], second: list[float]) -> None:
    parts = Values(first)
    parts.add(second)
    whole = Values([*first, *second])
    assert parts.quantiles() == whole.quantiles()
    assert parts.histogram() == whole.histogram()


@given(st.lists(NUMBERS))
def test_a_histogram_holds_every_value_above_0(values: list[float]) -> None:
    assert sum(Values(values).histogram().values()) == sum(value > 0 for value in values)


@given(st.floats(1e-3, 1e12))
def test_a_value_lies_in_its_bin(value: float) -> None:
    assert edge(bin_of(value)) <= value * (1 + 1e-6)
    assert value < edge(bin_of(value) + 1) * (1 + 1e-6)


def test_powers_of_ten_are_edges() -> None:
    assert [bin_of(10.0**power) for power in range(13)] == [
        power * BINS_A_DECADE for power in range(13)
    ]


def test_what_is_not_above_0_is_counted_beside_the_bins() -> None:
    assert (Values([0, 0, 5]).zeros, Values([5]).zeros) == (2, 0)
