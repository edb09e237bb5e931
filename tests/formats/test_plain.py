"""Plain data reads as PyYAML's safe loader and json read it, and is kept as JSON without loss."""

import contextlib
import json
import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tokentape.errors import FormatError, LimitError
from tokentape.formats import plain_json, plain_yaml
from tokentape.formats.plain_yaml import Timestamp
from tokentape.limits import DEFAULT_LIMITS, Limits


def same(left: Any, right: Any) -> bool:
    """Equal in type too, NaN to itself; a timestamp is the text of PyYAML's date or time."""
    if isinstance(left, Timestamp):
        return bool(yaml.safe_load(left) == right)
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    return bool(left == right)


SCALARS = """
~ null Null yes No ON off true FALSE 1 -1 +1 0 00 0o7 07 0x1F 0b11 1_000 1:30 1:60 190:20:30
1.0 -1.5 +1.5 .5 5. 1e3 1.0e3 1.0e+3 1.5E-07 1_0.5 1:30.5 .inf -.Inf .NaN nan inf = <<
2024-01-02 2024-1-2 2024-01-02T03:04:05Z 'quoted' "a\\tb" !!str !!int !!float !!null
99999999999999999999 1.7976931348623157e+308 1.0e+999 -0 -0.0 0.0 08 1e 1.e+3 a#b
"""


@pytest.mark.parametrize("text", SCALARS.split())
def test_scalars_read_as_pyyaml_reads_them(text: str) -> None:
    data = f"a: [{text}]\nb: {text}\n" if not text.startswith("!!") else f"a: {text} 5\n"
    try:
        expected = yaml.load(data, yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, KeyError, TypeError):
        with contextlib.suppress(FormatError):
            plain_yaml.load(data, DEFAULT_LIMITS)
        return
    assert same(plain_yaml.load(data, DEFAULT_LIMITS), expected)


@given(st.text(st.sampled_from("0123456789.eE+-_:xXbBoOinfaNyt~ ="), min_size=1, max_size=12))
def test_any_number_like_scalar_reads_as_pyyaml_reads_it(text: str) -> None:
    test_scalars_read_as_pyyaml_reads_them(text)


def test_the_documents_of_yaml_read_as_pyyaml_reads_them() -> None:
    data = """%YAML 1.1
---
base: &base {a: 1, b: [x, 'y']}
merged: {<<: *base, a: 2}
several: {<<: [*base, {c: 3}], d: 4}
again: *base
block: |+
  one

  two

folded: >-
  one
  two
? key
: value
12: number
null: nothing
set: !!set {a, b}
"""
    expected = yaml.load(data, yaml.SafeLoader)
    expected["set"] = {"a": None, "b": None}
    found = plain_yaml.load(data, DEFAULT_LIMITS)
    assert found == expected
    assert plain_yaml.load(plain_yaml.dump(found), DEFAULT_LIMITS) == found


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**30), 10**30),
        st.floats(),
        st.text(st.characters()),
        st.binary(max_size=20),
        st.dates().map(lambda date: Timestamp(date.isoformat())),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.text(max_size=8), st.integers(), st.just("$base64"), st.none()),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_kept_is_json_and_comes_back(value: Any) -> None:
    kept = plain_json.keep(value)
    text = json.dumps(kept, allow_nan=False, ensure_ascii=False).encode()
    found = plain_json.restore(json.loads(text))
    assert same_kept(found, value)


def same_kept(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same_kept(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_kept, left, right))
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    return type(left) is type(right) and bool(left == right)


@given(VALUES)
def test_yaml_that_is_written_reads_as_it_was(value: Any) -> None:
    try:
        data = plain_yaml.dump([value])
    except FormatError:  # A lone surrogate: bodies with one are written as bytes.
        return
    assert same_kept(plain_yaml.load(data, DEFAULT_LIMITS), [value])


@pytest.mark.parametrize(
    "value",
    [
        {"$base64": "?"},
        {"$int": "x"},
        {"$float": []},
        {"$pairs": 1},
        {"$pairs": [[[], 1]]},
        {"$": 1},
    ],
    ids=repr,
)
def test_other_marks_are_refused(value: Any) -> None:
    with pytest.raises(FormatError, match="stands for in `extra`"):
        plain_json.restore(value)


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ({"a": [1, 2.5, "é"]}, '{"a":[1,2.5,"é"]}'.encode()),
        ({"a": 5.22e-06, "b": 1.0}, b'{"a":5.22e-06,"b":1.0}'),
        ({"a": "\ud83d é"}, b'{"a":"\\ud83d \\u00e9"}'),
        ({"a": b"x", 1: None}, b'{"a":"x","1":null}'),
        (b"\xff", b'"/w=="'),
    ],
)
def test_compact_json(value: Any, rendered: bytes) -> None:
    assert plain_json.compact(value) == rendered


def test_depth_is_bounded() -> None:
    limits = Limits(max_depth=3)
    assert plain_json.load("[[[1]]]", limits) == plain_yaml.load("[[[1]]]", limits) == [[[1]]]
    for load in (plain_json.load, plain_yaml.load):
        with pytest.raises(LimitError, match="deeper than 3"):
            load("[[[[1]]]]", limits)
        with pytest.raises(LimitError, match="deeper than 3"):
            load('{"a": {"a": {"a": {"a": 1}}}}', limits)
