"""Where two texts differ, by words; by lines where there are many, and in one piece beyond that."""

import re
from typing import Literal

import msgspec

from tokentape.differences.edits import Block, blocks

# Texts that differ by more words, left out and put in, are told apart by lines, then as a whole.
_EDITS = 400
_WORDS_WITHIN = 200_000  # characters, of what differs
_LINES_WITHIN = 5_000_000
_TOKEN = re.compile(r"\w+\s*|[^\w\s]\s*|\s+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_WORD = 80  # characters of a word that are shown with what differs in it

Kind = Literal["same", "removed", "added"]


class Part(msgspec.Struct, frozen=True):
    """A stretch of text that is in both, or in one of them only."""

    kind: Kind
    text: str


def parts(first: str, second: str) -> list[Part]:
    """The parts two texts are made of, in order.

    Without those that were added they are the first text, without those removed the second.
    """
    head, tail = _alike(first, second)
    a, b = first[head : len(first) - tail], second[head : len(second) - tail]
    found = [Part("same", first[:head])]
    for kind, text in _middle(a, b):
        found.append(Part(kind, text))
    found.append(Part("same", first[len(first) - tail :]))
    return [part for part in found if part.text]


def _alike(first: str, second: str) -> tuple[int, int]:
    """How many characters two texts begin and end with alike, at the edges of words."""
    shorter = min(len(first), len(second))
    head = _alike_from_start(first, second, shorter)
    if head == max(len(first), len(second)):
        return head, 0
    rest = shorter - head
    tail = _alike_from_start(first[::-1][:rest], second[::-1][:rest], rest)
    for _ in range(_WORD):
        head -= head > 0 and _is_word(first[head - 1])
        tail -= tail > 0 and _is_word(first[-tail])
    return head, tail


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _alike_from_start(first: str, second: str, limit: int) -> int:
    alike = 0
    while alike < limit:
        middle = (alike + limit + 1) // 2
        if first[alike:middle] == second[alike:middle]:
            alike = middle
        else:
            limit = middle - 1
    return alike


def _middle(a: str, b: str) -> list[tuple[Kind, str]]:
    for within, token in ((_WORDS_WITHIN, _TOKEN), (_LINES_WITHIN, _LINE)):
        if max(len(a), len(b)) <= within:
            first, second = token.findall(a), token.findall(b)
            found = blocks(first, second, _EDITS)
            if found is not None:
                return _told(first, second, found)
    return [("removed", a), ("added", b)]


def _told(first: list[str], second: list[str], blocks: list[Block]) -> list[tuple[Kind, str]]:
    found: list[tuple[Kind, str]] = []
    at = 0
    for a0, a1, b0, b1 in blocks:
        found.append(("same", "".join(first[at:a0])))
        found.append(("removed", "".join(first[a0:a1])))
        found.append(("added", "".join(second[b0:b1])))
        at = a1
    found.append(("same", "".join(first[at:])))
    return found
