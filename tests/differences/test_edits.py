"""The smallest difference: right, smallest, and bounded."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.differences.edits import Block, blocks
from tokentape.differences.words import parts

few = st.text("ab", max_size=9)


def applied(first: str, second: str, found: list[Block]) -> str:
    """The first with its blocks replaced by those of the second."""
    built, at = "", 0
    for a0, a1, b0, b1 in found:
        built += first[at:a0] + second[b0:b1]
        at = a1
    return built + first[at:]


def longest_common(first: str, second: str) -> int:
    """The length of the longest common subsequence, by trying all."""
    for length in range(min(len(first), len(second)), 0, -1):
        within = set(combinations(second, length))
        if any(chosen in within for chosen in combinations(first, length)):
            return length
    return 0


@given(few, few)
def test_the_blocks_are_right_and_smallest(first: str, second: str) -> None:
    found = blocks(first, second, 99)
    assert found is not None
    assert applied(first, second, found) == second
    edits = sum(a1 - a0 + b1 - b0 for a0, a1, b0, b1 in found)
    assert edits == len(first) + len(second) - 2 * longest_common(first, second)
    # None touches the next.
    assert all(before[1] < block[0] for before, block in pairwise(found))


@given(few, few, st.integers(0, 9))
def test_beyond_the_most_edits_there_are_none(first: str, second: str, most: int) -> None:
    smallest = len(first) + len(second) - 2 * longest_common(first, second)
    found = blocks(first, second, most)
    if smallest <= most:
        assert found is not None
    elif found is not None:
        # Left out, or put in, and nothing else.
        assert len(found) == 1


def test_what_has_too_many_edits_is_given_up_at_once() -> None:
    assert blocks("ab" * 100_000, "bba" * 66_000, 400) is None


@given(st.text("ab \n.", max_size=40), st.text("ab \n.", max_size=40))
def test_the_parts_make_both_texts(first: str, second: str) -> None:
    found = parts(first, second)
    assert "".join(part.text for part in found if part.kind != "added") == first
    assert "".join(part.text for part in found if part.kind != "removed") == second
    assert all(part.text for part in found)


WORDS = [
    ("It is late.", "It is later.", "It is [late]{later}."),
    ("It is late.", "It was late.", "It [is]{was} late."),
    ("It is late.", "Is it late.", "[It is]{Is it} late."),
    ("", "Yes", "{Yes}"),
    ("Yes", "", "[Yes]"),
    ("same", "same", "same"),
    ("a\nb\n", "a\nc\nb\n", "a\n{c\n}b\n"),
    ("20°C", "21°C", "[20]{21}°C"),
    ("over the moon", "over the far moon", "over the {far }moon"),
]


@pytest.mark.parametrize(("first", "second", "shown"), WORDS)
def test_texts_differ_by_words(first: str, second: str, shown: str) -> None:
    marks = {"same": ("", ""), "removed": ("[", "]"), "added": ("{", "}")}
    found = parts(first, second)
    assert "".join(marks[p.kind][0] + p.text + marks[p.kind][1] for p in found) == shown


def test_texts_of_many_changes_differ_by_lines_then_as_a_whole() -> None:
    first = "".join(f"line {n} of the first\n" for n in range(600))
    second = first.replace("line 7 of", "row 7 of").replace("of the first", "of the second", 401)
    assert {part.kind for part in parts(first, second)} == {"same", "removed", "added"}
    other = "".join(f"row {n}\n" for n in range(600))
    assert [part.kind for part in parts(first, other)][:2] == ["removed", "added"]
    large = "word " * 2_000_000
    assert [part.text for part in parts(large, large[:5000] + "new " + large[5000:])][1] == "new "
