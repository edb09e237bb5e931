"""Texts in pieces: joined they are the text, and no cut goes where it must not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chat.whole import texts, tokens_of
from tokentape.chat.cutting import by_token, words


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("word", ["word"]),
        ("The quick  fox", ["The", " quick", "  fox"]),
        ("  two\n\nlines \n", ["  two", "\n\nlines", " \n"]),
        (" \t ", [" \t "]),
        ("a" * 40, ["a" * 16, "a" * 16, "a" * 8]),
        ("今日は" * 6, ["今日は" * 5 + "今", "日は"]),
        ("\ud83d\ude00" * 20, ["\ud83d\ude00" * 16, "\ud83d\ude00" * 4]),
        ("a\ud83d b", ["a\ud83d", " b"]),
    ],
    ids=ascii,
)
def test_words(text: str, pieces: list[str]) -> None:
    assert list(words(text)) == pieces


@given(st.text(st.characters()) | texts, st.integers(1, 50))
def test_words_joined_are_the_text(text: str, least: int) -> None:
    pieces = list(words(text, least=least))
    assert "".join(pieces) == text
    assert all(len(piece) >= least for piece in pieces[:-1])


def test_a_long_run_of_white_space_is_read_in_one_go() -> None:
    assert list(words("a" + " " * 1_000_000, least=10)) == ["a" + " " * 1_000_000]


def token(text: str, data: bytes | None = None) -> dict[str, Any]:
    return {"token": text} | ({} if data is None else {"bytes": list(data)})


A, B = token("a"), token(" b")
FIRST, SECOND = token("\\xf0\\x9f", b"\xf0\x9f"), token("\\x98\\x80", b"\x98\x80")
EMPTY, END = token("<|end|>", b""), token("<|end|>")
TAIL = token("\\x80 c", b"\x80 c")


@pytest.mark.parametrize(
    ("text", "tokens", "pieces"),
    [
        ("", [], []),
        ("a b", [A, B], [("a", [A]), (" b", [B])]),
        ("a b", [token("a", b"a"), B], [("a", [token("a", b"a")]), (" b", [B])]),
        ("😀", [FIRST, SECOND], [("😀", [FIRST, SECOND])]),
        ("😀 c", [FIRST, token("", b"\x98"), TAIL], [("😀 c", [FIRST, token("", b"\x98"), TAIL])]),
        ("a", [A, EMPTY], [("a", [A]), ("", [EMPTY])]),
        ("a", [A, END], [("a", [A]), ("", [END])]),
        ("a c d", [A, B, END], [("a", [A]), (" c d", [B, END])]),
        ("a c d", [A], [("a", [A]), (" c", []), (" d", [])]),
        ("😀", [FIRST], [("😀", [FIRST])]),
        ("a", [FIRST], [("a", [FIRST])]),
        ("a", [token("x", b"\xff")], [("a", [token("x", b"\xff")])]),
        ("a", [{}], [("a", [{}])]),
        ("a", [None, 1], [("a", [None, 1])]),
        ("a", [{"token": 1}], [("a", [{"token": 1}])]),
        ("a", [{"token": "a", "bytes": ["x"]}], [("a", [{"token": "a", "bytes": ["x"]}])]),
        ("a", [{"token": "a", "bytes": [300]}], [("a", [{"token": "a", "bytes": [300]}])]),
        ("a", [{"token": "a", "bytes": [10**30]}], [("a", [{"token": "a", "bytes": [10**30]}])]),
        ("\ud83d", [token("\ud83d")], [("\ud83d", [token("\ud83d")])]),
    ],
    ids=ascii,
)
def test_by_token(text: str, tokens: list[Any], pieces: list[Any]) -> None:
    assert list(by_token(text, tokens)) == pieces


@given(st.data(), texts)
def test_tokens_that_fit_give_the_text_and_no_piece_breaks_a_character(
    data: st.DataObject, text: str
) -> None:
    tokens = data.draw(tokens_of(text))
    pieces = list(by_token(text, tokens))
    assert "".join(piece for piece, _ in pieces) == text
    assert [each for _, its_tokens in pieces for each in its_tokens] == tokens
    if b"".join(bytes(each["bytes"] or b"") for each in tokens) == text.encode():
        for piece, its_tokens in pieces:
            assert b"".join(bytes(each["bytes"] or b"") for each in its_tokens) == piece.encode()
