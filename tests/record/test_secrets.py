"""No secret reaches the disk: not while recording runs, not after a kill, in no file at all."""

import gzip
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.record.recording import Told, process, recorded, recorder
from tests.record.upstream import Connection, at_once, chunked, head, upstream
from tests.server.raw import Raw
from tests.server.tapes import asked, exchange, stream, write
from tests.wire import cut
from tokentape.cli.replay import command as replay_command
from tokentape.errors import UsageError
from tokentape.model import Ending, Read
from tokentape.redact import Paths, Redaction
from tokentape.redact import bodies as bodies_module
from tokentape.redact.bodies import body_redactor
from tokentape.server import Upstream
from tokentape.testing import replay

# What a test plants, and what must be nowhere below the folder. Each has its own tail.
KEY = b"sk-proj-PLANTEDaaaaaaaaaaaaaaaaaaaa"
GROQ = b"gsk_PLANTEDbbbbbbbbbbbbbbbbbbbbbbbb"
TOKEN = b"hf_PLANTEDccccccccccccccccccccccc"
PLAIN = b"PLANTEDdddd"  # a secret by its place only
PLANTED = b"PLANTED"

SSE = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"


def below(folder: Path) -> bytes:
    """Every byte and every name in every file below a folder, hidden ones too."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    names = b"\0".join(str(path.relative_to(folder)).encode() for path in files)
    return names + b"".join(path.read_bytes() for path in files)


def planted_request() -> list[str]:
    return [
        f"Authorization: Bearer {KEY.decode()}",
        f"Cookie: session={PLAIN.decode()}",
        f"X-Api-Key: {PLAIN.decode()}",
        f"User-Agent: mine/1.0 {GROQ.decode()}",
        f"X-Custom: {PLAIN.decode()}",
        f"x-tokentape-scope: of-{TOKEN.decode()}",
    ]


SAID = (
    head(
        "Content-Type: text/event-stream",
        f"Set-Cookie: id={PLAIN.decode()}",
        f"Openai-Organization: {PLAIN.decode()}",
        f"X-Request-Id: {GROQ.decode()}",
        "Transfer-Encoding: chunked",
    )
    + chunked(b'data: {"text":"' + KEY + b'"}\n\n')
    + chunked(b'data: {"text":"then ' + KEY[:9])
)


def test_nothing_planted_is_on_disk_while_recording_runs_nor_after_a_kill(tmp_path: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(SAID)
        await connection.go()
        await connection.send(chunked(KEY[9:] + b' end"}\n\n') + chunked(b"data: last\n\n"))
        await connection.gone()

    body = json.dumps({"model": "m", "messages": [{"content": KEY.decode()}]}).encode()
    with (
        upstream(script) as up,
        process(tmp_path, up.url) as (server, url),
        Raw(url) as client,
    ):
        client.post(body, *planted_request(), path=f"/v1/chat/completions?key={PLAIN.decode()}")
        while client.file.readline() != b'data: {"text":"' + KEY + b'"}\n':
            pass
        wait_for(tmp_path, b'"line":"response"')
        assert PLANTED not in below(tmp_path)
        up.go()
        while client.file.readline() != b"data: last\n":
            pass
        wait_for(tmp_path, b"data: last")
        assert PLANTED not in below(tmp_path)
        server.kill()
        server.wait()
        assert PLANTED not in below(tmp_path)
    (path,) = tmp_path.rglob("*.tape.jsonl")
    (exchange,) = recorded(tmp_path, str(path.relative_to(tmp_path)).removesuffix(".tape.jsonl"))
    assert exchange.ending is Ending.STOPPED
    assert exchange.response is not None
    assert [read.data for read in exchange.response.reads] == [
        b'data: {"text":"sk-REDACTED"}\n\ndata: {"text":"then sk-REDACTED',
        b' end"}\n\ndata: last\n\n',
    ]
    assert [name for name, _ in exchange.request.headers] == [
        "Host", "Content-Length", "User-Agent"
    ]  # fmt: skip


def test_a_reason_phrase_that_names_the_key_is_redacted(tmp_path: Path) -> None:
    says = b"401 Incorrect API key: " + KEY
    answer = head("Content-Length: 2", status=says.decode()) + b"{}"
    with (
        upstream(at_once(answer)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.file.readline() == b"HTTP/1.1 " + says + b"\r\n"
    assert PLANTED not in below(tmp_path)
    (exchange,) = recorded(tmp_path)
    assert exchange.response is not None
    assert exchange.response.reason == "Incorrect API key: sk-REDACTED"


def wait_for(folder: Path, text: bytes) -> None:
    from tests.record.test_tapes import wait_until

    wait_until(lambda: any(text in path.read_bytes() for path in folder.rglob("*.jsonl")))


def test_a_secret_in_reads_split_at_every_place(tmp_path: Path) -> None:
    text = b'data: {"a":"' + KEY + b'"}\n\n'

    async def script(connection: Connection) -> None:
        while True:
            request = await connection.request()
            at = int(request.rpartition(b"\r\n")[2])
            await connection.send(SSE + chunked(text[:at]))
            await connection.go()
            await connection.send(chunked(text[at:]) + END)

    with (
        upstream(script) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        for at in range(1, len(text)):
            client.post(b"%d" % at)
            while client.file.readline() != b"\r\n":
                pass
            assert client.file.read(len(chunked(text[:at]))) == chunked(text[:at])
            assert PLANTED not in (below(tmp_path) if list(tmp_path.iterdir()) else b"")
            up.go()
            rest = chunked(text[at:]) + END
            assert client.file.read(len(rest)) == rest
    assert PLANTED not in below(tmp_path)
    exchanges = recorded(tmp_path)
    assert {e.body for e in exchanges} == {b'data: {"a":"sk-REDACTED"}\n\n'}
    assert {len(e.response.reads) for e in exchanges if e.response} == {2}


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


SECRET_JSON = b'{"text":"' + KEY + b'"}'
HARMLESS = b'{"text":"nothing to hide"}'

# (the coding, the body, what of it is kept: the body as it came, decoded and redacted, or nothing)
CODED: list[tuple[str, str, bytes, bytes]] = [
    ("gzip without a secret", "gzip", gz(HARMLESS), gz(HARMLESS)),
    ("gzip", "gzip", gz(SECRET_JSON), b'{"text":"sk-REDACTED"}'),
    ("deflate", "deflate", zlib.compress(SECRET_JSON), b'{"text":"sk-REDACTED"}'),
    ("zstd", "zstd", zstandard.compress(SECRET_JSON), b'{"text":"sk-REDACTED"}'),
    ("brotli", "br", brotli.compress(SECRET_JSON), b'{"text":"sk-REDACTED"}'),
    ("two of them", "gzip, zstd", zstandard.compress(gz(SECRET_JSON)), b'{"text":"sk-REDACTED"}'),
    ("a coding we can't undo", "compress", b"\x1f\x9d\x90" + SECRET_JSON, b""),
    ("damaged", "gzip", gz(SECRET_JSON)[:10] + b"\x07" * 20, b""),
    ("plain for all it says", "gzip", SECRET_JSON, b'{"text":"sk-REDACTED"}'),
    ("a secret behind the end", "gzip", gz(HARMLESS) + KEY, HARMLESS),
    ("too much to search", "gzip", gz(SECRET_JSON) + b"\0" * 4000, b""),
]


@pytest.mark.parametrize(("coding", "body", "kept"), [c[1:] for c in CODED],
                         ids=[c[0] for c in CODED])  # fmt: skip
def test_no_secret_hides_in_a_coding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, coding: str, body: bytes, kept: bytes
) -> None:
    monkeypatch.setattr(bodies_module, "MOST_HELD", 3000)
    said = head(f"Content-Encoding: {coding}", f"Content-Length: {len(body)}") + body
    with (
        upstream(at_once(said)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        answer = client.answer()
        assert answer.body == body
        assert answer.header("content-encoding") == coding
    assert PLANTED not in below(tmp_path)
    (exchange,) = recorded(tmp_path)
    assert exchange.body == kept
    assert exchange.response is not None
    coded = ("Content-Encoding", coding) in exchange.response.headers
    assert coded is (kept in (body, b""))
    assert bool(exchange.notes) is (kept != body)
    if kept:
        with replay(tmp_path) as again, Raw(again.base_url) as client:
            client.post(asked())
            assert client.answer().body == kept


def test_a_request_in_a_coding_is_searched_too(tmp_path: Path) -> None:
    bodies = [gz(SECRET_JSON), gz(HARMLESS), b"\x1f\x8b\x08" + b"\xff" * 30]
    with (
        upstream(at_once(head("Content-Length: 0"))) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        for body in bodies:
            client.post(body, "Content-Encoding: gzip")
            assert client.answer().whole
            assert up.requests.get(timeout=20).endswith(body)
    found = recorded(tmp_path)
    assert [e.request.body for e in found] == [b'{"text":"sk-REDACTED"}', gz(HARMLESS), None]
    assert [len(e.notes) for e in found] == [1, 0, 1]


FRAME = b'data: {"id":"PLANTED1","n":1.0}\n\n'
PATHS = Redaction(paths=Paths(["$.id", "$..user"]))


@pytest.mark.parametrize("at", range(1, len(FRAME) + 4))
def test_paths_reach_into_events_split_anywhere(at: int) -> None:
    text = b": hello\n\n" + FRAME + b'data: {"n":1.00}\n\ndata: [DONE]\n\n'
    redactor = body_redactor(PATHS, (("content-type", "text/event-stream"),))
    out = [*redactor.feed(Read(text[:at], 1)), *redactor.feed(Read(text[at:], 2))]
    out += redactor.flush()
    assert [read.offset_us for read in out] == [1, 2]
    assert b"".join(read.data for read in out) == (
        b': hello\n\ndata: {"id":"REDACTED","n":1.0}\n\ndata: {"n":1.00}\n\ndata: [DONE]\n\n'
    )


@pytest.mark.parametrize("text", [FRAME, b'{"user":"PLANTED"}\n{"id":1}\n'])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/jsonl"])
def test_paths_reach_behind_a_byte_order_mark(text: bytes, kind: str) -> None:
    redactor = body_redactor(PATHS, (("content-type", kind),))
    out = [*redactor.feed(Read(b"\xef\xbb\xbf" + text, 1)), *redactor.flush()]
    written = b"".join(read.data for read in out)
    assert PLANTED not in written
    assert written.startswith(b"\xef\xbb\xbf" + text[:1])


def test_paths_wait_for_the_end_of_an_event_and_no_longer() -> None:
    redactor = body_redactor(PATHS, (("content-type", "text/event-stream"),))
    assert redactor.feed(Read(FRAME[:20], 1)) == []
    assert len(redactor.feed(Read(FRAME[20:], 2))) == 2
    assert redactor.feed(Read(b"data: half", 3)) == []
    assert [read.data for read in redactor.flush()] == [b"data: half"]


@given(st.lists(st.integers(0, 200), max_size=12), st.sampled_from(["\n", "\r\n", "\r"]))
def test_paths_leave_every_other_byte_alone(places: list[int], end: str) -> None:
    events = ['{"id":"PLANTED"}', '{"n":1.00}', "[DONE]", '{"a":{"user":["PLANTED"]},"n":2}']
    text = "".join(f"event: x{end}data: {event}{end}{end}" for event in events).encode()
    redactor = body_redactor(PATHS, (("content-type", "text/event-stream"),))
    out = []
    for offset, data in enumerate(cut(text, places)):
        out += redactor.feed(Read(data, offset))
    out += redactor.flush()
    assert [read.offset_us for read in out] == list(range(len(places) + 1))
    clean = text.replace(b'"PLANTED"', b'"REDACTED"').replace(b'["REDACTED"]', b'"REDACTED"')
    assert b"".join(read.data for read in out) == clean


def test_paths_over_the_bound_keep_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies_module, "MOST_HELD", 50)
    redactor = body_redactor(PATHS, (("content-type", "text/event-stream"),))
    assert len(redactor.feed(Read(b"data: {}\n\n", 1))) == 1
    assert redactor.feed(Read(b'data: {"user":"PLANTED' + b"x" * 50, 2)) == []
    assert redactor.feed(Read(b'"}\n\n', 3)) == []
    assert redactor.flush() == []
    assert "left out" in redactor.notes[0]


def test_paths_reach_into_a_document(tmp_path: Path) -> None:
    said = head("Content-Type: application/json", "Content-Length: 33")
    said += b'{"a":{"user":"PLANTED"},"n":1.00}'
    with (
        upstream(at_once(said)) as up,
        recorder(tmp_path, up.url, redaction=PATHS) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked(user="PLANTED"))
        assert b"PLANTED" in client.answer().body
    assert PLANTED not in below(tmp_path)
    (exchange,) = recorded(tmp_path)
    assert exchange.body == b'{"a":{"user":"REDACTED"},"n":1.00}'


EVENTS = FRAME + b'data: {"n":1.00}\n\ndata: {"a":{"user":["PLANTED2"]}}\n\ndata: [DONE]\n\n'
EVENTS_LEFT = (
    b'data: {"id":"REDACTED","n":1.0}\n\ndata: {"n":1.00}\n\n'
    b'data: {"a":{"user":"REDACTED"}}\n\ndata: [DONE]\n\n'
)
DOCUMENT = b'{"id":"PLANTED1","a":{"user":["PLANTED2"]},"n":1.00}\n'
DOCUMENT_LEFT = b'{"id":"REDACTED","a":{"user":"REDACTED"},"n":1.00}\n'
LINES = DOCUMENT + b'{"n":1.00}\n\n' + DOCUMENT
LINES_LEFT = DOCUMENT_LEFT + b'{"n":1.00}\n\n' + DOCUMENT_LEFT
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": gz,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}

# (what the body is, its type, its coding, what it holds, what is left of that)
BY_PATH: list[tuple[str, str, str, bytes, bytes]] = [
    *(
        (f"{what} in {coding or 'no coding'}", type, coding, body, left)
        for coding in PACK
        for what, type, body, left in (
            ("events", "text/event-stream", EVENTS, EVENTS_LEFT),
            ("a document", "application/json", DOCUMENT, DOCUMENT_LEFT),
            ("lines", "application/x-ndjson", LINES, LINES_LEFT),
        )
    ),
    ("events of a charset", "text/event-stream; charset=utf-8", "", EVENTS, EVENTS_LEFT),
    ("events as text", "text/plain; charset=utf-8", "", EVENTS, EVENTS_LEFT),
    ("events as bytes", "application/octet-stream", "", EVENTS, EVENTS_LEFT),
    ("events of no type", "", "", EVENTS, EVENTS_LEFT),
    ("events of no type behind a comment", "", "", b": hi\n\n" + EVENTS, b": hi\n\n" + EVENTS_LEFT),
    ("events of no type in gzip", "", "gzip", EVENTS, EVENTS_LEFT),
    ("events called JSON", "application/json", "", EVENTS, EVENTS_LEFT),
    ("a document as text", "text/plain", "", DOCUMENT, DOCUMENT_LEFT),
    ("a document of no type", "", "", DOCUMENT, DOCUMENT_LEFT),
    ("a document called events", "text/event-stream", "", DOCUMENT, DOCUMENT_LEFT),
    ("lines as JSONL", "application/jsonl", "", LINES, LINES_LEFT),
    ("lines called JSON", "application/json", "", LINES, LINES_LEFT),
]


@pytest.mark.parametrize(("type", "coding", "body", "left"), [b[1:] for b in BY_PATH],
                         ids=[b[0] for b in BY_PATH])  # fmt: skip
def test_paths_reach_into_every_body(
    tmp_path: Path, type: str, coding: str, body: bytes, left: bytes
) -> None:
    packed = PACK[coding](body)
    headers = [("Content-Type", type), ("Content-Encoding", coding)]
    said = head(
        *(f"{name}: {value}" for name, value in headers if value), "Transfer-Encoding: chunked"
    )
    said += chunked(packed[:13]) + chunked(packed[13:]) + END
    with (
        upstream(at_once(said)) as up,
        recorder(tmp_path, up.url, redaction=PATHS) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.answer().body == packed
    assert PLANTED not in below(tmp_path)
    (exchange,) = recorded(tmp_path)
    # A body that was redacted is kept without its coding.
    assert exchange.body == left


def test_a_key_in_the_query_is_told_to_nobody(tmp_path: Path) -> None:
    told = Told()
    with (
        upstream(at_once(head("Content-Length: 0"))) as up,
        recorder(tmp_path, Upstream("a", up.url), told=told) as server,
    ):
        for path in ("/a/v1/models/m:generateContent?key=PLANTED", "/b/v1/x?key=PLANTED"):
            with Raw(server.base_url) as client:
                client.post(asked(), path=path)
                answer = client.answer()
                assert answer.whole
                assert PLANTED not in answer.body
        assert b"key=PLANTED" in up.requests.get(timeout=20)
        rows = server.journal()
    assert "PLANTED" not in repr(rows)
    assert "PLANTED" not in repr(told.all)
    assert [row["operation"].partition("?")[2] for row in rows] == ["key=REDACTED"] * 2


def test_a_key_in_the_query_is_not_told_by_a_miss(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.tape.jsonl", exchange(stream("a")))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        client.post(asked("other"), path="/v1/models/m:generateContent?key=PLANTED&n=1")
        answer = client.answer()
        assert answer.status == 404
        assert "PLANTED" not in repr(server.journal())
    told = answer.body + capfd.readouterr().err.encode()
    assert PLANTED not in told
    assert b"key=REDACTED&n=1" in told


ASK = """
import os, sys, urllib.request
url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
with urllib.request.urlopen(urllib.request.Request(url, sys.argv[1].encode())) as answer:
    sys.exit(answer.status != 200)
"""


def test_what_is_recorded_without_values_of_paths_is_replayed_without_them(tmp_path: Path) -> None:
    body = Paths(["$.user"]).redact(asked(user="PLANTED"))
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), body=body))
    ours = asked(user="me")
    for redact, status in ((["$.user"], 200), ([], 404)):
        with replay(tmp_path, redact=redact) as server, Raw(server.base_url) as client:
            client.post(ours)
            assert client.answer().status == status
        options = [word for path in redact for word in ("--redact", path)]
        command = [sys.executable, "-c", ASK, ours.decode()]
        result = CliRunner().invoke(replay_command, [str(tmp_path), *options, "--", *command])
        assert (result.exit_code == 0) is (status == 200)
    with pytest.raises(UsageError, match="--redact"), replay(tmp_path, redact=["$.["]):
        pass


def test_a_scope_that_looks_like_a_key_is_found_again(tmp_path: Path) -> None:
    scope = f"x-tokentape-scope: of-{TOKEN.decode()}"
    answer = head("Content-Length: 2") + b"{}"
    with upstream(at_once(answer)) as up, recorder(tmp_path, up.url) as server:
        with Raw(server.base_url) as client:
            client.post(asked(), scope)
            assert client.answer().whole
        assert "PLANTED" not in repr(server.journal())
    with replay(tmp_path) as server:
        for stream in (True, False):
            with Raw(server.base_url) as client:
                client.post(asked(stream=stream), scope)
                found = client.answer()
                assert (found.status == 200) is stream
                assert PLANTED not in found.body


def test_a_scope_that_another_recorder_named_like_a_key_is_found(tmp_path: Path) -> None:
    scope = "of-" + TOKEN.decode()
    write(tmp_path / "a.tape.jsonl", exchange(stream("a"), scope=scope))
    with replay(tmp_path) as server, Raw(server.base_url) as client:
        client.post(asked(), f"x-tokentape-scope: {scope}")
        assert client.answer().status == 200


def test_keys_of_ours_are_nowhere(tmp_path: Path) -> None:
    told = Told()
    with (
        upstream(at_once(head("Content-Length: 0"))) as up,
        recorder(tmp_path, Upstream("a", up.url, key="PLANTED"), told=told) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.answer().whole
        assert b"PLANTED" in up.requests.get(timeout=20)
        assert "PLANTED" not in repr(server.journal())
    assert PLANTED not in below(tmp_path)
    assert "PLANTED" not in repr(told.all)
