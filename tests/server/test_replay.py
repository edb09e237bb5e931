"""The replay server through bare sockets: bytes, chunks, order, limits, departures."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from math import inf
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from tests.server.raw import Raw, request
from tests.server.tapes import JSON, asked, exchange, stream, write
from tokentape.library import Entry, Library
from tokentape.model import Ending, Exchange, Fidelity, Request
from tokentape.server import Settings, intake
from tokentape.testing import Replay, replay

T = TypeVar("T")
HOUR_US = 3_600_000_000


class Serve(Protocol):
    def __call__(self, *exchanges: Exchange, **settings: Any) -> Replay: ...


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    # However long a client on a busy machine goes on sending what is refused.
    monkeypatch.setattr(intake, "_LINGER_S", 60.0)
    with ExitStack() as stack:

        def start(*exchanges: Exchange, **settings: Any) -> Replay:
            write(tmp_path / "tapes" / "a.tape.jsonl", *exchanges)
            made = Settings(**{"port": 0, "speed": inf, "grace_s": 0, **settings})
            return stack.enter_context(replay(tmp_path / "tapes", settings=made))

        yield start


def on_loop(server: Replay, what: Callable[[Any], T]) -> T:
    """Run something on the server's loop, with its Server."""

    async def run() -> T:
        return what(server._server)

    return asyncio.run_coroutine_threadsafe(run(), server._loop).result(20)


def until(server: Replay, true: Callable[[Any], bool]) -> None:
    """Wait, on the server's loop, until something is true of the server; fails after 20 s."""

    async def wait() -> None:
        async with asyncio.timeout(20):
            while not true(server._server):  # noqa: ASYNC110 - no event tells of these states
                await asyncio.sleep(0)

    asyncio.run_coroutine_threadsafe(wait(), server._loop).result(30)


def error_of(body: bytes) -> dict[str, Any]:
    found = json.loads(body)["error"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("speed", [inf, 1.0])
def test_each_read_is_one_chunk_byte_for_byte(serve: Serve, speed: float) -> None:
    reads = [b"data: 1\n\nda", b"ta: \xf0\x9f", b"\x98\x80\n\n", b"\r\n", b"\x00\xff"]
    server = serve(exchange(reads, gap_us=2_000), speed=speed)
    with Raw(server.base_url) as client:
        client.post(asked())
        answer = client.answer()
    assert answer.chunks == reads
    assert answer.whole
    assert answer.status == 200
    assert answer.headers[:2] == [
        ("Content-Type", "text/event-stream; charset=utf-8"),
        ("X-Request-Id", "req_1"),
    ]


def test_paced_writes_are_never_early(serve: Serve) -> None:
    server = serve(exchange(stream("a", "b"), gap_us=5_000, end_us=25_000), speed=1.0)
    with Raw(server.base_url) as client:
        client.post(asked())
        assert client.answer().whole
    (row,) = server.journal()
    assert row["duration_ms"] >= 25
    assert row["lateness_ms"]["max"] >= row["lateness_ms"]["p50"] >= 0
    assert (row["writes"], row["of_writes"], row["left_early"]) == (4, 4, False)


def test_keep_alive_serves_one_after_another(serve: Serve) -> None:
    server = serve(exchange(stream("a")), exchange(stream("b"), body=asked(text="b")))
    with Raw(server.base_url) as client:
        for text, says in (("hi", "a"), ("b", "b"), ("hi", "a")):
            client.post(asked(text=text))
            answer = client.answer()
            assert (answer.body, answer.whole) == (b"".join(stream(says)), True)


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    server = serve(
        exchange(stream("slow"), gap_us=5_000),
        exchange(stream("fast"), body=asked(text="fast"), gap_us=None),
        speed=1.0,
    )
    admin = request(b"", path="/v1/models", method="GET")
    miss = request(asked(text="nobody"))
    with Raw(server.base_url) as client:
        client.send(
            request(asked()) + admin + request(asked(text="fast")) + miss + request(asked())
        )
        answers = [client.answer() for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 200, 200, 404, 200]
    assert b"slow" in answers[0].body
    assert b'"list"' in answers[1].body
    assert b"fast" in answers[2].body
    assert answers[4].body == answers[0].body


def test_many_pipelined_requests_neither_recurse_nor_pile_up(serve: Serve) -> None:
    server = serve(exchange([b"{}"], headers=JSON, gap_us=None), max_waiting=4)
    with Raw(server.base_url) as client:
        client.send(request(asked()) * 3_000)
        assert all(client.answer().body == b"{}" for _ in range(3_000))


def test_expect_continue_is_answered_before_the_body(serve: Serve) -> None:
    server = serve(exchange([b"{}"], headers=JSON))
    body = asked()
    with Raw(server.base_url) as client:
        client.send(request(body, "Expect: 100-continue")[: -len(body)])
        assert client.answer(head_only=True).status == 100
        client.send(body)
        assert client.answer().status == 200


def test_expect_continue_waits_for_the_answer_before(serve: Serve) -> None:
    server = serve(exchange(stream("a"), gap_us=5_000), speed=1.0)
    body = asked()
    with Raw(server.base_url) as client:
        client.send(request(body) + request(body, "Expect: 100-continue")[: -len(body)])
        assert client.answer().whole
        assert client.answer(head_only=True).status == 100
        client.send(body)
        assert client.answer().whole


def test_a_body_too_large_is_refused_before_it_is_sent(serve: Serve) -> None:
    server = serve(exchange([b"{}"]))
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    with Raw(server.base_url) as client:
        client.send(head + b"Content-Length: 33554433\r\n\r\n")
        answer = client.answer()
        assert client.closed()
    assert answer.status == 413
    message = error_of(answer.body)["message"]
    assert "33554432 bytes" in message
    assert "TOKENTAPE_MAX_BODY" in message


def test_a_chunked_body_is_joined_and_bounded(serve: Serve) -> None:
    server = serve(exchange([b"{}"]), max_body=1000)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = asked()
    chunked = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    with Raw(server.base_url) as client:
        client.send(head + chunked)
        assert client.answer().body == b"{}"
        client.send(head + b"3e9\r\n" + b"x" * 1001)
        assert client.answer().status == 413
        assert client.closed()


def test_a_client_still_sending_gets_its_refusal(serve: Serve) -> None:
    server = serve(exchange([b"{}"]), max_body=1000)
    with Raw(server.base_url) as client:
        client.send(request(b"x" * 3_000_000))
        assert client.answer().status == 413


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        (b"nonsense\r\n\r\n", 400, "HTTP/1.1 request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "HTTP/1.1 request"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431, "headers"),
        (b"GET /" + b"x" * 70_000, 431, "headers"),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "HTTP/1.1 request"),
    ],
)
def test_what_is_no_request_is_told_so(serve: Serve, sent: bytes, status: int, says: str) -> None:
    server = serve(exchange([b"{}"]))
    with Raw(server.base_url) as client:
        client.send(sent)
        answer = client.answer()
        assert client.closed()
    assert answer.status == status
    assert says in error_of(answer.body)["message"]


def test_a_refusal_waits_for_the_answer_before(serve: Serve) -> None:
    server = serve(exchange(stream("a"), gap_us=5_000), speed=1.0)
    with Raw(server.base_url) as client:
        client.send(request(asked()) + b"nonsense\r\n\r\n")
        assert client.answer().whole
        assert client.answer().status == 400
        assert client.closed()


def test_trailers_without_end_are_refused(serve: Serve) -> None:
    server = serve(exchange([b"{}"]))
    head = b"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with Raw(server.base_url) as client:
        client.send(head)
        client.send(b"x-trailer: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 40_000)
        assert client.answer().status == 400


def test_too_many_connections_are_told_so(serve: Serve) -> None:
    server = serve(exchange([b"{}"], headers=JSON), max_connections=1)
    with Raw(server.base_url) as first, Raw(server.base_url) as second:
        first.post(asked())
        assert first.answer().status == 200
        second.post(asked())
        answer = second.answer()
        assert second.closed()
        first.post(asked())
        assert first.answer().status == 200
    assert answer.status == 503
    message = error_of(answer.body)["message"]
    assert "at most 1 connections" in message
    assert "TOKENTAPE_MAX_CONNECTIONS" in message


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "has no body"),
        (b"{oh", "not JSON"),
        (b'{"model": "\xff"}', "not UTF-8"),
        (b'{"model": "gpt-4o", "stream": true}', "messages"),
    ],
)
def test_a_miss_says_what_is_wrong_with_the_request(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], body: bytes, says: str
) -> None:
    write(tmp_path / "a.tape.jsonl", exchange([b"{}"]))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        client.post(body)
        answer = client.answer()
        (row,) = server.journal()
    error = error_of(answer.body)
    assert answer.status == 404
    assert (error["type"], error["code"], error["param"]) == ("tape_miss", "tape_miss", None)
    assert says in error["message"]
    assert error["nearest"][0]["exchange"] == 0
    assert row["outcome"] == "miss"
    assert error["message"] in capfd.readouterr().err


def test_an_empty_library_says_so(tmp_path: Path) -> None:
    with replay(Library([tmp_path])) as server, Raw(server.base_url) as client:
        client.post(asked())
        assert "no exchange is recorded" in error_of(client.answer().body)["message"]


def test_the_scope_asked_for_is_the_only_one_searched(tmp_path: Path) -> None:
    write(tmp_path / "one.tape.jsonl", exchange([b'"1"'], headers=JSON))
    write(tmp_path / "sub" / "two.tape.jsonl", exchange([b'"2"'], headers=JSON))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        for scope, body in (("sub/two", b'"2"'), ("one", b'"1"')):
            client.post(asked(), f"X-TokenTape-Scope: {scope}")
            assert client.answer().body == body
        client.post(asked(), "x-tokentape-scope: sub/tow")
        assert "'sub/two'" in error_of(client.answer().body)["message"]


@pytest.mark.parametrize(
    ("exhausted", "third"), [("last", b'"2"'), ("cycle", b'"1"'), ("error", None)]
)
def test_identical_requests_get_their_answers_in_order(
    serve: Serve, exhausted: str, third: bytes | None
) -> None:
    server = serve(
        exchange([b'"1"'], headers=JSON), exchange([b'"2"'], headers=JSON), exhausted=exhausted
    )
    found = []
    with Raw(server.base_url) as client:
        for _ in range(3):
            client.post(asked())
            found.append(client.answer())
    assert [answer.body for answer in found[:2]] == [b'"1"', b'"2"']
    if third is None:
        assert "used up" in error_of(found[2].body)["message"]
    else:
        assert found[2].body == third


def test_a_cut_stream_is_cut_on_the_wire(serve: Serve) -> None:
    reads = stream("a", "b")[:-1]
    server = serve(exchange(reads, ending=Ending.CUT))
    with Raw(server.base_url) as client:
        client.post(asked())
        answer = client.answer()
        assert client.closed()
    assert answer.chunks == reads
    assert not answer.whole


def test_an_exchange_without_response_closes_without_a_byte(serve: Serve) -> None:
    server = serve(Exchange(request=Request(url="/v1/chat/completions", body=asked())))
    with Raw(server.base_url) as client:
        client.post(asked())
        assert client.closed()


def test_an_error_status_is_that_status(serve: Serve) -> None:
    headers = (*JSON, ("Retry-After", "7"))
    server = serve(exchange([b'{"error": {}}'], status=429, reason="Slow", headers=headers))
    with Raw(server.base_url) as client:
        client.post(asked())
        answer = client.answer()
    assert (answer.status, answer.reason) == (429, "Slow")
    assert answer.header("retry-after") == "7"
    assert answer.body == b'{"error": {}}'


def test_a_client_of_http_1_0_gets_the_body_and_the_end(serve: Serve) -> None:
    reads = stream("a")
    server = serve(exchange(reads))
    with Raw(server.base_url) as client:
        client.send(request(asked()).replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert client.answer().chunks == [b"".join(reads)]


def test_a_client_that_wants_no_more_is_closed(serve: Serve) -> None:
    server = serve(exchange(stream("a")))
    with Raw(server.base_url) as client:
        client.post(asked(), "Connection: close")
        answer = client.answer()
        assert client.closed()
    assert answer.whole
    assert answer.header("connection") == "close"


@pytest.mark.parametrize(
    "headers",
    [
        ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"),
        ("Connection: upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    ],
)
def test_an_offer_of_another_protocol_is_passed_over(
    serve: Serve, headers: tuple[str, ...]
) -> None:
    server = serve(exchange([b"{}"], headers=JSON))
    with Raw(server.base_url) as client:
        client.send(request(asked(), *headers) + request(asked()))
        assert client.answer().body == b"{}"
        assert client.answer().body == b"{}"


def test_a_tunnel_is_no_request_we_know(serve: Serve) -> None:
    server = serve(exchange([b"{}"], headers=JSON))
    with Raw(server.base_url) as client:
        client.send(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01")
        assert client.answer().status == 404
        assert client.closed()


def test_a_departed_client_is_journalled_and_waits_nowhere(serve: Serve) -> None:
    reads = stream("a", "b", "c")
    exchanges = exchange(reads, gap_us=None, end_us=HOUR_US)
    server = serve(exchanges, speed=1.0)
    with Raw(server.base_url) as client:
        client.post(asked())
        first = client.file.readline()
        until(server, lambda made: len(made.deck.wheel) == 1)
    assert first == b"HTTP/1.1 200 OK\r\n"
    until(server, lambda made: made.deck.counters.left == 1)
    assert on_loop(server, lambda made: len(made.deck.wheel)) == 0
    assert on_loop(server, lambda made: made.deck.counters.open) == 0
    (row,) = server.journal()
    assert row["left_early"]
    assert row["left_at_ms"] is not None
    assert (row["writes"], row["bytes"]) == (len(reads), len(b"".join(reads)))


@pytest.mark.parametrize("speed", [inf, 1.0])
def test_a_slow_client_holds_back_what_it_does_not_take(serve: Serve, speed: float) -> None:
    reads = [b"%06d" % number * 5_000 for number in range(1_000)]  # 30 MB
    server = serve(exchange(reads, gap_us=10), speed=speed)
    with Raw(server.base_url, receive_buffer=4096) as client:
        client.post(asked())
        found: list[tuple[int, int]] = []

        def held(made: Any) -> bool:
            # Both at the moment when it is held back: the kernel may take more in the next.
            found.extend(
                (one.transport.get_write_buffer_size(), len(made.deck.wheel))
                for one in made.server_state.connections
                if one.write_paused
            )
            return bool(found)

        until(server, held)
        ((kept, timers),) = found
        assert kept <= 64 * 1024
        # What waits for the client is in no timer.
        assert timers == 0
        answer = client.answer()
    assert answer.chunks == reads
    assert answer.whole


def test_what_a_slow_client_left_is_not_counted_as_delivered(serve: Serve) -> None:
    reads = [b"x" * 100_000] * 300
    server = serve(exchange(reads, gap_us=10))
    with Raw(server.base_url, receive_buffer=4096) as client:
        client.post(asked())
        until(server, lambda made: any(one.write_paused for one in made.server_state.connections))
    until(server, lambda made: made.deck.counters.left == 1)
    (row,) = server.journal()
    assert row["left_early"]
    assert row["bytes"] < row["of_bytes"] == 30_000_000
    assert row["writes"] == row["bytes"] // 100_000 < row["of_writes"]


def test_idle_connections_are_closed_and_busy_ones_are_not(serve: Serve) -> None:
    server = serve(
        exchange(stream("a"), gap_us=HOUR_US),
        exchange([b"{}"], body=asked(text="b"), gap_us=None),
        speed=1.0,
    )
    with (
        Raw(server.base_url) as idle,
        Raw(server.base_url) as busy,
        Raw(server.base_url) as halfway,
    ):
        idle.post(asked(text="b"))
        assert idle.answer().whole
        busy.post(asked())
        halfway.send(b"POST /v1/chat/completions HTTP/1.1\r\n")
        until(server, lambda made: len(made.deck.wheel) == 1)
        until(server, lambda made: sum(c._part for c in made.server_state.connections) == 1)

        def sweep(made: Any) -> None:
            for connection in list(made.server_state.connections):
                connection.idle_since(made.deck.sweeps)

        on_loop(server, sweep)
        assert idle.closed()
        assert halfway.answer().status == 408
        assert on_loop(server, lambda made: len(made.deck.wheel)) == 1


def test_a_tape_that_changed_or_vanished_is_an_error_that_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a.tape.jsonl", exchange([b"{}"]))
    other = write(tmp_path / "b.tape.jsonl", exchange([b"{}"], body=asked(text="b")))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        path.write_bytes(path.read_bytes() + b"\n")
        other.unlink()
        for text, says in (("hi", "changed"), ("b", "was there")):
            client.post(asked(text=text))
            answer = client.answer()
            assert answer.status == 500
            assert error_of(answer.body)["type"] == "tape_error"
            assert says in error_of(answer.body)["message"]
    assert "changed" in capfd.readouterr().err


def test_what_the_server_tells_of_itself(serve: Serve) -> None:
    server = serve(exchange(stream("a")), exchange(stream("b"), body=asked("o3-mini")))
    with Raw(server.base_url) as client:

        def get(path: str, *headers: str) -> Any:
            client.send(request(b"", *headers, path=path, method="GET"))
            return client.answer()

        client.post(asked())
        assert client.answer().whole
        models = json.loads(get("/v1/models").body)
        assert models["object"] == "list"
        assert [model["id"] for model in models["data"]] == ["gpt-4o", "o3-mini"]
        assert json.loads(get("/_tape/health").body)["exchanges"] == 2
        (row,) = json.loads(get("/_tape/journal").body)["requests"]
        assert (row["outcome"], row["status"], row["exchange"]) == ("hit", 200, 0)
        metrics = get("/_tape/metrics").body.decode()
        assert 'tokentape_requests_total{outcome="hit"} 1.0' in metrics
        assert "tokentape_exchanges 2.0" in metrics
        nothing = get("/_tape/nothing")
        assert nothing.status == 404
        assert "/_tape/journal" in error_of(nothing.body)["message"]
        # In a scope, the list of models is a request like any other.
        assert get("/v1/models", "x-tokentape-scope: a").status == 404


def test_a_tape_whose_name_is_no_text_is_told_of_with_it_escaped(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "a\udcff.tape.jsonl", exchange(stream("a")))
    escaped = f"{tmp_path}/a\\udcff.tape.jsonl"
    with replay(tmp_path) as server, Raw(server.base_url) as client:

        def get(path: str) -> Any:
            client.send(request(b"", path=path, method="GET"))
            answer = client.answer()
            assert answer.status == 200
            return answer.body

        client.post(asked())
        assert client.answer().whole
        client.post(asked(text="other"))
        miss = error_of(client.answer().body)
        assert f"{escaped}, exchange 0" in miss["message"]
        assert (miss["nearest"][0]["path"], miss["nearest"][0]["scope"]) == (escaped, "a\\udcff")
        client.post(asked(), "x-tokentape-scope: b")
        assert "udcff" in error_of(client.answer().body)["message"]
        path.unlink()
        on_loop(server, lambda made: made.deck.answers._kept.clear())
        client.post(asked())
        broken = error_of(client.answer().body)
        assert (broken["type"], broken["message"].startswith(escaped)) == ("tape_error", True)
        found = json.loads(get("/_tape/journal"))["requests"]
        assert [row["outcome"] for row in found] == ["hit", "miss", "miss", "refused"]
        assert (found[0]["path"], found[0]["scope"]) == (escaped, "a\\udcff")
        assert found[3]["says"].startswith(escaped)
        assert found == server.journal()
        for page in ("/_tape/health", "/_tape/metrics", "/v1/models"):
            assert get(page)
    assert "Traceback" not in capfd.readouterr().err


def test_the_journal_is_bounded(serve: Serve) -> None:
    server = serve(exchange([b"{}"], headers=JSON), journal_size=3)
    with Raw(server.base_url) as client:
        for _ in range(5):
            client.post(asked())
            assert client.answer().whole
    assert [row["number"] for row in server.journal()] == [3, 4, 5]


def test_prepared_answers_are_bounded(serve: Serve) -> None:
    exchanges = [exchange([b"x" * 10_000], body=asked(text=str(n))) for n in range(10)]
    server = serve(*exchanges, answers_bytes=35_000)
    with Raw(server.base_url) as client:
        for _ in range(2):
            for number in range(10):
                client.post(asked(text=str(number)))
                assert client.answer().body == b"x" * 10_000
    assert on_loop(server, lambda made: len(made.deck.answers)) == 3
    assert on_loop(server, lambda made: made.deck.answers.size) <= 35_000


def test_an_answer_larger_than_all_that_is_kept_is_served(serve: Serve) -> None:
    server = serve(exchange([b"x" * 10_000]), answers_bytes=100)
    with Raw(server.base_url) as client:
        client.post(asked())
        assert client.answer().body == b"x" * 10_000
    assert on_loop(server, lambda made: len(made.deck.answers)) == 0


def test_a_body_without_reads_is_paced_by_its_headers_only(serve: Serve) -> None:
    body = b"data: 1\n\ndata: 2\n\n"
    server = serve(
        exchange([body], gap_us=None, fidelity=Fidelity.BYTES, offset_us=3_000), speed=1.0
    )
    with Raw(server.base_url) as client:
        client.post(asked())
        answer = client.answer()
    assert answer.chunks == [b"data: 1\n\n", b"data: 2\n\n"]
    assert server.journal()[0]["duration_ms"] >= 3


def test_large_exchanges_are_read_off_the_loop(tmp_path: Path) -> None:
    reads = [b"%06d" % number * 1_000 for number in range(100)]
    path = write(tmp_path / "a.tape.jsonl", exchange(reads))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        client.send(request(asked()) * 2)
        assert client.answer().chunks == reads
        assert client.answer().chunks == reads
        path.unlink()
        on_loop(server, lambda made: made.deck.answers._kept.clear())
        client.post(asked())
        assert error_of(client.answer().body)["type"] == "tape_error"


def test_requests_at_once_share_one_large_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = [b"%06d" % number * 1_000 for number in range(1_000)]  # 6 MB
    write(tmp_path / "a.tape.jsonl", exchange(reads))
    loads: list[Entry] = []
    go = threading.Event()
    load = Library.load

    def counted(self: Library, entry: Entry) -> Exchange:
        loads.append(entry)
        assert go.wait(20)
        return load(self, entry)

    monkeypatch.setattr(Library, "load", counted)
    settings = Settings(port=0, speed=inf, grace_s=0, answers_bytes=1_000)
    with replay(tmp_path, settings=settings) as server, ExitStack() as stack:
        clients = [stack.enter_context(Raw(server.base_url, 4096)) for _ in range(20)]
        for client in clients:
            client.post(asked())

        def state(made: Any, of: str) -> list[Any]:
            found = [getattr(one, of) for one in made.server_state.connections]
            return [one for one in found if one is not None]

        until(server, lambda made: len(state(made, "_asking")) == 20)
        leaves = clients.pop()
        leaves.close()
        until(server, lambda made: len(state(made, "_asking")) == 19)
        go.set()
        until(server, lambda made: len(state(made, "_delivery")) == 19)
        # One that comes later shares what the others still read, though it is not kept.
        clients.append(stack.enter_context(Raw(server.base_url, 4096)))
        clients[-1].post(asked())
        until(server, lambda made: len(state(made, "_delivery")) == 20)
        answers = {id(one.answer) for one in on_loop(server, lambda made: state(made, "_delivery"))}
        assert len(answers) == 1
        assert all(client.answer().chunks == reads for client in clients[:2])
        assert on_loop(server, lambda made: len(made.deck.answers)) == 0
    assert len(loads) == 1


def test_requests_at_once_for_a_tape_that_vanished_are_all_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tape.jsonl", exchange([b"x" * 1_000_000]))
    with replay(tmp_path) as server, ExitStack() as stack:
        path.unlink()
        clients = [stack.enter_context(Raw(server.base_url)) for _ in range(5)]
        for client in clients:
            client.post(asked())
        assert [client.answer().status for client in clients] == [500] * 5


def test_a_head_request_that_misses_gets_a_head_alone(serve: Serve) -> None:
    server = serve(exchange([b"{}"]))
    with Raw(server.base_url) as client:
        client.send(request(b"", method="HEAD"))
        assert client.answer(head_only=True).status == 404
        client.post(asked())
        assert client.answer().body == b"{}"
