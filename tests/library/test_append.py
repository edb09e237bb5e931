"""Appending: whole lines, taken up after an interruption at any byte."""

from pathlib import Path

import pytest

from tests.samples import streamed
from tokentape.errors import FormatError, UsageError
from tokentape.formats import tape as native
from tokentape.library import TapeAppender, load
from tokentape.model import Ending, Tape


def test_what_is_appended_piece_by_piece_is_the_exchange(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    exchange = streamed()
    assert exchange.response is not None
    with TapeAppender(path, writer="tests", created="2026-01-01T00:00:00Z") as tape:
        number = tape.begin(exchange)
        tape.response(number, exchange.response)
        for read in exchange.response.reads:
            tape.read(number, read)
        # It is on disk before the end is known.
        assert load(path).exchanges[0].ending is Ending.STOPPED
        tape.end(number, exchange.ending, exchange.end_offset_us)
        assert tape.add(exchange) == 1
    assert load(path) == Tape(
        exchanges=(exchange, exchange), writer="tests", created="2026-01-01T00:00:00Z"
    )


def test_an_append_after_an_interruption_at_any_byte_keeps_every_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    exchange = streamed()
    whole = native.write(Tape(exchanges=(exchange,)))
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        before = load(path).exchanges
        with TapeAppender(path) as tape:
            tape.add(exchange)
        assert load(path).exchanges == (*before, exchange)


def test_a_file_that_is_no_tape_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    path.write_bytes(b"something of mine\nand more\n")
    with pytest.raises(FormatError):
        TapeAppender(path)
    assert path.read_bytes() == b"something of mine\nand more\n"


def test_what_can_not_be_appended_to_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"convert it to \.zst afterwards"):
        TapeAppender(tmp_path / "x.tape.jsonl.zst")
    with pytest.raises(UsageError, match="can't be appended to: No such file"):
        TapeAppender(tmp_path / "nowhere" / "x.tape.jsonl")
