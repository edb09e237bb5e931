"""How an exchange ends, told apart: what the client gets, and what the tape says."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.record.recording import Told, recorded, recorder
from tests.record.upstream import Connection, Script, answering, at_once, chunked, head, upstream
from tests.server.raw import Raw
from tests.server.tapes import asked
from tokentape.clock import ManualClock
from tokentape.model import Ending
from tokentape.server import Upstream
from tokentape.server import forward as forward_module
from tokentape.server import serve as serve_module
from tokentape.server.forward import Forward
from tokentape.testing import replay

SSE = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
TWO = SSE + chunked(b"data: 1\n\n") + chunked(b"data: 2\n\n")
END = b"0\r\n\r\n"


def saying(data: bytes, *, reset: bool = False) -> Script:
    """Answer with these bytes and close."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(data)
        if reset:
            await connection.go()
            connection.reset()

    return script


# (what it is, what the upstream says before it closes, the body that came, a word of the note)
CUT = [
    ("in chunks", TWO, b"data: 1\n\ndata: 2\n\n", "closed"),
    ("in a chunk's middle", TWO + b"9\r\ndata", b"data: 1\n\ndata: 2\n\ndata", "closed"),
    ("before the length", head("Content-Length: 100") + b"abc", b"abc", "closed"),
    ("behind the head", head("Content-Length: 1"), b"", "closed"),
    ("a chunk that is none", TWO + b"zz\r\nmore", b"data: 1\n\ndata: 2\n\n", "no HTTP"),
]


@pytest.mark.parametrize(("said", "body", "note"), [c[1:] for c in CUT], ids=[c[0] for c in CUT])
def test_a_cut_answer_is_cut_for_the_client_and_on_replay(
    tmp_path: Path, said: bytes, body: bytes, note: str
) -> None:
    told = Told()
    with (
        upstream(saying(said)) as up,
        recorder(tmp_path, up.url, told=told) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        answer = client.answer()
        assert (answer.status, answer.body, answer.whole) == (200, body, False)
        assert client.closed()
    (exchange,) = recorded(tmp_path)
    assert (exchange.ending, exchange.body) == (Ending.CUT, body)
    assert note in exchange.notes[0]
    assert note in told.of("ended")[0][1]["note"]
    with replay(tmp_path) as again, Raw(again.base_url) as client:
        client.post(asked())
        answer = client.answer()
        assert (answer.body, answer.whole) == (body, False)


@pytest.mark.parametrize(
    "said", [TWO, head(version="1.0") + b"some"], ids=["chunked", "a body that ends by closing"]
)
def test_a_reset_is_a_cut(tmp_path: Path, said: bytes) -> None:
    with (
        upstream(saying(said, reset=True)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
        up.go()
        assert not client.file.read().endswith(END)
    (exchange,) = recorded(tmp_path)
    assert exchange.ending is Ending.CUT
    assert "reset" in exchange.notes[0].lower()


# (what it is, what the upstream says before it closes, a word of the note)
NO_ANSWER = [
    ("nothing", b"", "before its answer"),
    ("half a status", b"HTTP/1.1 2", "in its headers"),
    ("half a header", b"HTTP/1.1 200 OK\r\nContent-Ty", "in its headers"),
    ("no HTTP", b"220 mail.example.com ESMTP\r\n", "no HTTP"),
    ("headers without end", b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 40_000, "over 262144 bytes"),
    ("two lengths", head("Content-Length: 1", "Content-Length: 2") + b"ab", "no HTTP"),
    ("another protocol", head("Upgrade: x", "Connection: upgrade", status="101 Switch"),
     "switches protocols"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "note"), [n[1:] for n in NO_ANSWER],
                         ids=[n[0] for n in NO_ANSWER])  # fmt: skip
def test_an_upstream_that_gives_no_answer_is_a_502(tmp_path: Path, said: bytes, note: str) -> None:
    with (
        upstream(saying(said)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        for _ in range(2):
            client.post(asked())
            answer = client.answer()
            assert answer.status == 502
            assert b'"type": "upstream_broken"' in answer.body
            assert note.encode() in answer.body
            assert answer.header("x-should-retry") is None
    for exchange in recorded(tmp_path):
        assert exchange.response is None
        assert exchange.ending is Ending.CUT
        assert note in exchange.notes[0]


def test_an_upstream_that_goes_silent_is_timed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    monkeypatch.setattr(serve_module, "SystemClock", lambda: clock)

    async def script(connection: Connection) -> None:
        body = await connection.request()
        if b"answer" in body:
            await connection.send(TWO)
        await connection.gone()

    with upstream(script) as up, recorder(tmp_path, up.url, upstream_timeout_s=0.2) as server:
        with Raw(server.base_url) as client:
            client.post(b"answer")
            assert client.socket.recv(1, socket.MSG_PEEK)
            clock.advance(200_000)
            found = client.answer()
            assert (found.body, found.whole) == (b"data: 1\n\ndata: 2\n\n", False)
        with Raw(server.base_url) as client:
            assert up.requests.get(timeout=20)
            client.post(b"be silent")
            assert up.requests.get(timeout=20)
            clock.advance(200_000)
            found = client.answer()
            assert found.status == 504
            assert b'"type": "upstream_timeout"' in found.body
    first, second = recorded(tmp_path)
    assert first.ending is second.ending is Ending.TIMED_OUT
    assert first.response is not None
    assert second.response is None
    assert second.notes == ("it sent nothing for 0.2 s",)


def test_a_client_that_leaves_takes_the_upstream_along(tmp_path: Path) -> None:
    async def script(connection: Connection) -> None:
        if b"before" not in await connection.request():
            await connection.send(TWO)
        await connection.gone()

    told = Told()
    with upstream(script) as up, recorder(tmp_path, up.url, told=told) as server:
        for body, path in ((b"in the middle", "/v1/a"), (b"before the answer", "/v1/b")):
            with Raw(server.base_url) as client:
                client.post(body, path=path)
                up.requests.get(timeout=20)
                if b"middle" in body:
                    assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
            assert up.departed.wait(20)
            up.departed.clear()
        assert [row["left_early"] for row in server.journal()] == [True, True]
    first, second = recorded(tmp_path)
    assert first.ending is second.ending is Ending.LEFT
    assert first.body == b"data: 1\n\ndata: 2\n\n"
    assert second.response is None
    assert [more["ending"] for _, more in told.of("ended")] == [Ending.LEFT] * 2


def test_the_servers_own_end_leaves_the_exchange_without_one(tmp_path: Path) -> None:
    with upstream(answering(TWO)) as up:
        with recorder(tmp_path, up.url) as server:
            client = Raw(server.base_url)
            client.post(asked())
            up.go()
            assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
            while client.file.readline() != b"data: 2\n":
                pass
        client.close()
    (exchange,) = recorded(tmp_path)
    assert (exchange.ending, exchange.body) == (Ending.STOPPED, b"data: 1\n\ndata: 2\n\n")


UNREACHABLE = [
    ("nobody there", "http://127.0.0.1:{taken}/v1", "refused"),
    ("no such host", "http://no.such.host.invalid/v1", ""),
    ("a name too long", f"http://{'a' * 64}.invalid/v1", ""),
    ("TLS where there is none", "https://127.0.0.1:{plain}/v1", "TLS failed"),
]


@pytest.mark.parametrize(("url", "note"), [u[1:] for u in UNREACHABLE],
                         ids=[u[0] for u in UNREACHABLE])  # fmt: skip
def test_an_upstream_that_can_not_be_reached_is_a_502(tmp_path: Path, url: str, note: str) -> None:
    async def script(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await connection.gone()

    with socket.socket() as taken, upstream(script) as plain:
        # Nobody else gets this port, and nobody listens on it.
        taken.bind(("127.0.0.1", 0))
        url = url.format(taken=taken.getsockname()[1], plain=plain.port)
        with recorder(tmp_path, url) as server, Raw(server.base_url) as client:
            client.post(asked())
            answer = client.answer()
            assert answer.status == 502
            assert b'"type": "upstream_unreachable"' in answer.body
            (row,) = server.journal()
            assert "can't be reached" in row["says"]
    (exchange,) = recorded(tmp_path)
    assert exchange.response is None
    assert exchange.ending is Ending.CUT
    assert note.lower() in exchange.notes[0].lower()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of our own for 127.0.0.1, in one file."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    key = path.with_suffix(".key")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(path)],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl makes no certificate here")
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


@contextmanager
def over_tls(script: Script, certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with upstream(script, context) as up:
        yield up.url


def test_a_certificate_is_verified(tmp_path: Path, certificate: Path) -> None:
    said = SSE + chunked(b"data: 1\n\n") + END

    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(said)

    with over_tls(script, certificate) as url:
        with recorder(tmp_path, url) as server, Raw(server.base_url) as client:
            client.post(asked())
            answer = client.answer()
            assert answer.status == 502
            assert b"certificate is not trusted" in answer.body
            assert b"--ca-file" in answer.body
        trusting = recorder(tmp_path, url, ca_file=str(certificate))
        with trusting as server, Raw(server.base_url) as client:
            for _ in range(2):
                client.post(asked())
                assert client.answer().body == b"data: 1\n\n"
    assert [e.body for e in recorded(tmp_path)] == [b"", b"data: 1\n\n", b"data: 1\n\n"]


@pytest.mark.parametrize("tls", [False, True])
def test_a_proxy_is_gone_through(
    tmp_path: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, tls: bool
) -> None:
    """The proxy joins what CONNECT asks for; `no_proxy` and a refusal are honoured."""
    said = head("Content-Length: 2") + b"{}"
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    asked_of_proxy: list[bytes] = []

    async def proxy(connection: Connection) -> None:
        request = await connection.request()
        asked_of_proxy.append(request)
        await connection.send(head(status="407 No") if b"Basic" not in request else head())
        if b"Basic" in request:
            await connection.tunnel(up.port)

    with upstream(saying(said), context) as up, upstream(proxy) as way:
        for user, status in (("me:pass@", 200), ("", 502)):
            for name in ("http_proxy", "https_proxy"):
                monkeypatch.setenv(name, f"http://{user}127.0.0.1:{way.port}")
            monkeypatch.setenv("no_proxy", "")
            with (
                recorder(tmp_path, up.url, ca_file=str(certificate)) as server,
                Raw(server.base_url) as client,
            ):
                client.post(asked())
                assert client.answer().status == status
        assert asked_of_proxy[0].startswith(f"CONNECT 127.0.0.1:{up.port} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization: Basic bWU6cGFzcw==" in asked_of_proxy[0]
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        with (
            recorder(tmp_path, up.url, ca_file=str(certificate)) as server,
            Raw(server.base_url) as client,
        ):
            client.post(asked())
            assert client.answer().status == 200
        assert len(asked_of_proxy) == 2
    notes = [note for exchange in recorded(tmp_path) for note in exchange.notes]
    assert ["the proxy answers 'HTTP/1.1 407 No'" in note for note in notes] == [True]


def test_signing_needs_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tokentape.errors import UsageError

    monkeypatch.setitem(sys.modules, "botocore", None)
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    signed = Upstream("a", "https://bedrock.example.com/v1", sigv4="us-east-1/bedrock")
    with (
        pytest.raises(UsageError, match=r"pip install 'tokentape\[aws\]'"),
        recorder(tmp_path, signed),
    ):
        pass


DONE = TWO + chunked(b"data: [DONE]\n\n")
# (what comes behind the last event that the client had, what the exchange's ending is then)
BEHIND = [
    ("the end of the body", END, Ending.COMPLETE),
    ("more of the body", chunked(b"data: 3\n\n"), Ending.LEFT),
    ("a cut", b"", Ending.LEFT),
]


@pytest.fixture
def has_left(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the server knows that the client has left."""
    known = threading.Event()
    left = Forward.left

    def told(self: Forward) -> None:
        left(self)
        known.set()

    monkeypatch.setattr(Forward, "left", told)
    return known


@pytest.mark.parametrize(("behind", "ending"), [b[1:] for b in BEHIND], ids=[b[0] for b in BEHIND])
def test_a_client_that_closes_at_the_last_event_has_had_all(
    tmp_path: Path, has_left: threading.Event, behind: bytes, ending: Ending
) -> None:
    """As the official clients do at `[DONE]`; the end of the body may be a read of its own."""

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(DONE)
        await connection.go()
        await connection.send(behind)

    told = Told()
    with upstream(script) as up, recorder(tmp_path, up.url, told=told, mode="auto") as server:
        with Raw(server.base_url) as client:
            client.post(asked())
            while b"[DONE]" not in client.file.readline():
                pass
        assert has_left.wait(20)
        up.go()
        assert told.over.wait(20)
        if ending is Ending.COMPLETE:
            # It answers from then on.
            with Raw(server.base_url) as client:
                client.post(asked())
                assert client.answer().whole
    (exchange,) = recorded(tmp_path)
    assert exchange.ending is ending
    assert exchange.body.endswith(b"data: [DONE]\n\n")
    assert bool(exchange.notes) is (ending is Ending.COMPLETE)


def test_the_end_of_a_stream_is_not_waited_for_long(
    tmp_path: Path, has_left: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward_module, "_LINGER_S", 0.01)

    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(DONE)
        await connection.gone()

    with upstream(script) as up, recorder(tmp_path, up.url) as server:
        with Raw(server.base_url) as client:
            client.post(asked())
            while b"[DONE]" not in client.file.readline():
                pass
        assert has_left.wait(20)
        assert up.departed.wait(20)
    (exchange,) = recorded(tmp_path)
    assert exchange.ending is Ending.LEFT


class Broken(Told):
    """An observer whose terminal is gone."""

    def ended(self, number: int, *, ending: Ending, offset_us: int, note: str | None) -> None:
        raise SystemExit(1)

    def read(self, number: int, data: bytes, offset_us: int) -> None:
        raise OSError("no space left on device")


def test_an_observer_that_breaks_does_no_harm(tmp_path: Path) -> None:
    with (
        upstream(at_once(TWO + END)) as up,
        recorder(tmp_path, up.url, told=Broken()) as server,
        Raw(server.base_url) as client,
    ):
        for _ in range(3):
            client.post(asked())
            assert client.answer().whole
    assert [exchange.ending for exchange in recorded(tmp_path)] == [Ending.COMPLETE] * 3
