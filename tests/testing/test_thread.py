"""`tokentape.replay` as Python code calls it: what it takes, and what it refuses at the call."""

from decimal import Decimal
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

import tokentape
from tests.samples import chunk
from tests.server.raw import Raw
from tests.server.tapes import asked, exchange, stream, write
from tokentape import Tape, UsageError, replay, save
from tokentape.library import Library

HUGE = 10**5000  # more digits than Python makes a text of
UNSEPARATED = b"".join(frame[:-1] for frame in (chunk("Yes"), chunk(finish="stop")))


@pytest.mark.parametrize(
    "speed",
    [0, -1, -0.0, nan, -inf, "fast", "", "inf", "0", None, True, [1], HUGE, "1e400"],
    ids=lambda speed: "huge" if speed == HUGE else repr(speed),
)
def test_a_speed_that_is_none_is_refused_at_the_call(tmp_path: Path, speed: Any) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a")))
    with (
        pytest.raises(UsageError, match="speed: expected a number above 0"),
        replay(tmp_path, speed=speed),
    ):
        pass


@pytest.mark.parametrize("speed", [1, 2.5, 1000, inf, "max", "MAX", "3", Decimal(2)])
def test_a_speed_is_a_number_or_what_the_command_line_takes(tmp_path: Path, speed: Any) -> None:
    reads = stream("a")
    write(tmp_path / "a.tape.jsonl", exchange(reads, gap_us=10))
    with replay(tmp_path, speed=speed) as server, Raw(server.base_url) as client:
        client.post(asked())
        assert client.answer().chunks == reads


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as told, replay(tmp_path):
        pass
    assert str(told.value) == f"nothing to replay: no files in {tmp_path}"


def test_a_tape_of_nothing_is_told(tmp_path: Path) -> None:
    save(Tape(), tmp_path / "a.tape.jsonl")
    with pytest.raises(UsageError) as told, replay(str(tmp_path)):
        pass
    assert str(told.value) == f"nothing to replay: no exchanges in {tmp_path}"


def test_files_that_are_no_recordings_are_told_with_why(tmp_path: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}.txt").write_text("Dear diary,\n")
    with pytest.raises(UsageError) as told, replay([tmp_path]):
        pass
    first, *refused, last = str(told.value).splitlines()
    assert first == f"nothing to replay: no exchanges in {tmp_path}; 8 refused:"
    assert [line.split(": ")[:2] for line in refused] == [
        [f"  {tmp_path}/{number}.txt", "text, not a recording"] for number in range(5)
    ]
    assert last == "  and 3 more"


def test_a_recording_that_needs_repair_is_replayed_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.sse").write_bytes(UNSEPARATED)
    with pytest.raises(UsageError, match=r"needs repair.*repair=True opens it"), replay(tmp_path):
        pass
    with replay(tmp_path, repair=True) as server, Raw(server.base_url) as client:
        client.post(asked("gpt-test"))
        assert client.answer().status == 200


def test_a_library_is_open_already(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="repair"), replay(Library([tmp_path]), repair=True):
        pass


def test_an_empty_library_may_be_served(tmp_path: Path) -> None:
    with tokentape.replay(Library([tmp_path])) as server:
        assert server.journal() == []
