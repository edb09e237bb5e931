"""Text that JSON, UTF-8 or one line of a terminal can hold."""

import json
from typing import Any

import msgspec
import pytest

from tokentape.texts import escaped, json_bytes, one_line

HALF = "a\ud83d"


def test_what_utf8_can_not_hold_stands_escaped() -> None:
    assert escaped(HALF + "é☃\n") == "a\\ud83dé☃\n"
    assert escaped(b"\xff".decode("utf-8", "surrogateescape")) == "\\udcff"


def test_one_line_shows_what_is_no_character_to_print() -> None:
    assert one_line("é ☃") == "é ☃"
    assert one_line("é\n\x1b[0m\u2028" + HALF) == "é\\n\\x1b[0m\\u2028a\\ud83d"


@pytest.mark.parametrize("value", [None, 1, 10**30, 1.5, "é☃", [1, {"a": None}], {"b": [True]}])
def test_json_is_what_msgspec_writes(value: Any) -> None:
    assert json_bytes(value) == msgspec.json.encode(value)


def test_half_a_pair_is_an_escape_and_what_is_not_finite_null() -> None:
    assert json_bytes([HALF, "é"]) == b'["a\\ud83d","\\u00e9"]'
    assert json.loads(json_bytes({HALF: 1})) == {HALF: 1}
    assert json_bytes(float("inf")) == b"null"
    assert json_bytes([HALF, float("inf"), float("nan")]) == b'["a\\ud83d",null,null]'


def test_what_json_can_not_hold_raises() -> None:
    for value in (object(), [HALF, object()]):
        with pytest.raises(TypeError):
            json_bytes(value)
