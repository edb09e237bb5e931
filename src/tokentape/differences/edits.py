"""The smallest difference of two sequences, as long as it is small.

Source: E. W. Myers, An O(ND) Difference Algorithm and Its Variations, 1986. Its time is the length
of the sequences times the number of edits, for all input; difflib's has no such bound.
"""

from collections.abc import Hashable, Sequence
from itertools import pairwise

# From and to in the first sequence, from and to in the second.
Block = tuple[int, int, int, int]


def ends(first: Sequence[object], second: Sequence[object]) -> tuple[int, int]:
    """How many items two sequences begin with alike, and how many of the rest they end with."""
    shorter = min(len(first), len(second))
    head = 0
    while head < shorter and first[head] == second[head]:
        head += 1
    tail = 0
    while tail < shorter - head and first[-1 - tail] == second[-1 - tail]:
        tail += 1
    return head, tail


def blocks(first: Sequence[Hashable], second: Sequence[Hashable], most: int) -> list[Block] | None:
    """The stretches that differ, in order, none touching the next.

    None where it takes more than `most` items left out and put in.
    """
    head, tail = ends(first, second)
    found = _edits(first[head : len(first) - tail], second[head : len(second) - tail], most)
    return None if found is None else [_moved(block, head) for block in _joined(found)]


def _edits(a: Sequence[Hashable], b: Sequence[Hashable], most: int) -> list[Block] | None:
    """Single items left out or put in, in order."""
    if not a or not b:
        # So many at an end are one block: they are no work.
        return [(0, len(a), 0, len(b))] if a or b else []
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    for edits in range(min(len(a) + len(b), most) + 1):
        trace.append(furthest.copy())
        for diagonal in range(-edits, edits + 1, 2):
            came = _from(diagonal, edits, furthest)
            x = furthest[came] + (came < diagonal)
            y = x - diagonal
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x += 1
                y += 1
            furthest[diagonal] = x
            if x >= len(a) and y >= len(b):
                return _traced(trace, len(a), len(b))
    return None


def _from(diagonal: int, edits: int, furthest: dict[int, int]) -> int:
    """The diagonal from which the furthest path with so many edits reaches this one."""
    down = diagonal == -edits or (
        diagonal != edits and furthest[diagonal - 1] < furthest[diagonal + 1]
    )
    return diagonal + 1 if down else diagonal - 1


def _traced(trace: list[dict[int, int]], x: int, y: int) -> list[Block]:
    found: list[Block] = []
    for edits in range(len(trace) - 1, 0, -1):
        furthest = trace[edits]
        came = _from(x - y, edits, furthest)
        from_x = furthest[came]
        from_y = from_x - came
        # The edit, before the items alike behind it.
        to_x, to_y = (from_x, from_y + 1) if came > x - y else (from_x + 1, from_y)
        found.append((from_x, to_x, from_y, to_y))
        x, y = from_x, from_y
    return found[::-1]


def _joined(edits: list[Block]) -> list[Block]:
    found = edits[:1]
    for before, edit in pairwise(edits):
        if before[1] == edit[0] and before[3] == edit[2]:
            found[-1] = (found[-1][0], edit[1], found[-1][2], edit[3])
        else:
            found.append(edit)
    return found


def _moved(block: Block, by: int) -> Block:
    return block[0] + by, block[1] + by, block[2] + by, block[3] + by
