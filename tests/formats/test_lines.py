"""On which line of a file an exchange stands."""

import json
from pathlib import Path

import msgspec
import pytest
import zstandard

from tests.samples import DONE, chunk, streamed
from tokentape.formats import read
from tokentape.formats import tape as native
from tokentape.formats.lines import Lines
from tokentape.library import open_file
from tokentape.library.lines import lines_of
from tokentape.model import Tape

FRAMES = (chunk(role="assistant"), chunk("Yes"), chunk(finish="stop"), DONE)


def lines(data: bytes, name: str) -> Lines:
    reading = read(data, name, repair=True)
    return Lines(data, reading.format, reading.tape)


def test_of_a_tape_each_byte_is_on_the_line_of_its_read() -> None:
    data = native.write(Tape(exchanges=(streamed(*FRAMES), streamed(*FRAMES))))
    found = lines(data, "a.tape.jsonl")
    text = data.splitlines()
    for exchange in (0, 1):
        begins = found.of(exchange)
        assert begins is not None
        assert json.loads(text[begins - 1])["line"] == "request"
        assert json.loads(text[begins - 1])["exchange"] == exchange
        offset = 0
        for number, frame in enumerate(FRAMES):
            for byte in (offset, offset + len(frame) - 1):
                assert found.of(exchange, byte) == begins + 2 + number
            offset += len(frame)
        # Behind the last byte: the last line there is.
        assert found.of(exchange, offset) == begins + 5


def test_exchanges_that_ran_at_the_same_time_are_told_apart() -> None:
    one = list(native.exchange_lines(0, streamed(*FRAMES)))
    two = list(native.exchange_lines(1, streamed(*FRAMES)))
    mixed = [line for pair in zip(one, two, strict=True) for line in pair]
    found = lines(native.header_line(Tape()) + b"".join(mixed), "a.tape.jsonl")
    assert [found.of(0), found.of(1), found.of(0, 0), found.of(1, 0)] == [2, 3, 6, 7]


def test_of_a_coded_body_only_the_response_is_known() -> None:
    exchange = streamed(*FRAMES)
    response = exchange.response
    assert response is not None
    coded = msgspec.structs.replace(
        response, headers=(*response.headers, ("Content-Encoding", "gzip"))
    )
    tape = Tape(exchanges=(msgspec.structs.replace(exchange, response=coded),))
    assert lines(native.write(tape), "a.tape.jsonl").of(0, 500) == 3


def test_a_request_alone_has_a_line() -> None:
    tape = Tape(exchanges=(msgspec.structs.replace(streamed(), response=None),))
    found = lines(native.write(tape), "a.tape.jsonl")
    assert found.of(0) == found.of(0, 10) == 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_of_an_event_stream_each_event_is_on_its_line(end: bytes) -> None:
    body = (b": hello\n\n" + b"".join(FRAMES)).replace(b"\n", end)
    found = lines(body, "a.sse")
    at = [body.index(frame.strip()) for frame in FRAMES]
    assert [found.of(0, byte) for byte in at] == [3, 5, 7, 9]
    assert found.of(0) == 1


def test_what_was_repaired_is_on_the_line_it_has_in_the_file() -> None:
    body = b"".join(frame[:-1] for frame in FRAMES)
    reading = read(body, "a.sse", repair=True)
    assert reading.repairs
    found = Lines(body, reading.format, reading.tape)
    opened = reading.tape.exchanges[0].body
    for within in (0, 10):
        assert [found.of(0, opened.index(f) + within) for f in FRAMES] == [1, 2, 3, 4]


def test_the_numbers_of_a_listing_are_no_text() -> None:
    body = b"".join(FRAMES)
    numbered = [b"%6d\t%b" % pair for pair in enumerate(body.split(b"\n")[:-1], 1)]
    listing = b"\n".join([b"a title", b"", *numbered, b""])
    found = lines(listing, "a.txt")
    assert [found.of(0, body.index(frame)) for frame in FRAMES] == [3, 5, 7, 9]


def test_packed_files_and_other_formats_have_no_lines(tmp_path: Path) -> None:
    data = native.write(Tape(exchanges=(streamed(*FRAMES),)))
    packed = tmp_path / "a.tape.jsonl.zst"
    packed.write_bytes(zstandard.compress(data))
    opened = open_file(packed)
    found = lines_of(opened)
    assert found is not None
    assert found.of(0, 0) is None
    packed.unlink()
    assert lines_of(opened) is None


def test_a_file_that_has_changed_since_has_the_lines_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "a.tape.jsonl"
    whole = native.write(Tape(exchanges=(streamed(*FRAMES),))).splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:5]))
    opened = open_file(path)
    path.write_bytes(b"".join(whole))
    found = lines_of(opened)
    assert found is not None
    assert found.of(0, len(FRAMES[0])) == 5
    path.write_bytes(b"something else\n")
    assert lines_of(opened) is None
