"""The one way wire code is fed in tests: whole, byte by byte, and at any split."""

import itertools
from collections.abc import Callable
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, cut at these places (taken modulo its length; empty pieces included)."""
    points = sorted(place % (len(data) + 1) for place in places)
    edges = [0, *points, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def splits(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Any way to cut this data into reads."""
    places = st.lists(st.integers(0, max(len(data), 1)), max_size=12)
    return places.map(lambda chosen: cut(data, chosen))


def same_whole_and_bytewise(parse: Callable[[list[bytes]], T], data: bytes) -> T:
    """What parsing gives, after checking that reads of one byte give the same."""
    whole = parse([data])
    assert parse([data[i : i + 1] for i in range(len(data))]) == whole
    return whole
