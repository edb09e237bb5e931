"""The server as a process: its first line, its signals, the port."""

import resource
import signal
import socket
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import Popen

import pytest

from tests.process import serving
from tests.server.raw import Raw
from tests.server.tapes import asked, exchange, stream, write
from tokentape.errors import UsageError
from tokentape.server import Settings, bind
from tokentape.testing import replay

# asyncio's debug mode warns of what takes 0.1 s, as it may on a busy machine.
PROGRAM = """
import logging, sys
logging.getLogger("asyncio").setLevel(logging.ERROR)
from tokentape.library import Library
from tokentape.server import Settings, run
run(Settings(port=0, speed=1.0, grace_s=float(sys.argv[2])), Library([sys.argv[1]]))
"""
HOUR_US = 3_600_000_000


def process(folder: Path, grace_s: float) -> AbstractContextManager[tuple[Popen[str], str]]:
    return serving(PROGRAM, folder, grace_s, options=("-X", "dev", "-W", "error"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_exits_0(tmp_path: Path, number: int) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), gap_us=60_000))
    with process(tmp_path, 20) as (server, url), Raw(url) as client, Raw(url):
        client.post(asked())
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
        server.send_signal(number)
        rest = client.file.read()
        out, errors = server.communicate(timeout=30)
    assert rest.endswith(b"0\r\n\r\n")
    assert (server.returncode, out, errors) == (0, "", "")


def test_a_signal_right_after_the_first_line_is_a_drain_too(tmp_path: Path) -> None:
    with process(tmp_path, 20) as (server, _):
        server.terminate()
        assert server.wait(30) == 0


def test_streams_that_outlast_the_grace_are_cut(tmp_path: Path) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), gap_us=1, end_us=HOUR_US))
    with process(tmp_path, 0.01) as (server, url), Raw(url) as client:
        client.post(asked())
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
        server.terminate()
        answer = client.file.read()
        _, errors = server.communicate(timeout=30)
    assert not answer.endswith(b"0\r\n\r\n")
    assert (server.returncode, errors) == (0, "")


def test_a_second_signal_ends_the_drain(tmp_path: Path) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), gap_us=1, end_us=HOUR_US))
    with process(tmp_path, 3600) as (server, url), Raw(url) as client, Raw(url) as idle:
        client.post(asked())
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
        server.terminate()
        assert idle.closed()
        server.terminate()
        server.communicate(timeout=30)
    assert server.returncode == 0


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a")))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"port {port} .* in use.*--port 0"):
            bind("127.0.0.1", port)
        with pytest.raises(UsageError, match=str(port)), replay(tmp_path, port=port):
            pass


@pytest.mark.parametrize(
    ("host", "port"), [("no.such.host.invalid", 0), ("127.0.0.1", 70_000), ("127.0.0.1", -1)]
)
def test_an_address_that_can_not_be_is_a_usage_error(host: str, port: int) -> None:
    with pytest.raises(UsageError):
        bind(host, port)


def test_the_server_runs_without_uvloop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    reads = stream("a", "b")
    write(tmp_path / "a.tape.jsonl", exchange(reads, gap_us=2_000))
    with replay(tmp_path, speed=1) as server, Raw(server.base_url) as client:
        assert type(server._loop).__module__.startswith("asyncio")
        client.post(asked())
        assert client.answer().chunks == reads


def test_replay_leaves_nothing_behind(tmp_path: Path) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), gap_us=1, end_us=HOUR_US))
    with replay([tmp_path], speed=1) as server:
        client = Raw(server.base_url)
        client.post(asked())
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
    with client:
        assert not client.file.read().endswith(b"0\r\n\r\n")
    assert server._loop.is_closed()


@pytest.mark.skipif(sys.platform != "linux", reason="the table of open files is Linux's")
def test_open_files_have_room_before_there_are_streams(tmp_path: Path) -> None:
    """A table that grows later holds all streams up for milliseconds."""
    with process(tmp_path, 20) as (server, _):
        status = Path(f"/proc/{server.pid}/status").read_text()
        soft, _hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    size = int(status.partition("FDSize:")[2].split()[0])
    assert size >= min(soft, Settings().max_connections)
