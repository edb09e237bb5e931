"""Findings in the terminal while a stream is forwarded."""

import gzip
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import brotli
import pytest
import zstandard
from click.testing import CliRunner
from hypothesis import given
from rich.console import Console

from tests.record.recording import recorded, recorder
from tests.record.upstream import answering, at_once, chunked, head, upstream
from tests.samples import DONE, body, chunk
from tests.server.raw import Raw
from tests.server.tapes import asked
from tests.wire import same_whole_and_bytewise, splits
from tokentape.cli import cli
from tokentape.cli import follow as follow_module
from tokentape.cli import lint_watch as lint_watch_module
from tokentape.cli.lint_watch import LintWatch
from tokentape.cli.watch import Quiet, Watch
from tokentape.linting import DEFAULT_THRESHOLDS, Thresholds
from tokentape.model import Ending
from tokentape.server import Begun

CHAT = "/v1/chat/completions"
ROLES = (
    chunk(role="assistant", content="a") + chunk("b", role="assistant") + chunk("c", finish="stop")
)
FOUND = [
    '#1 event 1 $.choices[0].delta.role: DEL402 warning: role "assistant" again',
    "#1: SSE101 warning: the stream ends without [DONE]",
]

PATIENT = Thresholds(stall_ms=10**9)


def follow(
    *reads: bytes,
    target: str = CHAT,
    status: int = 200,
    coding: str = "",
    streaming: bool = True,
    ending: Ending = Ending.COMPLETE,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
    request: bytes = body(),
) -> list[str]:
    """What is printed of one exchange, its reads a second apart."""
    console = Console(file=io.StringIO(), width=40, force_terminal=False)
    watch = LintWatch(console, thresholds, Quiet(console))
    watch.began(1, Begun(method="POST", target=target, upstream="u", body=request))
    watch.responded(1, status=status, streaming=streaming, coding=coding, offset_us=1)
    for number, data in enumerate(reads):
        watch.read(1, data, number * 1_000_000)
    watch.ended(1, ending=ending, offset_us=10**9, note=None)
    assert not watch._followed
    assert not watch._whole
    assert not watch._asked
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_errors_and_warnings_are_told_once_and_the_rest_not() -> None:
    assert follow(ROLES) == FOUND
    assert follow(ROLES + chunk("d", role="assistant"))[0] == FOUND[0]
    assert follow(chunk(role="assistant"), chunk(finish="stop"), DONE) == []


@given(splits(ROLES))
def test_however_it_is_read_the_same_is_told(reads: list[bytes]) -> None:
    assert follow(*reads, thresholds=PATIENT) == FOUND


def test_whole_and_byte_by_byte_the_same_is_told() -> None:
    assert same_whole_and_bytewise(lambda reads: follow(*reads, thresholds=PATIENT), ROLES) == FOUND


def _brotli(data: bytes) -> bytes:
    compressed: bytes = brotli.compress(data)
    return compressed


@pytest.mark.parametrize(
    ("coding", "compress"),
    [
        ("gzip", gzip.compress),
        ("zstd", zstandard.compress),
        ("br", _brotli),
        ("identity", bytes),
    ],
)
def test_a_content_coding_is_undone(coding: str, compress: Callable[[bytes], bytes]) -> None:
    data = compress(ROLES)
    assert follow(data[:20], data[20:], coding=coding) == FOUND


def test_what_can_not_be_followed_is_said_once() -> None:
    data = gzip.compress(ROLES)
    told = follow(data[:10], b"\xff" * 20, b"\xff" * 20, coding="gzip")
    assert len(told) == 1
    assert told[0].startswith("#1  linted no further: expected compressed data")
    (line,) = follow(b"\x8f" * 9, b"\x8f" * 9, coding="compress")
    assert line.startswith("#1  linted no further: expected one content coding")


def test_a_stream_that_never_comes_to_a_blank_line_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow_module, "_MOST_PENDING", 2_000)
    lines = [b"data: %b\n" % (b"x" * 99)] * 30
    assert follow(*lines) == ["#1  linted no further: no blank line within 2000 bytes"]
    # A blank line may come in a read of its own, or in halves.
    for end in (b"\n", b"\r\n", b"\r"):
        frames = [piece for _ in range(9) for piece in (chunk("x").rstrip() + end, end)]
        cut = [bytes([byte]) for frame in frames for byte in frame]
        for reads in (frames, cut):
            assert not [line for line in follow(*reads) if "no further" in line]
    monkeypatch.setattr(follow_module, "_MOST_DECODED", 2_000)
    (line,) = follow(gzip.compress(b": \n\n" * 9_000), coding="gzip")
    assert "more than 2000 bytes" in line


def test_the_request_is_known() -> None:
    wanted = body(stream_options={"include_usage": True})
    told = follow(ROLES, DONE, request=wanted)
    assert any("USG601 error" in line for line in told)
    assert not any("USG601" in line for line in follow(ROLES, DONE))


def test_the_thresholds_are_those_given() -> None:
    reads = (chunk(role="assistant"), chunk("a"), chunk("b"), chunk(finish="stop") + DONE)
    assert follow(*reads) == []
    (line,) = follow(*reads, thresholds=Thresholds(stall_ms=500))
    assert "TIM902 warning: 1.0 s without content" in line


def test_what_is_no_stream_of_chat_is_asked_no_more_than_that() -> None:
    assert follow(ROLES, target="/v1/responses") == []
    assert follow(b"data: {\xff}\n\n", target="/v1/responses")
    assert follow(ROLES, status=500) == []
    assert follow(ROLES, ending=Ending.LEFT) == FOUND[:1]


WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"a","refusal":null},"finish_reason":"stop"}]}'
)
NOT_HONOURED = ["#1 $.stream: REQ806 warning: a stream was asked for, one document came"]


@pytest.mark.parametrize(
    ("coding", "data"),
    [("", WHOLE), ("gzip", gzip.compress(WHOLE)), ("br", _brotli(WHOLE)), ("identity", WHOLE)],
)
def test_a_document_is_linted_at_its_end(coding: str, data: bytes) -> None:
    wanted = body(stream=True)
    for reads in ((data,), (data[:30], data[30:]), tuple(bytes([byte]) for byte in data)):
        assert follow(*reads, streaming=False, coding=coding, request=wanted) == NOT_HONOURED
    assert follow(data, streaming=False, coding=coding, request=body(stream=False)) == []
    assert follow(data, streaming=False, coding=coding, request=wanted, status=500) == []
    target = "/v1/responses"
    assert follow(data, streaming=False, coding=coding, request=wanted, target=target) == []


def test_a_document_is_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lint_watch_module, "_MOST_WHOLE", 200)
    assert follow(WHOLE, WHOLE, streaming=False) == [
        "#1  linted no further: an answer of more than 200 bytes"
    ]
    (line,) = follow(b"\x1f\x8b\x08" + b"\xff" * 40, streaming=False, coding="gzip")
    assert line.startswith("#1  linted no further: expected compressed data")


def test_a_document_that_the_client_left_has_no_end_to_blame() -> None:
    assert follow(WHOLE[:40], streaming=False, ending=Ending.LEFT) == []
    assert follow(streaming=False, ending=Ending.LEFT) == []
    assert follow(streaming=False) == ["#1: CHO307 error: no choice came: the answer is empty"]


def test_what_a_stream_says_can_not_steer_the_terminal() -> None:
    told = follow(chunk(role="\x1b[2J[red]"), DONE)
    assert told
    assert not any("\x1b" in line for line in told)
    assert any("[red]" in line for line in told)


class Lines(io.StringIO):
    """A terminal that lets a test wait for a word."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Condition()

    def write(self, text: str) -> int:
        with self.written:
            self.written.notify_all()
            return super().write(text)

    def wait(self, word: str) -> bool:
        with self.written:
            return self.written.wait_for(lambda: word in self.getvalue(), 20)


def test_a_finding_is_shown_before_the_stream_ends(tmp_path: Path) -> None:
    began = chunk(role="assistant") + chunk("a", role="assistant")
    rest = chunk("b", finish="stop")
    first = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked") + chunked(began)
    console = Console(file=Lines(), width=200, force_terminal=False)
    watch = LintWatch(console, DEFAULT_THRESHOLDS, Watch(console))
    with (
        upstream(answering(first, chunked(rest) + b"0\r\n\r\n")) as up,
        recorder(tmp_path, up.url, told=watch) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        up.go()
        assert isinstance(console.file, Lines)
        # The upstream has not sent the rest: it waits for us.
        assert console.file.wait("DEL402")
        assert "SSE101" not in console.file.getvalue()
        up.go()
        assert client.answer().body == began + rest
        assert console.file.wait("complete after")
        up.go()
    lines = console.file.getvalue().splitlines()
    assert [line.partition(" error")[0].partition(" warning")[0] for line in lines[:-1]] == [
        "#1 event 1 $.choices[0].delta.role: DEL402",
        "#1: SSE101",
    ]
    (exchange,) = recorded(tmp_path)
    assert exchange.body == began + rest


ASK = """
import os, sys, urllib.request
url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
urllib.request.urlopen(urllib.request.Request(url, sys.argv[1].encode())).read()
"""


def test_record_shows_findings_by_the_thresholds_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "tokentape.toml").write_text("[lint]\nburst_events = 2\nburst_wait_ms = 0\n")
    answer = head("Content-Type: text/event-stream", f"Content-Length: {len(ROLES)}") + ROLES
    words = ["record", "tapes", "--lint", "--", sys.executable, "-c", ASK, asked().decode()]
    with upstream(at_once(answer)) as up:
        ran = subprocess.run(
            [sys.executable, "-m", "tokentape", *words],
            cwd=tmp_path,
            env=os.environ | {"OPENAI_BASE_URL": up.url},
            capture_output=True,
            text=True,
            check=True,
        )
    told = [line for line in ran.stderr.splitlines() if line.startswith("#1")]
    assert told[:2] == FOUND
    assert told[2].startswith("#1: TIM901 warning: 3 of 3 content events within 0.0 ms")
    assert told[3].startswith("#1  default")


def test_there_is_nothing_to_lint_where_nothing_is_forwarded(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["serve", str(tmp_path), "--lint"])
    assert result.exit_code == 2
    assert "expected a --mode that forwards with --lint, got replay" in result.output
