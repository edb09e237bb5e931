"""An exchange as it goes on the wire again: head, chunks, deadlines, endings."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.tapes import JSON, SSE, exchange, stream
from tokentape.model import Ending, Exchange, Fidelity, Headers, Read, Request, Response
from tokentape.server.answer import Answer, Wire, prepare


def wire(answer: Answer) -> bytes:
    return b"".join(answer.steps)


def head_of(answer: Answer) -> list[str]:
    return wire(answer).split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")


def body_of(answer: Answer) -> bytes:
    return wire(answer).split(b"\r\n\r\n", 1)[1]


def test_each_read_is_a_chunk_at_its_offset() -> None:
    reads = [b"data: 1\n\n", b"da", b"ta: 2\n\n"]
    answer = prepare(exchange(reads, end_us=40_000), 1.0)
    assert answer.due == (10_000, 20_000, 30_000, 40_000)
    assert answer.steps[0].endswith(b"\r\n\r\n9\r\ndata: 1\n\n\r\n")
    assert answer.steps[1:] == (b"2\r\nda\r\n", b"7\r\nta: 2\n\n\r\n", b"0\r\n\r\n")
    assert not answer.close


@pytest.mark.parametrize(
    ("speed", "due"), [(2.0, (5_000, 10_000)), (0.5, (20_000, 40_000)), (inf, (0,))]
)
def test_speed_scales_the_deadlines(speed: float, due: tuple[int, ...]) -> None:
    assert prepare(exchange([b"data: 1\n\n", b"data: 2\n\n"]), speed).due == due


def test_time_to_headers_delays_the_head_alone() -> None:
    answer = prepare(exchange([b"data: 1\n\n"], offset_us=4_000), 1.0)
    assert answer.due == (4_000, 10_000)
    assert answer.steps[0].endswith(b"\r\n\r\n")


def test_no_time_is_invented() -> None:
    answer = prepare(exchange([b"data: 1\n\n", b"data: 2\n\n"], gap_us=None), 1.0)
    assert answer.at_once
    assert body_of(answer) == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


def test_time_to_headers_alone_delays_everything_behind_it() -> None:
    whole = b"data: 1\n\ndata: 2\n\n"
    answer = prepare(exchange([whole], gap_us=None, fidelity=Fidelity.BYTES, offset_us=7_000), 1.0)
    assert set(answer.due) == {7_000}
    assert body_of(answer) == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


def test_a_body_without_reads_is_written_frame_by_frame() -> None:
    body = b": hello\n\ndata: 1\r\n\r\ndata: [DONE]\n\ndata: cu"
    answer = prepare(exchange([body], gap_us=None, fidelity=Fidelity.BYTES), inf)
    assert answer.reads == 4
    assert body_of(answer).startswith(b"9\r\n: hello\n\n\r\nb\r\ndata: 1\r\n\r\n\r\n")


def test_json_at_once_has_a_content_length() -> None:
    answer = prepare(exchange([b'{"a": 1}'], gap_us=None, headers=JSON), inf)
    assert wire(answer).endswith(b"content-length: 8\r\n\r\n" + b'{"a": 1}')


def test_json_in_several_reads_is_chunked() -> None:
    answer = prepare(exchange([b'{"a"', b": 1}"], headers=JSON), inf)
    assert body_of(answer) == b'4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'


@pytest.mark.parametrize("ending", [Ending.CUT, Ending.LEFT, Ending.STOPPED, Ending.TIMED_OUT])
def test_a_cut_stream_is_cut(ending: Ending) -> None:
    answer = prepare(exchange([b"data: 1\n\n", b"data: 2"], ending=ending, end_us=90_000), 1.0)
    assert answer.close
    assert wire(answer).endswith(b"7\r\ndata: 2\r\n")
    # The last step holds no bytes: the connection stays open until the recorded end.
    assert (answer.due[-1], answer.steps[-1]) == (90_000, b"")


def test_a_cut_body_stays_short_of_its_recorded_length() -> None:
    headers = (*JSON, ("Content-Length", "100"))
    answer = prepare(exchange([b'{"a": '], headers=headers, ending=Ending.CUT), inf)
    assert answer.close
    assert "content-length: 100" in head_of(answer)
    assert body_of(answer) == b'{"a": '


def test_no_response_is_no_byte() -> None:
    gone = Exchange(request=Request(), ending=Ending.TIMED_OUT, end_offset_us=30_000)
    answer = prepare(gone, 1.0)
    assert (answer.steps, answer.due, answer.close) == ((b"",), (30_000,), True)
    assert prepare(Exchange(request=Request()), 1.0).at_once


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_none(status: int) -> None:
    answer = prepare(exchange([b"no"], status=status), inf)
    assert body_of(answer) == b""
    assert not any("length" in line or "encoding" in line for line in head_of(answer))


def test_head_keeps_the_length_it_told() -> None:
    headers = (*JSON, ("Content-Length", "12"))
    answer = prepare(exchange([], method="HEAD", headers=headers), inf)
    assert "content-length: 12" in head_of(answer)
    assert body_of(answer) == b""


def test_headers_keep_order_case_and_repetition() -> None:
    headers = (
        ("X-B", "2"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("x-a", "1"),
        ("Content-Type", "application/json"),
    )
    answer = prepare(exchange([b"{}"], headers=headers, status=418, reason="short"), inf)
    assert head_of(answer) == [
        "HTTP/1.1 418 short",
        "X-B: 2",
        "Set-Cookie: a=1",
        "Set-Cookie: b=2",
        "x-a: 1",
        "Content-Type: application/json",
        "content-length: 2",
    ]


def test_headers_of_the_recorded_connection_are_left_out() -> None:
    headers = (
        ("Connection", "keep-alive, X-Hop"),
        ("X-Hop", "1"),
        ("Keep-Alive", "timeout=5"),
        ("Transfer-Encoding", "chunked"),
        ("Content-Length", "9999"),
        ("Proxy-Authenticate", "Basic"),
        ("Upgrade", "h2"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("X-Kept", "1"),
    )
    answer = prepare(exchange([b"{}"], headers=headers), inf)
    assert head_of(answer)[1:] == ["X-Kept: 1", "content-length: 2"]


@pytest.mark.parametrize(
    ("body", "encoding", "kept"),
    [
        (b"\x1f\x8b\x08rest", "gzip", True),
        (b"data: plain\n\n", "gzip", False),
        (b"data: plain\n\n", "br", False),
        (b"\x8b\x02\x80ab\x03", "br", True),
        (b"\x28\xb5\x2f\xfdrest", "zstd", True),
        (b"{}", "zstd", False),
    ],
)
def test_content_encoding_goes_with_a_body_that_is_decoded(
    body: bytes, encoding: str, kept: bool
) -> None:
    answer = prepare(exchange([body], headers=(("Content-Encoding", encoding),)), inf)
    assert (f"Content-Encoding: {encoding}" in head_of(answer)) is kept


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b' {"a": 1}', "application/json"), (b"data: 1\n\n", "text/event-stream"), (b"<p>", None)],
)
def test_a_recording_without_headers_names_the_body_it_plainly_has(
    body: bytes, kind: str | None
) -> None:
    answer = prepare(exchange([body], gap_us=None, headers=(), fidelity=Fidelity.EVENTS), inf)
    found = [line for line in head_of(answer) if line.startswith("content-type")]
    assert found == ([f"content-type: {kind}"] if kind else [])
    wired = prepare(exchange([body], headers=()), inf)
    assert not any(line.startswith("content-type") for line in head_of(wired))


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", ""])
@pytest.mark.parametrize("fidelity", [Fidelity.BYTES, Fidelity.EVENTS])
def test_events_under_a_type_that_says_nothing_are_a_write_each(
    kind: str, fidelity: Fidelity
) -> None:
    body, headers = b"data: 1\n\ndata: 2\n\n", (("Content-Type", kind),)
    answer = prepare(exchange([body], gap_us=None, headers=headers, fidelity=fidelity), inf)
    assert answer.reads == 2
    assert body_of(answer) == b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


def test_old_clients_get_the_body_until_the_connection_ends() -> None:
    answer = prepare(exchange([b"data: 1\n\n", b"data: 2\n\n"]), inf, Wire.OLD)
    assert answer.close
    assert "connection: close" in head_of(answer)
    assert body_of(answer) == b"data: 1\n\ndata: 2\n\n"


def test_a_connection_that_is_not_kept_says_so() -> None:
    answer = prepare(exchange([b"data: 1\n\n"]), inf, Wire.CLOSE)
    assert answer.close
    assert {"connection: close", "transfer-encoding: chunked"} <= set(head_of(answer))


@given(
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=6),
    st.integers(-5, 1200),
    st.one_of(st.none(), st.text(max_size=10)),
)
def test_no_recorded_head_breaks_the_answer(headers: Headers, status: int, reason: Any) -> None:
    made = Exchange(
        request=Request(),
        response=Response(
            status=status, reason=reason, headers=tuple(headers), reads=(Read(b"{}"),)
        ),
    )
    answer = prepare(made, inf)
    lines = head_of(answer)
    assert lines[0].startswith("HTTP/1.1 ")
    assert all(":" in line for line in lines[1:])
    assert not any(ord(letter) < 32 and letter != "\t" for line in lines for letter in line)
    assert body_of(answer) in (b"{}", b"")


@given(st.lists(st.binary(max_size=30), max_size=8), st.data())
def test_what_was_delivered_is_told_from_the_bytes_taken(
    reads: list[bytes], data: st.DataObject
) -> None:
    answer = prepare(exchange(reads), 1.0)
    kept = [read for read in reads if read]
    assert answer.delivered(answer.size) == (len(kept), len(b"".join(kept)))
    sent = data.draw(st.integers(0, answer.size))
    parts = wire(answer)[:sent].partition(b"\r\n\r\n")[2]
    # An independent reading of the same wire: walk its chunks.
    whole = size = 0
    while parts:
        line, found, parts = parts.partition(b"\r\n")
        length = int(line, 16) if found else 0
        got = parts[:length]
        size += len(got)
        whole += bool(length) and len(got) == length
        parts = parts[length + 2 :]
    assert answer.delivered(sent) == (whole, size)


def test_reads_are_never_merged_while_pacing() -> None:
    reads = stream("a", "b", "c")
    answer = prepare(exchange(reads, gap_us=0, end_us=1_000), 1.0)
    assert len(answer.steps) == len(reads) + 1
    assert SSE[0][1].encode() in answer.steps[0]
