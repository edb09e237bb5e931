"""What the operator is told while nobody reads it."""

import fcntl
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.record.upstream import at_once, head, upstream
from tests.server.raw import Raw
from tests.server.tapes import asked, exchange, stream, write
from tokentape.server.telling import Telling, missed_text


class Reader:
    """Takes a line when the test lets it."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.at_it = threading.Event()
        self.goes_on = threading.Event()

    def take(self, line: str) -> None:
        self.at_it.set()
        assert self.goes_on.wait(20)
        self.got.append(line)

    def missed(self, count: int) -> None:
        self.got.append(missed_text(count))


def test_what_does_not_fit_is_dropped_and_counted_where_it_would_have_been() -> None:
    reader = Reader()
    telling = Telling(reader.missed, most=3)
    telling.put(partial(reader.take, "0"))
    assert reader.at_it.wait(20)
    for number in range(1, 10):
        telling.put(partial(reader.take, str(number)))
    assert not telling.close(0.01)
    reader.goes_on.set()
    assert telling.close(20)
    assert reader.got == [*"0123", "… 6 lines were not shown: nobody reads stderr"]


def test_what_can_not_be_said_stops_nothing() -> None:
    reader = Reader()
    reader.goes_on.set()
    telling = Telling(reader.missed)
    for error in (BrokenPipeError(), SystemExit(1)):

        def fails(error: BaseException = error) -> None:
            raise error

        telling.put(fails)
    telling.put(partial(reader.take, "last"))
    assert telling.close(20)
    assert reader.got == ["last"]


def test_nothing_told_is_no_thread() -> None:
    assert Telling(lambda count: None).close(0)


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_a_server_whose_stderr_is_not_read_serves_and_ends(tmp_path: Path, mode: str) -> None:
    """What it forwards has a line each, what it misses a block."""
    write(tmp_path / "a.tape.jsonl", exchange(stream("a")))
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with upstream(at_once(head("Content-Length: 2") + b"{}")) as up:
        forwarding = ["--tapes", str(tmp_path), "--upstream", up.url]
        words = ["--mode", "record", *forwarding] if mode == "record" else [str(tmp_path)]
        program = "from tokentape.cli import main; main()"
        with subprocess.Popen(
            [sys.executable, "-c", program, "serve", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
        ) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().removeprefix("base_url: ").strip()
                with Raw(url) as client:
                    for number in range(60):
                        client.post(asked(model="m" * 60, text=str(number)))
                        assert client.answer().whole
                server.terminate()
                assert server.wait(30) == 0
            finally:
                server.kill()
    assert len(os.read(reading, 8192)) > 3000
    os.close(writing)
    os.close(reading)
