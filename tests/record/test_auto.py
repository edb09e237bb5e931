"""Auto: what is there is replayed, what is not is recorded, and from then on is there."""

from pathlib import Path

import pytest

from tests.record.recording import recorded, recorder
from tests.record.upstream import Connection, at_once, chunked, head, upstream
from tests.server.raw import Raw
from tests.server.tapes import asked, exchange, stream, write
from tokentape.library import Library
from tokentape.model import Ending
from tokentape.redact import Paths, Redaction
from tokentape.server import Upstream
from tokentape.server import disk as disk_module
from tokentape.server import recorder as recorder_module
from tokentape.testing import replay

SSE = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"


def digit(text: bytes) -> bytes:
    return head("Content-Length: 1") + text


def test_a_miss_is_recorded_and_a_hit_ever_after(tmp_path: Path) -> None:
    numbers = at_once(*(digit(b"%d" % n) for n in range(9)))
    with (
        upstream(numbers) as up,
        recorder(tmp_path, up.url, mode="auto") as server,
        Raw(server.base_url) as client,
    ):
        # Asked again at once, whether or not the disk has it yet.
        for text, body in [("a", b"0"), ("a", b"0"), ("b", b"1"), ("a", b"0"), ("b", b"1")]:
            client.post(asked(text=text))
            assert client.answer().body == body
        outcomes = [row["outcome"] for row in server.journal()]
        assert outcomes == ["recorded", "hit", "recorded", "hit", "hit"]
        # In a scope only what was recorded in it answers.
        client.post(asked(text="a"), "x-tokentape-scope: other")
        assert client.answer().body == b"2"
        client.post(asked(text="a"), "x-tokentape-scope: other")
        assert client.answer().body == b"2"
    assert [e.body for e in recorded(tmp_path)] == [b"0", b"1"]
    assert [e.body for e in recorded(tmp_path, "other")] == [b"2"]
    with upstream(numbers) as up:
        library = Library([tmp_path])
        with (
            recorder(tmp_path, up.url, mode="auto", library=library) as server,
            Raw(server.base_url) as client,
        ):
            for text, body in [("a", b"0"), ("c", b"0"), ("b", b"1"), ("c", b"0")]:
                client.post(asked(text=text))
                assert client.answer().body == body
        assert up.connections == 1
    assert [e.body for e in recorded(tmp_path)] == [b"0", b"1", b"0"]


def test_two_in_flight_are_recorded_once_each_in_order(tmp_path: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        number = len(order)
        order.append(number)
        # The second answers first.
        if number == 0:
            await connection.go()
        await connection.send(digit(b"%d" % number))
        await connection.gone()

    order: list[int] = []
    with upstream(script) as up, recorder(tmp_path, up.url, mode="auto") as server:
        with Raw(server.base_url) as first, Raw(server.base_url) as second:
            first.post(asked())
            up.requests.get(timeout=60)
            second.post(asked())
            assert second.answer().body == b"1"
            up.go()
            assert first.answer().body == b"0"
        with Raw(server.base_url) as client:
            for body in (b"0", b"1", b"1"):
                client.post(asked())
                assert client.answer().body == body
        assert order == [0, 1]
    assert [e.body for e in recorded(tmp_path)] == [b"0", b"1"]


def test_streams_are_replayed_read_by_read(tmp_path: Path) -> None:
    reads = stream("a", "b")

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(SSE)
        for read in reads:
            await connection.go()
            await connection.send(chunked(read))
        await connection.send(END)
        await connection.gone()

    with (
        upstream(script) as up,
        recorder(tmp_path, up.url, mode="auto") as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        while client.file.readline() != b"\r\n":
            pass
        for read in reads:
            up.go()
            assert client.file.read(len(chunked(read))) == chunked(read)
        assert client.file.read(5) == END
        client.post(asked())
        assert client.answer().chunks == reads


@pytest.mark.parametrize("how", ["unreachable", "left", "stopped"])
def test_what_is_no_answer_is_asked_for_again(tmp_path: Path, how: str) -> None:
    """On the tape of an earlier run, too."""
    if how == "unreachable":
        with recorder(tmp_path, "http://127.0.0.1:9/v1", mode="auto") as server:
            for _ in range(2):
                with Raw(server.base_url) as client:
                    client.post(asked())
                    assert client.answer().status == 502
    else:
        ending = Ending.LEFT if how == "left" else Ending.STOPPED
        write(tmp_path / "default.tape.jsonl", exchange(stream("a"), ending=ending))
    library = Library([tmp_path])
    before = len(library.entries)
    with (
        upstream(at_once(digit(b"1"))) as up,
        recorder(tmp_path, up.url, mode="auto", library=library) as server,
        Raw(server.base_url) as client,
    ):
        for _ in range(2):
            client.post(asked())
            assert client.answer().body == b"1"
    assert len(recorded(tmp_path)) == before + 1


def test_errors_and_cut_answers_are_answers(tmp_path: Path) -> None:
    async def script(connection: Connection) -> None:
        if b"cut" in await connection.request():
            await connection.send(SSE + chunked(b"data: 1\n\n"))
        else:
            await connection.send(head("Content-Length: 0", "Connection: close", status="500 No"))

    with upstream(script) as up, recorder(tmp_path, up.url, mode="auto") as server:
        for text, status, whole in [("cut", 200, False), ("fail", 500, True)]:
            for _ in range(2):
                with Raw(server.base_url) as client:
                    client.post(asked(text=text))
                    answer = client.answer()
                    assert (answer.status, answer.whole) == (status, whole)
        assert up.connections == 2


def is_asked_for_again(tmp_path: Path) -> None:
    with (
        upstream(at_once(digit(b"1"), digit(b"2"))) as up,
        recorder(tmp_path, up.url, mode="auto") as server,
        Raw(server.base_url) as client,
    ):
        for body in (b"1", b"2"):
            client.post(asked())
            assert client.answer().body == body


def test_what_the_disk_did_not_take_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(self: disk_module.Disk, name: str, items: list[disk_module.Item]) -> None:
        self._lose(name, disk_module._places(items), "no")

    monkeypatch.setattr(disk_module.Disk, "_append", lose)
    is_asked_for_again(tmp_path)


def test_what_was_given_up_before_it_was_begun_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "_MOST_WAITING", -1)
    is_asked_for_again(tmp_path)


def test_a_redacted_tape_still_matches(tmp_path: Path) -> None:
    redaction = Redaction(paths=Paths(["$.user"]))
    body = asked(text="my key is sk-ABCDEFGHIJKLMNOPQRSTUVWX", user="ada")
    other = asked(text="my key is sk-ZZZZZZZZZZZZZZZZZZZZZZZZ", user="bob")
    with (
        upstream(at_once(digit(b"1"))) as up,
        recorder(tmp_path, up.url, mode="auto", redaction=redaction) as server,
        Raw(server.base_url) as client,
    ):
        for one in (body, body, other):
            client.post(one, path="/v1/x?api_key=abc")
            assert client.answer().body == b"1"
        assert [row["outcome"] for row in server.journal()] == ["recorded", "hit", "hit"]
    (exchange,) = recorded(tmp_path)
    assert exchange.request.url.endswith("/v1/x?api_key=REDACTED")
    assert exchange.request.body is not None
    assert b"sk-REDACTED" in exchange.request.body
    assert b'"user": "REDACTED"' in exchange.request.body
    from tokentape.server import Settings

    settings = Settings(port=0, redaction=redaction, speed=float("inf"), grace_s=0)
    with replay(tmp_path, settings=settings) as server, Raw(server.base_url) as client:
        client.post(other, path="/v1/x?api_key=xyz")
        assert client.answer().body == b"1"


@pytest.mark.parametrize("synthesise", [True, False])
def test_what_can_be_synthesised_is_there(tmp_path: Path, synthesise: bool) -> None:
    reads = b"".join(map(chunked, stream("a")))
    answers = at_once(SSE + reads + END, digit(b"1"))
    with (
        upstream(answers) as up,
        recorder(tmp_path, up.url, mode="auto", synthesise=synthesise) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.answer().whole
        # Its recording may still be on its way to the disk: the same request waits for that.
        client.post(asked())
        assert client.answer().whole
        client.post(asked(stream=False))
        assert (b'"chat.completion"' in client.answer().body) is synthesise
    assert len(recorded(tmp_path)) == (1 if synthesise else 2)


def test_a_tape_recorded_in_clear_matches_too(tmp_path: Path) -> None:
    body = asked(text="sk-ABCDEFGHIJKLMNOPQRSTUVWX")
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), body=body))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        client.post(body)
        assert client.answer().whole


def test_upstreams_do_not_answer_for_one_another(tmp_path: Path) -> None:
    """The same request to two of them is two exchanges, when they are read again as well."""
    body = {b"/v1/x": b"one", b"/two/v1/x": b"two"}
    answers = [head(f"Content-Length: {len(text)}") + text for text in body.values()]
    with upstream(at_once(answers[0])) as one, upstream(at_once(answers[1])) as two:
        both = (Upstream("one", one.url), Upstream("two", two.url))
        for _ in range(2):
            origins = [each.url for each in both]
            library = Library([tmp_path] if any(tmp_path.iterdir()) else [], origins=origins)
            with (
                recorder(tmp_path, *both, mode="auto", library=library) as server,
                Raw(server.base_url) as client,
            ):
                for _ in range(2):
                    for path, text in body.items():
                        client.post(asked(stream=False), path=path.decode())
                        assert client.answer().body == text
                client.post(asked(stream=False), path="/three/v1/x")
                assert client.answer().status == 404
        assert [up.requests.qsize() for up in (one, two)] == [1, 1]
    assert [exchange.body for exchange in recorded(tmp_path)] == [b"one", b"two"]


def test_what_is_no_known_operation_is_found_again_too(tmp_path: Path) -> None:
    """The client asks below /v1, the upstream has it elsewhere."""
    with upstream(at_once(digit(b"1"))) as up:
        base = f"http://127.0.0.1:{up.port}/deep/api/v9"
        with recorder(tmp_path, base, mode="auto") as server, Raw(server.base_url) as client:
            for _ in range(2):
                client.post(asked(stream=False), path="/v1/files/a?b=c")
                assert client.answer().body == b"1"
    assert len(recorded(tmp_path)) == 1
