"""Where JSON values differ: paths, alignment, and anything at all."""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.differences.values import At, differing

CASES: list[tuple[Any, Any, list[tuple[str, str, Any, Any]]]] = [
    (1, 1, []),
    (1, 1.0, []),
    (1, True, [("$", "changed", 1, True)]),
    (0, False, [("$", "changed", 0, False)]),
    (None, None, []),
    ("1", 1, [("$", "changed", "1", 1)]),
    ({}, [], [("$", "changed", {}, [])]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
    ({"a": 1}, {"b": 1}, [("$.a", "removed", 1, None), ("$.b", "added", None, 1)]),
    ({"a": {"b": [1]}}, {"a": {"b": [2]}}, [("$.a.b[0]", "changed", 1, 2)]),
    ([1, 2, 3], [0, 1, 2, 3], [("$[0]", "added", None, 0)]),
    ([1, 2, 3], [1, 3], [("$[1]", "removed", 2, None)]),
    ([{"r": "u", "c": "x"}, 1], [{"r": "u", "c": "y"}, 1], [("$[0].c", "changed", "x", "y")]),
    ([[1]], [[2]], [("$[0][0]", "changed", 1, 2)]),
    ([1.0, 5], [1, 6], [("$[1]", "changed", 5, 6)]),
    ({"a b": 1}, {"a b": 2}, [("$['a b']", "changed", 1, 2)]),
    ({"it's": 1}, {}, [(r"$['it\'s']", "removed", 1, None)]),
    ({"\\": 1}, {}, [(r"$['\\']", "removed", 1, None)]),
    ({"": 1}, {}, [("$['']", "removed", 1, None)]),
    ({"a\n": 1}, {}, [(r"$['a\n']", "removed", 1, None)]),
    ({"ü": 1}, {}, [("$['ü']", "removed", 1, None)]),
    ({"\ud800": 1}, {}, [(r"$['\ud800']", "removed", 1, None)]),
]


@pytest.mark.parametrize(("first", "second", "places"), CASES)
def test_where_values_differ(first: Any, second: Any, places: list[Any]) -> None:
    found = [(at.path, at.kind, at.a, at.b) for at in differing(first, second)]
    assert found == places


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(differing(value, copy.deepcopy(value))) == []


@given(values, values)
def test_values_differ_where_they_are_not_equal(first: Any, second: Any) -> None:
    strict = json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
    found = list(differing(first, second))
    assert not (strict and found)
    if not found:
        # Equal in JSON: 1 is 1.0, but not true.
        assert first == second
    back = list(differing(second, first))
    assert len(back) > 0 or not found


@given(values, st.integers(0, 5), values)
def test_an_item_that_was_put_in_is_all_that_differs(item: Any, at: int, new: Any) -> None:
    first = [[n, item] for n in range(5)]
    second = [*first[:at], ["new", new], *first[at:]]
    assert list(differing(first, second)) == [At(f"$[{at}]", "added", None, ["new", new])]


def test_depth_is_no_limit() -> None:
    def deep(value: Any) -> Any:
        for _ in range(20_000):
            value = [value]
        return value

    (at,) = differing(deep(1), deep(2))
    assert at.path == "$" + "[0]" * 20_000


def test_long_lists_take_their_time_once() -> None:
    first = [{"n": n} for n in range(50_000)]
    second = [{"n": n + 1} for n in range(50_000)]
    assert sum(1 for _ in differing(first, second)) == 2
    assert sum(1 for _ in differing(first, [{"n": -n} for n in range(50_000)])) > 40_000


def test_lists_too_large_to_be_written_are_compared_by_position(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tokentape.differences.values._BUDGET", 3)
    assert [at.path for at in differing([1, 2, 3, 4], [0, 1, 2, 3, 4])] == [
        *("$[0]", "$[1]", "$[2]", "$[3]", "$[4]"),
    ]


def test_a_value_that_is_no_text_is_compared_by_position() -> None:
    found = list(differing([{"a": "\ud800"}, 1], [0, {"a": "\ud800"}, 1]))
    assert [at.path for at in found] == ["$[0]", "$[1]", "$[2]"]
    with pytest.raises(UnicodeEncodeError):
        msgspec.json.encode("\ud800")
