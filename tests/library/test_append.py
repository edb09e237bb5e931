"""Appending: whole lines, taken up after an interruption at any byte."""

import os
import resource
from pathlib import Path

import pytest

from tests.samples import streamed
from tokentape.errors import FormatError, UsageError
from tokentape.formats import tape as native
from tokentape.library import TapeAppender, Unwritten, load
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


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk itself, thousands of times."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.mark.usefixtures("quick")
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


@pytest.mark.usefixtures("quick")
def test_lines_that_the_disk_does_not_take_leave_a_whole_tape(tmp_path: Path) -> None:
    """Full at any byte of the second exchange: what is whole of it stays, and more is added."""
    path = tmp_path / "x.tape.jsonl"
    exchange = streamed()
    lines = list(native.exchange_lines(1, exchange))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for room in range(0, len(b"".join(lines)), 7):
        path.unlink(missing_ok=True)
        with TapeAppender(path) as tape:
            tape.add(exchange)
            before = path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (before + room, hard))
            try:
                with pytest.raises(
                    Unwritten, match="can't be appended to: File too large"
                ) as caught:
                    tape.write(lines)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            whole = caught.value.whole
            assert path.stat().st_size == before + len(b"".join(lines[:whole])) == tape.size
            assert tape.is_current()
            tape.write(lines[whole:])
        assert load(path).exchanges == (exchange, exchange)


def test_a_tape_is_appended_to_by_one_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    with TapeAppender(path), pytest.raises(UsageError, match="another recorder appends"):
        TapeAppender(path)
    TapeAppender(path).close()


def test_an_appender_knows_when_its_file_is_another(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    with TapeAppender(path) as tape:
        assert tape.is_current()
        with path.open("ab") as other:
            other.write(b" ")
        assert not tape.is_current()
    with TapeAppender(path) as tape:
        path.unlink()
        assert not tape.is_current()


def test_what_became_known_at_the_end_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    with TapeAppender(path) as tape:
        number = tape.begin(streamed())
        tape.end(number, Ending.CUT, 5, ("it broke",))
    (exchange,) = load(path).exchanges
    assert exchange.notes == ("it broke",)


@pytest.mark.parametrize(
    "lines",
    [
        b'{"line":"read","exchange":0}\n',
        b'{"line":"request","exchange":1}\n',
        b'{"line":"request","exchange":0}\n{"line":"end","exchange":0}\n{"line":"end","exchange":0}\n',
        b'{"line":"request","exchange":0}\n{"line":"what","exchange":0}\n',
        b'{"line":"request","exchange":0}\n{"line":"read","exchange":0}\n',
        b'{"line":"request","exchange":0}\n' + 2 * b'{"line":"response","exchange":0}\n',
        b'{"line":"request","exchange":0}\n{"line":"response","exchange":0,"offset_us":9}\n'
        b'{"line":"end","exchange":0,"offset_us":8}\n',
        b'{"line":"request","exchange":0,\n{"line":"end","exchange":0}\n',
    ],
)
def test_a_tape_whose_lines_do_not_fit_is_left_as_it_is(tmp_path: Path, lines: bytes) -> None:
    path = tmp_path / "x.tape.jsonl"
    path.write_bytes(native.header_line(Tape()) + lines)
    with pytest.raises(FormatError, match="expected") as caught:
        TapeAppender(path)
    assert caught.value.path == str(path)
    assert path.read_bytes() == native.header_line(Tape()) + lines
