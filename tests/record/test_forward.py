"""What goes through, both ways: every byte of the request, every read of the answer."""

from pathlib import Path

import pytest

from tests.record.recording import Told, recorded, recorder
from tests.record.upstream import Connection, Script, answering, at_once, chunked, head, upstream
from tests.server.raw import Raw, request
from tests.server.tapes import asked, stream
from tokentape.errors import UsageError
from tokentape.model import Ending, Fidelity
from tokentape.server import Settings, Upstream
from tokentape.testing import replay

OK = head("Content-Type: application/json", "Content-Length: 2") + b"{}"
SSE = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"


def test_each_read_is_a_chunk_a_line_on_the_tape_and_a_chunk_again(tmp_path: Path) -> None:
    reads = stream("a", "b", "c")
    pieces = [SSE + chunked(reads[0]), *map(chunked, reads[1:-1]), chunked(reads[-1]) + END]
    told = Told()
    with (
        upstream(answering(*pieces)) as up,
        recorder(tmp_path, up.url, told=told) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        up.go()
        assert client.file.readline() == b"HTTP/1.1 200 OK\r\n"
        while client.file.readline() != b"\r\n":
            pass
        for read in reads:
            assert client.file.read(len(chunked(read))) == chunked(read)
            up.go()
        assert client.file.read(5) == END
    (exchange,) = recorded(tmp_path)
    assert exchange.response is not None
    assert [read.data for read in exchange.response.reads] == reads
    assert exchange.ending is Ending.COMPLETE
    assert exchange.fidelity is Fidelity.WIRE
    offsets = [exchange.response.offset_us, *(r.offset_us for r in exchange.response.reads)]
    assert offsets == sorted(offsets, key=lambda us: us or 0)
    assert exchange.end_offset_us == offsets[-1]
    assert [what[1] for what, _ in told.of("read")] == reads
    assert [kind for kind, *_ in told.all] == ["began", "responded", *["read"] * 5, "ended"]
    with replay(tmp_path) as again, Raw(again.base_url) as client:
        client.post(asked())
        assert client.answer().chunks == reads


# (what it is, the answer's bytes, status, headers the client gets, the body, whether it is framed
# by its length)
ANSWERS: list[tuple[str, bytes, int, list[tuple[str, str]], bytes]] = [
    (
        "a length stays one",
        head("X-B: 1", "Content-Length: 3", "x-a: 2") + b"abc",
        200,
        [("X-B", "1"), ("Content-Length", "3"), ("x-a", "2")],
        b"abc",
    ),
    (
        "an error with what to wait for",
        head("Retry-After: 7", "Content-Length: 2", status="429 Slow Down") + b"{}",
        429,
        [("Retry-After", "7"), ("Content-Length", "2")],
        b"{}",
    ),
    (
        "hop-by-hop headers end here",
        head("Connection: x-hop", "X-Hop: 1", "Keep-Alive: timeout=5", "Content-Length: 0"),
        200,
        [("Content-Length", "0")],
        b"",
    ),
    (
        "HTTP/1.0, ended by closing",
        head("Content-Type: text/plain", version="1.0") + b"old but whole",
        200,
        [("Content-Type", "text/plain"), ("transfer-encoding", "chunked")],
        b"old but whole",
    ),
    (
        "a redirect is the client's to follow",
        head("Location: https://elsewhere.example/v1", "Content-Length: 0", status="307 Go"),
        307,
        [("Location", "https://elsewhere.example/v1"), ("Content-Length", "0")],
        b"",
    ),
    ("no body", head("X-A: 1", status="204 No Content"), 204, [("X-A", "1")], b""),
    (
        "HTML",
        head("Content-Type: text/html", "Content-Length: 13", status="502 Bad Gateway")
        + b"<html></html>",
        502,
        [("Content-Type", "text/html"), ("Content-Length", "13")],
        b"<html></html>",
    ),
    (
        "an interim answer is left out",
        head("Link: </a>", status="103 Early Hints") + OK,
        200,
        [("Content-Type", "application/json"), ("Content-Length", "2")],
        b"{}",
    ),
    (
        "bytes of a header are bytes",
        head("X-Name: caf\xe9 \xf0\x9f", "Content-Length: 0"),
        200,
        [("X-Name", "caf\xe9 \xf0\x9f"), ("Content-Length", "0")],
        b"",
    ),
    (
        "chunks with extensions and trailers",
        head("Transfer-Encoding: chunked") + b"3;x=y\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n",
        200,
        [("transfer-encoding", "chunked")],
        b"abc",
    ),
]


@pytest.mark.parametrize(("answer", "status", "headers", "body"), [a[1:] for a in ANSWERS],
                         ids=[a[0] for a in ANSWERS])  # fmt: skip
def test_answers_go_through(
    tmp_path: Path, answer: bytes, status: int, headers: list[tuple[str, str]], body: bytes
) -> None:
    async def script(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(answer)
            if answer.startswith(b"HTTP/1.0"):
                break

    with (
        upstream(script) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        for _ in range(2):
            client.post(asked())
            found = client.answer()
            assert (found.status, found.headers, found.body) == (status, headers, body)
            assert found.whole
    first, second = recorded(tmp_path)
    for exchange in (first, second):
        assert exchange.response is not None
        assert (exchange.response.status, exchange.body) == (status, body)
        assert exchange.ending is Ending.COMPLETE


def test_a_head_request_has_the_headers_of_a_body_and_none(tmp_path: Path) -> None:
    with (
        upstream(at_once(head("Content-Length: 5000"))) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.send(request(b"", method="HEAD", path="/v1/models"))
        found = client.answer(head_only=True)
        assert found.headers == [("Content-Length", "5000")]
        client.post(asked())
        assert client.answer(head_only=True).status == 200


# (the client's headers, the upstream's key, what is sent up in their place)
HEADERS: list[tuple[str, list[str], str | None, list[bytes]]] = [
    (
        "in order and case, host and control headers apart",
        ["X-B: 1", "x-tokentape-scope: s", "accept: */*", "X-A: 2", "X-TokenTape-Other: y"],
        None,
        [b"X-B: 1", b"accept: */*", b"X-A: 2"],
    ),
    (
        "hop-by-hop",
        ["Connection: keep-alive, X-Mine", "X-Mine: 1", "TE: trailers", "Proxy-Connection: x"],
        None,
        [],
    ),
    ("a key of the client's own", ["Authorization: Bearer sk-real"], "ours",
     [b"Authorization: Bearer sk-real"]),
    ("a placeholder", ["authorization: Bearer none-needed", "X-A: 1"], "ours",
     [b"authorization: Bearer ours", b"X-A: 1"]),
    ("another placeholder", ["Authorization: Bearer sk-PLACEHOLDER"], "ours",
     [b"Authorization: Bearer ours"]),
    ("an empty key", ["Authorization: Bearer"], "ours", [b"Authorization: Bearer ours"]),
    ("no key", ["X-A: 1"], "ours", [b"X-A: 1", b"Authorization: Bearer ours"]),
    ("a placeholder of another kind", ["api-key: dummy"], "ours", [b"api-key: ours"]),
    ("a placeholder and no key of ours", ["Authorization: Bearer none"], None,
     [b"Authorization: Bearer none"]),
    ("codings that can be undone", ["Accept-Encoding: gzip, br;q=0.5, compress"], None,
     [b"Accept-Encoding: gzip, br;q=0.5"]),
    ("no coding that can be undone", ["Accept-Encoding: compress"], None,
     [b"Accept-Encoding: identity"]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "key", "sent"), [h[1:] for h in HEADERS],
                         ids=[h[0] for h in HEADERS])  # fmt: skip
def test_headers_go_through(
    tmp_path: Path, given: list[str], key: str | None, sent: list[bytes]
) -> None:
    with (
        upstream(at_once(OK)) as up,
        recorder(tmp_path, Upstream("main", up.url, key=key)) as server,
        Raw(server.base_url) as client,
    ):
        client.post(b"{}", *given)
        assert client.answer().body == b"{}"
        lines = up.requests.get(timeout=20).split(b"\r\n")
    host = f"Host: 127.0.0.1:{up.port}".encode()
    assert lines == [
        b"POST /v1/chat/completions HTTP/1.1", host, b"Content-Length: 2", *sent, b"", b"{}"
    ]  # fmt: skip


def test_path_query_and_body_go_through_as_they_are(tmp_path: Path) -> None:
    body = bytes(range(256)) * 300
    path = "/v1/files/%C3%A9?a=1&a=2&&b=%2F;c"
    with (
        upstream(at_once(OK)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.post(body, path=path)
        assert client.answer().body == b"{}"
        first = up.requests.get(timeout=20)
        assert first.startswith(b"POST " + path.encode() + b" HTTP/1.1\r\n")
        assert first.endswith(b"\r\n\r\n" + body)
        client.send(
            b"PUT /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        assert client.answer().body == b"{}"
        assert up.requests.get(timeout=20).endswith(b"\r\nContent-Length: 5\r\n\r\nabcde")
    assert [e.request.body for e in recorded(tmp_path)] == [body, b"abcde"]
    assert recorded(tmp_path)[0].request.url == up.url + path.removeprefix("/v1")


def test_names_lead_to_upstreams_and_the_first_has_the_plain_path(tmp_path: Path) -> None:
    def named(name: bytes) -> Script:
        return at_once(head("Content-Length: 1") + name)

    with upstream(named(b"1")) as one, upstream(named(b"2")) as two:
        base = f"http://127.0.0.1:{two.port}/deep/api/v9"
        with (
            recorder(tmp_path, Upstream("a", one.url), Upstream("b", base)) as server,
            Raw(server.base_url) as client,
        ):
            for path, body, asked_for in [
                ("/v1/x", b"1", b"POST /v1/x "),
                ("/a/v1/x", b"1", b"POST /v1/x "),
                ("/b/v1/x?y", b"2", b"POST /deep/api/v9/x?y "),
                ("/b/v1", b"2", b"POST /deep/api/v9 "),
            ]:
                client.post(b"", path=path)
                assert client.answer().body == body
                queue = one if body == b"1" else two
                assert queue.requests.get(timeout=20).startswith(asked_for)
            for path in ("/c/v1/x", "/chat/completions", "/v1x", "/", "/b/x", "*"):
                client.post(b"", path=path)
                refused = client.answer()
                assert refused.status == 404
                assert b"/v1/\xe2\x80\xa6 or /a/v1/\xe2\x80\xa6 or /b/v1/" in refused.body
            # There was no exchange to miss.
            assert [row["outcome"] for row in server.journal()][-6:] == ["refused"] * 6


def test_a_client_s_connection_is_nobody_else_s(tmp_path: Path) -> None:
    """An upstream that closes behind its answer is no trouble to a client that does so too."""
    with upstream(at_once(OK)) as up, recorder(tmp_path, up.url) as server:
        for _ in range(3):
            with Raw(server.base_url) as client:
                client.post(asked())
                assert client.answer().whole
        assert up.connections == 3


def test_a_connection_is_used_again_and_200_streams_have_200(tmp_path: Path) -> None:
    with upstream(at_once(OK)) as up, recorder(tmp_path, up.url) as server:
        with Raw(server.base_url) as client:
            for _ in range(5):
                client.post(asked())
                assert client.answer().whole
        assert up.connections == 1
    with upstream(answering(SSE + END)) as up, recorder(tmp_path, up.url) as server:
        clients = [Raw(server.base_url) for _ in range(200)]
        for client in clients:
            client.post(asked())
        for _ in clients:
            up.requests.get(timeout=20)
        up.go(400)
        for client in clients:
            assert client.answer().whole
            client.close()
        assert up.connections == 200


def test_requests_sent_together_are_answered_in_order(tmp_path: Path) -> None:
    numbers = at_once(*(head("Content-Length: 1") + b"%d" % n for n in range(5)))
    with (
        upstream(numbers) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.send(b"".join(request(asked(text=str(n))) for n in range(5)))
        assert [client.answer().body for _ in range(5)] == [b"0", b"1", b"2", b"3", b"4"]
    assert [e.request.body for e in recorded(tmp_path)] == [asked(text=str(n)) for n in range(5)]


def test_an_upload_over_the_limit_goes_nowhere(tmp_path: Path) -> None:
    with (
        upstream(at_once(OK)) as up,
        recorder(tmp_path, up.url, max_body=1000) as server,
        Raw(server.base_url) as client,
    ):
        client.send(request(b"", "X: 1").replace(b"Length: 0", b"Length: 104857600"))
        assert client.answer().status == 413
        assert up.connections == 0


def test_signing_replaces_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("botocore", reason="signing for AWS is an extra")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAABCDEFGHIJKLMNOP")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    with (
        upstream(at_once(OK)) as up,
        recorder(tmp_path, Upstream("a", up.url, sigv4="us-east-1/bedrock")) as server,
        Raw(server.base_url) as client,
    ):
        client.post(b"{}", "Authorization: Bearer none", "X-A: 1")
        assert client.answer().whole
        sent = up.requests.get(timeout=20).decode()
    assert "Bearer" not in sent
    assert "Authorization: AWS4-HMAC-SHA256 Credential=AKIAABCDEFGHIJKLMNOP/" in sent
    assert "/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date" in sent
    assert "X-Amz-Security-Token: token\r\n" in sent
    (exchange,) = recorded(tmp_path)
    assert {name for name, _ in exchange.request.headers} == {"Host", "Content-Length"}


def test_models_are_the_upstreams_unless_replaying(tmp_path: Path) -> None:
    models = head("Content-Length: 11") + b'{"data":[]}'
    with (
        upstream(at_once(models)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.send(request(b"", path="/v1/models", method="GET"))
        assert client.answer().body == b'{"data":[]}'
        client.send(request(b"", path="/_tape/health", method="GET"))
        assert client.answer().status == 200
    assert [e.request.url for e in recorded(tmp_path)] == [up.url + "/models"]


def test_forward_keeps_nothing_and_counts(tmp_path: Path) -> None:
    with (
        upstream(at_once(OK)) as up,
        recorder(tmp_path / "none", up.url, mode="forward") as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.answer().whole
        (row,) = server.journal()
        assert (row["outcome"], row["status"], row["bytes"]) == ("forwarded", 200, 2)
        client.send(request(b"", path="/_tape/metrics", method="GET"))
        assert b'tokentape_requests_total{outcome="forwarded"} 1.0' in client.answer().body
    assert not (tmp_path / "none").exists()


UPSTREAMS = [
    ("no scheme", "x", "api.example.com/v1"),
    ("another scheme", "x", "ftp://api.example.com/v1"),
    ("no host", "x", "https:///v1"),
    ("a port that is none", "x", "https://a:99999/v1"),
    ("a space", "x", "https://a b/v1"),
    ("a user", "x", "https://me:secret@a/v1"),
    ("a query", "x", "https://a/v1?key=1"),
    ("no name", "", "https://a/v1"),
    ("a name with a slash", "a/b", "https://a/v1"),
    ("our own name", "v1", "https://a/v1"),
    ("our own folder", "_tape", "https://a/v1"),
]


@pytest.mark.parametrize(("name", "url"), [u[1:] for u in UPSTREAMS], ids=[u[0] for u in UPSTREAMS])
def test_what_is_no_upstream_is_said(name: str, url: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        Upstream(name, url)


def test_settings_that_can_not_be_are_said(tmp_path: Path) -> None:
    one = Upstream("a", "https://a/v1")
    with pytest.raises(UsageError, match="mode auto needs an upstream"):
        Settings(mode="auto", tapes="x")
    with pytest.raises(UsageError, match="mode record needs a folder"):
        Settings(mode="record", upstreams=(one,))
    with pytest.raises(UsageError, match="two upstreams are named 'a'"):
        Settings(mode="forward", upstreams=(one, one))
    with pytest.raises(UsageError, match="sigv4"):
        Upstream("a", "https://a/v1", sigv4="eu")
    missing = str(tmp_path / "missing.pem")
    with (
        pytest.raises(UsageError, match=r"missing\.pem: expected certificates"),
        recorder(tmp_path, one, ca_file=missing),
    ):
        pass
    assert "hush" not in repr(Upstream("a", "https://a/v1", key="hush"))
