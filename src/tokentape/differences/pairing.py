"""Which exchange of one tape is compared with which of another."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any

from tokentape import view
from tokentape.matching.canonical import body_key
from tokentape.model import Exchange

# Exchange numbers in the two tapes; None where there is no other.
Pair = tuple[int | None, int | None]


def pairs(a: Sequence[Exchange], b: Sequence[Exchange]) -> list[Pair]:
    """The pairs of two tapes, in the order of the first, then what is only in the second.

    Exchanges that ask the same (method, operation, canonical JSON body) are paired in order; of
    the rest, those of the same method and operation; of the rest, each with the next.
    """
    found: dict[int, int] = {}
    for key in (_asks, _asks_for, lambda _: None):
        _pair(a, b, key, found)
    taken = set(found.values())
    rest: list[Pair] = [(None, number) for number in range(len(b)) if number not in taken]
    return [*((number, found.get(number)) for number in range(len(a))), *rest]


def _pair(
    a: Sequence[Exchange],
    b: Sequence[Exchange],
    key: Callable[[Exchange], Any],
    found: dict[int, int],
) -> None:
    waiting: defaultdict[Any, deque[int]] = defaultdict(deque)
    taken = set(found.values())
    for number, exchange in enumerate(b):
        if number not in taken:
            waiting[key(exchange)].append(number)
    for number, exchange in enumerate(a):
        if number not in found and (others := waiting.get(key(exchange))):
            found[number] = others.popleft()


def _asks(exchange: Exchange) -> tuple[str, str, bytes | None]:
    return (*_asks_for(exchange), body_key(exchange.request.body))


def _asks_for(exchange: Exchange) -> tuple[str, str]:
    return exchange.request.method, view.operation_of(exchange)
