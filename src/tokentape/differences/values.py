"""Where two JSON values differ, by JSON path (RFC 9535)."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from tokentape.differences.edits import blocks, ends

Kind = Literal["added", "removed", "changed"]

# Lists that differ by more items, left out and put in, are compared by position.
_EDITS = 200
# How many bytes of JSON are written to align lists before the rest is compared by position: each
# level of nested lists writes what is in it once more.
_BUDGET = 1 << 26
_ENCODER = msgspec.json.Encoder(order="deterministic")


class At(msgspec.Struct, frozen=True):
    """One place where two values differ. `a` or `b` is None where there is nothing.

    The path is that in the second value, where a value is only in the first that in the first.
    """

    path: str
    kind: Kind
    a: Any = None
    b: Any = None


def differing(first: Any, second: Any, path: str = "$") -> Iterator[At]:
    """The places where two decoded JSON values differ, in document order.

    Integral numbers are equal (1 and 1.0). Items of lists are aligned: one that was put in or
    left out does not make those behind it differ.
    """
    budget = [_BUDGET]
    # A stack of our own: a value may be nested deeper than Python may call.
    todo: list[Iterator[At]] = [iter([At(path, "changed", first, second)])]
    while todo:
        at = next(todo[-1], None)
        if at is None:
            todo.pop()
        elif at.kind != "changed":
            yield at
        elif isinstance(at.a, dict) and isinstance(at.b, dict):
            todo.append(_members(at.path, at.a, at.b))
        elif isinstance(at.a, list) and isinstance(at.b, list):
            todo.append(_items(at.path, at.a, at.b, budget))
        elif not _same(at.a, at.b):
            yield at


def _same(first: Any, second: Any) -> bool:
    numbers = (int, float)
    if type(first) in numbers and type(second) in numbers:
        return bool(first == second)
    return type(first) is type(second) and bool(first == second)


def _step(path: str, key: str) -> str:
    if key.isascii() and key.isidentifier():
        return f"{path}.{key}"
    return f"{path}['{''.join(map(_escaped, key))}']"


def _escaped(char: str) -> str:
    if char in "'\\":
        return "\\" + char
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _members(path: str, first: dict[str, Any], second: dict[str, Any]) -> Iterator[At]:
    for key, value in first.items():
        if key in second:
            yield At(_step(path, key), "changed", value, second[key])
        else:
            yield At(_step(path, key), "removed", value)
    for key, value in second.items():
        if key not in first:
            yield At(_step(path, key), "added", None, value)


def _items(path: str, first: list[Any], second: list[Any], budget: list[int]) -> Iterator[At]:
    for a0, a1, b0, b1 in _blocks(first, second, budget):
        paired = min(a1 - a0, b1 - b0)
        for step in range(paired):
            yield At(f"{path}[{b0 + step}]", "changed", first[a0 + step], second[b0 + step])
        for at in range(a0 + paired, a1):
            yield At(f"{path}[{at}]", "removed", first[at])
        for at in range(b0 + paired, b1):
            yield At(f"{path}[{at}]", "added", None, second[at])


def _blocks(
    first: list[Any], second: list[Any], budget: list[int]
) -> Iterator[tuple[int, int, int, int]]:
    """The stretches of two lists that differ: from and to in the first, and in the second."""
    whole = (0, len(first), 0, len(second))
    if len(first) == len(second) == 1:
        yield whole
        return
    forms = _written(first, budget), _written(second, budget)
    if forms[0] is None or forms[1] is None:
        yield whole
        return
    found = blocks(forms[0], forms[1], _EDITS)
    if found is None:
        head, tail = ends(forms[0], forms[1])
        found = [(head, len(first) - tail, head, len(second) - tail)]
    yield from found


def _written(items: list[Any], budget: list[int]) -> list[bytes] | None:
    """Each item as JSON, None where it can't be or would be too much."""
    found = []
    try:
        for item in items:
            if budget[0] <= 0:
                return None
            found.append(_ENCODER.encode(item))
            budget[0] -= len(found[-1])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return found
