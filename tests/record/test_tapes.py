"""Where exchanges are recorded, that each stays whole, and what happens when the disk fails."""

import os
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.record.recording import Told, process, recorded, recorder
from tests.record.upstream import (
    Connection,
    Scripted,
    answering,
    at_once,
    chunked,
    head,
    upstream,
)
from tests.server.raw import Raw
from tests.server.tapes import asked, exchange, stream, write
from tokentape.formats import tape as native
from tokentape.library import TapeAppender, load
from tokentape.model import Ending, Exchange, Request, Tape
from tokentape.server import disk as disk_module
from tokentape.server import recorder as recorder_module
from tokentape.server.scopes import tape_name
from tokentape.testing import Replay

SSE = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"
OK = head("Content-Length: 2") + b"{}"

# (what it is, the scope, the tape)
SCOPES: list[tuple[str, str | None, str]] = [
    ("none", None, "default"),
    ("empty", "", "default"),
    ("plain", "tests/test_a.py::test_b[x-1]", "tests/test_a.py__test_b[x-1]"),
    ("out of the folder", "../../etc/x", "etc/x"),
    ("absolute", "/etc/passwd", "etc/passwd"),
    ("a drive", "C:\\Windows\\x", "C_/Windows/x"),
    ("only dots", "..", "_"),
    ("dots and slashes", "./.././/", "_"),
    ("NUL", "a\0b", "a_b"),
    ("hidden", ".git/config", "_git/config"),
    ("a device", "nul", "_nul"),
    ("a device with a suffix", "COM1.txt", "_COM1.txt"),
    ("dots at the end", "a. .", "a"),
    ("another script", "тест/測試/テスト", "тест/測試/テスト"),
    ("a tape's own name", "a.tape.jsonl/b", "a_tape_jsonl/b"),
    ("a line break", "a\nb\x7f", "a_b_"),
]


@pytest.mark.parametrize(("scope", "name"), [s[1:] for s in SCOPES], ids=[s[0] for s in SCOPES])
def test_a_scope_has_a_tape(scope: str | None, name: str) -> None:
    assert tape_name(scope) == name + ".tape.jsonl"


def test_a_long_scope_is_shortened_and_told_apart() -> None:
    one, two = (tape_name("測" * 3000 + end) for end in "ab")
    assert one != two
    assert one.startswith("測測測")
    deep = tape_name("/".join("abcdefghijklmnop"))
    assert deep == "a/b/c/d/e/f/g/h_i_j_k_l_m_n_o_p.tape.jsonl"


@given(st.text(st.characters(codec=None), max_size=300) | st.text("./\\: \0aA", max_size=30))
def test_any_scope_stays_in_the_folder(scope: str) -> None:
    name = tape_name(scope)
    assert os.path.normpath(name) == name
    assert not os.path.isabs(name)
    for part in name.split("/"):
        assert part[0] != "."
        assert part == part.rstrip(". ")
        assert len(part.encode()) < 255
        assert not set(part) & set('\0\\:*?"<>|')


def test_scopes_have_tapes_of_their_own_and_replay_apart(tmp_path: Path) -> None:
    scopes = ["", "../../etc/x", "тест/b", "x" * 10_000]
    answers = [head("Content-Length: 1") + digit for digit in (b"0", b"1", b"2", b"3")]
    folder = tmp_path / "tapes"
    with (
        upstream(at_once(*answers)) as up,
        recorder(folder, up.url) as server,
        Raw(server.base_url) as client,
    ):
        for number, scope in enumerate(scopes):
            client.send(f"POST /v1/x HTTP/1.1\r\nX-TokenTape-Scope: {scope}\r\n\r\n".encode())
            assert client.answer().body == str(number).encode()
    assert [path for path in tmp_path.iterdir() if path != folder] == []
    names = {str(path.relative_to(folder)) for path in folder.rglob("*.jsonl")}
    assert names == {tape_name(scope) for scope in scopes}
    from tokentape.testing import replay

    with replay(folder) as server, Raw(server.base_url) as client:
        for number, scope in enumerate(scopes):
            name = scope or "default"
            client.send(f"POST /v1/x HTTP/1.1\r\nX-TokenTape-Scope: {name}\r\n\r\n".encode())
            assert client.answer().body == str(number).encode()


def test_exchanges_of_one_scope_at_the_same_time_stay_whole(tmp_path: Path) -> None:
    reads = stream("a", "b", "c")
    pieces = [SSE + chunked(reads[0]), *map(chunked, reads[1:]), END]
    with upstream(answering(*pieces)) as up, recorder(tmp_path, up.url) as server:
        clients = [Raw(server.base_url) for _ in range(20)]
        for number, client in enumerate(clients):
            client.post(asked(text=str(number)))
        for _ in clients:
            up.requests.get(timeout=20)
        # Each step lets some one of the streams go on: they run through one another.
        up.go(len(clients) * (len(pieces) + 1))
        for client in clients:
            assert client.answer().body == b"".join(reads)
            client.close()
    exchanges = recorded(tmp_path)
    assert {e.request.body for e in exchanges} == {asked(text=str(n)) for n in range(20)}
    assert {e.body for e in exchanges} == {b"".join(reads)}
    assert {e.ending for e in exchanges} == {Ending.COMPLETE}


def test_more_scopes_than_files_may_be_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_module, "_MOST_OPEN", 2)
    reads = stream("a", "b", "c")
    pieces = [SSE + chunked(reads[0]), *map(chunked, reads[1:]), END]
    with upstream(answering(*pieces)) as up, recorder(tmp_path, up.url) as server:
        clients = [Raw(server.base_url) for _ in range(10)]
        for number, client in enumerate(clients):
            client.post(asked(), f"x-tokentape-scope: s{number}")
        up.go(len(clients) * (len(pieces) + 1))
        for client in clients:
            assert client.answer().whole
            client.close()
    for number in range(10):
        (one,) = recorded(tmp_path, f"s{number}")
        assert (one.ending, one.body) == (Ending.COMPLETE, b"".join(reads))


def ask_once(url: str, told: Told | None = None, **more: object) -> None:
    """One whole exchange through the server, which must always serve."""
    with Raw(url) as client:
        client.post(asked())
        assert client.answer().whole


def test_what_was_recorded_before_is_appended_to(tmp_path: Path) -> None:
    before = write(tmp_path / "default.tape.jsonl", exchange(stream("old")))
    data = before.read_bytes()
    # A recorder was killed here in the middle of a line.
    before.write_bytes(data + b'{"line":"request","exch')
    with upstream(at_once(OK)) as up, recorder(tmp_path, up.url) as server:
        ask_once(server.base_url)
    assert before.read_bytes().startswith(data + b'{"line":"request","exchange":1,')
    assert [e.body for e in recorded(tmp_path)] == [b"".join(stream("old")), b"{}"]


DAMAGED = [
    ("no tape", b"something of mine\nand more\n"),
    ("a word", b"notes"),
    ("damaged in the middle", b'{"tokentape":1}\n{"line":"req\n{"line":"end","exchange":0}\n'),
    ("a number left out", b'{"tokentape":1}\n{"line":"request","exchange":1}\n'),
    ("a newer one", b'{"tokentape":99}\n'),
]


@pytest.mark.parametrize("data", [d[1] for d in DAMAGED], ids=[d[0] for d in DAMAGED])
def test_a_damaged_tape_is_left_alone_and_told_of_once(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "default.tape.jsonl"
    path.write_bytes(data)
    told = Told()
    with upstream(at_once(OK)) as up, recorder(tmp_path, up.url, told=told) as server:
        for _ in range(3):
            ask_once(server.base_url)
        assert told.troubled.wait(20)
        with Raw(server.base_url) as client:
            client.post(asked(), "x-tokentape-scope: good")
            assert client.answer().whole
    assert path.read_bytes() == data
    trouble, sum_up = told.troubles
    assert str(path) in trouble
    assert sum_up == "3 of 4 exchanges were not recorded: #1-#3"
    assert len(recorded(tmp_path, "good")) == 1


def test_two_recorders_do_not_write_the_same_tape(tmp_path: Path) -> None:
    told = Told()
    with (
        upstream(at_once(OK)) as up,
        TapeAppender(tmp_path / "default.tape.jsonl") as first,
        recorder(tmp_path, up.url, told=told) as server,
    ):
        first.add(exchange(stream("mine")))
        ask_once(server.base_url)
        assert told.troubled.wait(20)
    assert "another recorder" in told.troubles[0]
    assert len(recorded(tmp_path)) == 1


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file grows beyond this size: what a full disk looks like from inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 1, 100, 450, 600, 700, 1000])
def test_a_full_disk_costs_the_recording_and_nothing_else(tmp_path: Path, room: int) -> None:
    """Full at the request, at the response, in a read: later exchanges try again."""
    reads = stream("a" * 300, "b" * 300)
    body = b"".join(map(chunked, reads))
    told = Told()
    path = tmp_path / "default.tape.jsonl"
    with (
        upstream(at_once(SSE + body + END)) as up,
        recorder(tmp_path, up.url, told=told) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.answer().body == b"".join(reads)
        # The tape is written once its end line is there.
        wait_until(lambda: path.exists() and path.read_bytes().endswith(b'"complete"}\n'))
        before = path.read_bytes()
        with files_up_to(len(before) + room):
            for _ in range(3):
                client.post(asked())
                assert client.answer().body == b"".join(reads)
            assert told.troubled.wait(20)
            wait_until(lambda: "unrecorded_total 3.0" in metrics(server.base_url))
        client.post(asked())
        assert client.answer().body == b"".join(reads)
        journal = [row for row in server.journal() if row["operation"] != "/_tape/metrics"]
    assert [(row["outcome"], row["says"]) for row in journal] == [
        ("recorded", None),
        *[("forwarded", "not recorded")] * 3,
        ("recorded", None),
    ]
    assert path.read_bytes().startswith(before)
    first, *lost, last = recorded(tmp_path)
    assert first.ending is last.ending is Ending.COMPLETE
    assert last.body == b"".join(reads)
    assert {e.ending for e in lost} <= {Ending.STOPPED}
    trouble, sum_up = told.troubles
    assert "can't be appended to: File too large" in trouble
    assert sum_up == "3 of 5 exchanges were not recorded: #2-#4"
    assert [number for (number,), _ in told.of("unrecorded")] == [2, 3, 4]


def metrics(url: str) -> str:
    with Raw(url) as client:
        client.send(b"GET /_tape/metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        return client.answer().body.decode()


def wait_until(reached: "object") -> None:
    """Poll a condition that another thread brings about."""
    assert callable(reached)
    pause = threading.Event()
    for _ in range(2000):
        if reached():
            return
        pause.wait(0.01)
    raise AssertionError("it never came about")


def test_a_folder_that_can_not_be_is_told_of_and_the_client_served(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    told = Told()
    with upstream(at_once(OK)) as up, recorder(tmp_path / "file", up.url, told=told) as server:
        for _ in range(2):
            ask_once(server.base_url)
        assert told.troubled.wait(20)
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert len(told.troubles) == 2
    assert [number for (number,), _ in told.of("unrecorded")] == [1, 2]


async def one_waits(connection: Connection) -> None:
    """Answer in two reads; before the second, a request that says so waits for the test."""
    while True:
        request = await connection.request()
        await connection.send(SSE + chunked(b"data: 1\n\n"))
        if b"wait" in request:
            await connection.go()
        await connection.send(chunked(b"data: 2\n\n") + END)


@contextmanager
def half_recorded(path: Path, told: Told) -> Iterator[tuple[Scripted, Replay, Raw]]:
    """A recorder with half an answer on this tape; the rest comes when its upstream may go on."""
    with (
        upstream(one_waits) as up,
        recorder(path.parent, up.url, told=told) as server,
        Raw(server.base_url) as slow,
    ):
        slow.post(asked(text="wait"))
        wait_until(lambda: path.exists() and b'"read"' in path.read_bytes())
        yield up, server, slow


def test_a_tape_that_vanishes_while_it_is_recorded_is_begun_anew(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "default.tape.jsonl"
    with half_recorded(path, told) as (up, server, slow):
        path.unlink()
        ask_once(server.base_url)
        assert told.troubled.wait(20)
        up.go()
        assert slow.answer().whole
    (exchange,) = recorded(tmp_path)
    assert exchange.ending is Ending.COMPLETE
    assert exchange.request.body == asked()
    assert "vanished" in told.troubles[0]


OTHER = native.write(Tape(exchanges=(Exchange(request=Request(method="GET", url="/v1/x")),)))


def empty(path: Path) -> bytes:
    path.write_bytes(b"")
    return b""


def overwrite(path: Path) -> bytes:
    path.write_bytes(OTHER)
    return OTHER


def replace(path: Path) -> bytes:
    (path.parent / "new").write_bytes(OTHER)
    (path.parent / "new").rename(path)
    return OTHER


def append(path: Path) -> bytes:
    with path.open("ab") as file:
        file.write(b"a line of somebody's\n")
    return path.read_bytes()


@pytest.mark.parametrize("change", [empty, overwrite, replace, append])
def test_what_another_writes_to_a_tape_that_is_recorded_is_kept(
    change: Callable[[Path], bytes], tmp_path: Path
) -> None:
    told = Told()
    path = tmp_path / "default.tape.jsonl"
    with half_recorded(path, told) as (up, server, slow):
        theirs = change(path)
        up.go()
        assert slow.answer().whole
        assert told.troubled.wait(20)
        assert path.read_bytes() == theirs
        ask_once(server.base_url)
    assert path.read_bytes().startswith(theirs)
    assert "changed" in told.troubles[0]
    if change is not append:
        exchange = recorded(tmp_path)[-1]
        assert exchange.ending is Ending.COMPLETE
        assert exchange.request.body == asked()


def test_a_disk_that_does_not_keep_up_costs_the_recording_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_WAITING", 100_000)
    stalled = threading.Event()
    appended = disk_module.Disk._append

    def stalling(self: disk_module.Disk, name: str, items: list[disk_module.Item]) -> None:
        stalled.wait(20)
        appended(self, name, items)

    monkeypatch.setattr(disk_module.Disk, "_append", stalling)
    told = Told()
    big = head("Content-Length: 60000") + b"x" * 60_000
    with (
        upstream(at_once(big)) as up,
        recorder(tmp_path, up.url, told=told) as server,
        Raw(server.base_url) as client,
    ):
        for _ in range(4):
            client.post(asked())
            assert client.answer().whole
        assert told.troubled.wait(20)
        stalled.set()
        # Not before all that waited is done with: the next one would have to wait, too.
        wait_until(lambda: "unrecorded_total 3" in metrics(server.base_url))
        client.post(asked())
        assert client.answer().whole
    assert told.troubles == [
        "not recorded: the disk does not keep up",
        "3 of 5 exchanges were not recorded: #2-#4",
    ]
    assert [exchange.ending for exchange in recorded(tmp_path)] == [Ending.COMPLETE] * 2


def test_a_slow_client_slows_the_upstream(tmp_path: Path) -> None:
    """The upstream is held up while the client takes nothing; nothing is lost afterwards."""
    size = 64 * 1024 * 1024
    sent = 0
    held_up = threading.Event()

    async def script(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(head(f"Content-Length: {size}"))
        while sent < size:
            if not await connection.send_within(b"x" * 65536, 1.0):
                held_up.set()
                await connection.drain()
            sent += 65536

    with upstream(script) as up, recorder(tmp_path, up.url, mode="forward") as server:
        client = Raw(server.base_url, receive_buffer=65536)
        client.post(asked())
        assert held_up.wait(60)
        assert sent < size // 2
        got = 0
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
        while client.file.readline() != b"\r\n":
            pass
        while got < size:
            got += len(client.file.read(min(1 << 20, size - got)))
        client.close()


def test_memory_stays_flat_over_100_mb_without_a_line_end(tmp_path: Path) -> None:
    size = 100 * 1024 * 1024
    piece = bytes(range(97, 123)) * 2520 + b"\xc3\xa9" * 8

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(head("Transfer-Encoding: chunked"))
        for _ in range(size // len(piece)):
            await connection.send(chunked(piece))
        await connection.send(END)

    with upstream(script) as up, process(tmp_path, up.url) as (server, url):
        before = peak_memory(server.pid)
        with Raw(url) as client:
            client.post(b"again")
            assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
            while client.file.readline() != b"\r\n":
                pass
            got = 0
            while got < size // len(piece) * len(piece):
                length = int(client.file.readline(), 16)
                got += len(client.file.read(length))
                client.file.readline()
        after = peak_memory(server.pid)
        assert after - before < 80 * 1024 * 1024
        server.terminate()
        _, errors = server.communicate(timeout=30)
        assert errors == ""
    from tokentape.limits import Limits

    exchanges = load(tmp_path / "default.tape.jsonl", limits=Limits(max_bytes=1 << 30)).exchanges
    assert [e.ending for e in exchanges] == [Ending.COMPLETE]
    assert exchanges[0].body == piece * (size // len(piece))


def peak_memory(pid: int) -> int:
    """The most a process ever held, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")
