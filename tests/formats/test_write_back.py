"""A recording read and written again is equal to its own tools; an edited one keeps no secret."""

import gzip
import json
from typing import Any

import msgspec
import pytest
import yaml

from tests.formats.cases import CASES, GO_VCR, HAR, LLAMA, SSE, VCRPY, Case
from tests.samples import streamed
from tokentape import formats
from tokentape.errors import FormatError, UsageError
from tokentape.formats import go_duration, plain_yaml
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Exchange, Read, Request, Response, Tape


def loaded(data: bytes, format: str) -> Any:
    """The file in the data model of the tools that own the format."""
    if format in ("go-vcr", "vcrpy"):
        return yaml.load(data, yaml.SafeLoader)
    return json.loads(data) if format in ("llama-stack", "har") else data


# Python's tags and packing are not given back; the rest is.
PLAIN = [c for c in CASES if formats.by_name(c.format).write and b"!!python/" not in c.data[:9999]]
PLAIN = [case for case in PLAIN if not case.name.endswith((".gz", ".txt"))]


@pytest.mark.parametrize("through_native", [False, True], ids=["directly", "through a tape"])
@pytest.mark.parametrize("case", PLAIN, ids=lambda case: f"{case.format}: {case.what}")
def test_what_is_written_loads_equal(case: Case, through_native: bool) -> None:
    tape = formats.read(case.data, case.name).tape
    if through_native:
        tape = formats.read(formats.write(tape, "tape"), "a.tape.jsonl").tape
    if case.what == "a WebSocket beside it":
        assert formats.read(formats.write(tape, case.format), case.name).tape.exchanges
        return
    assert loaded(formats.write(tape, case.format), case.format) == loaded(case.data, case.format)


def test_every_written_format_is_among_them() -> None:
    assert {case.format for case in PLAIN} == {"go-vcr", "vcrpy", "llama-stack", "har", "sse"}


@pytest.mark.parametrize("case", [GO_VCR[0], *LLAMA], ids=lambda case: case.what)
def test_the_bytes_come_back_too(case: Case) -> None:
    assert formats.write(formats.read(case.data, case.name).tape, case.format) == case.data


BARE_GO = """version: 2
interactions:
- id: 0
  request: {%s, body: %s, headers: {}, url: 'http://x/', method: GET}
  response: {body: %s, headers: {}, status: '%s OK', code: %s, duration: 1ms}
"""
BARE_VCRPY = """version: 1
interactions:
- request: {body: %s, headers: {}, uri: 'http://x/', method: GET}
  response: {body: {string: %s}, headers: {}, status: {code: 200, message: OK}}
"""


@pytest.mark.parametrize("code", ["200", "'200'"])
@pytest.mark.parametrize(
    ("written", "body"),
    [
        ("123", b"123"), ("'123'", b"123"), ("-1.5", b"-1.5"), ("1.50", b"1.5"), ("0x1F", b"31"),
        ("yes", b"true"), ("off", b"false"), ("true", b"true"), ("'yes'", b"yes"), ("~", b""),
        ("12:30:45", b"45045"), ("2024-01-02", b"2024-01-02"),
    ],
)  # fmt: skip
def test_bodies_that_yaml_takes_for_other_than_texts(written: str, body: bytes, code: str) -> None:
    more = "content_length: 0, host: ''"
    go = BARE_GO % (more, written, written, code.strip("'"), code)
    for text, format in ((go, "go-vcr"), (BARE_VCRPY % (written, written), "vcrpy")):
        data = text.encode()
        tape = formats.read(data, "a.yaml").tape
        (exchange,) = formats.read(formats.write(tape, "tape"), "a.tape.jsonl").tape.exchanges
        assert (exchange.body, exchange.request.body or b"") == (body, body)
        again = formats.write(Tape(exchanges=(exchange,), extra=tape.extra), format)
        assert loaded(again, format) == loaded(data, format)


def test_an_archive_of_ours_comes_back_byte_for_byte() -> None:
    tape = Tape(
        exchanges=(
            streamed(),
            streamed(b"\xff\x00"),
            Exchange(request=Request(url="http://x/?a=1"), response=None),
        )
    )
    once = formats.write(tape, "har")
    assert formats.write(formats.read(once, "a.har").tape, "har") == once


UNKNOWN = b"""%sinteractions:
- request:
    body: null
    headers:
      1: [2, 3.5]
      "": ['']
    method: get
    uri: http://x/
    later: {at: 2024-01-02, deep: [{on: .inf, raw: !!binary AP8=, 7: seven, "$base64": x}]}
  response:
    body: {string: 'y', more: kept}
    headers: null
    status: {code: '200', message: null, extra: 1}
    huge: 123456789012345678901234567890
  recorded_at: 2024-01-02 03:04:05.678
metadata: {by: someone, when: 2024-01-02}
version: 1
"""


def test_unknown_keys_and_values_are_kept() -> None:
    data = UNKNOWN % b""
    tape = formats.read(data, "a.yaml").tape
    native = formats.read(formats.write(tape, "tape"), "a.tape.jsonl").tape
    assert native == tape
    assert loaded(formats.write(native, "vcrpy"), "vcrpy") == loaded(data, "vcrpy")


MIXED = b"""version: 1
interactions:
- {kind: close, code: 1000, reason: '', ok: true}
- request: {method: GET, uri: 'http://x/', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: a}}
- {direction: sent, data: {a: 1}}
- {direction: received, data: !!binary AP8=}
- request: {method: GET, uri: 'http://y/', headers: {}, body: null}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: b}}
- {request_stream: {}, response_stream: {}}
"""


def test_what_is_not_http_is_written_at_its_place() -> None:
    tape = formats.read(MIXED, "a.yaml").tape
    assert [exchange.body for exchange in tape.exchanges] == [b"a", b"b"]
    notes = ("3 WebSocket frames left out", "1 gRPC samples left out")
    assert [exchange.notes for exchange in tape.exchanges] == [notes, notes]
    assert loaded(formats.write(tape, "vcrpy"), "vcrpy") == loaded(MIXED, "vcrpy")
    fewer = msgspec.structs.replace(tape, exchanges=tape.exchanges[:1])
    assert len(loaded(formats.write(fewer, "vcrpy"), "vcrpy")["interactions"]) == 5


def edited(exchange: Exchange, **fields: Any) -> Tape:
    return Tape(exchanges=(msgspec.structs.replace(exchange, **fields),))


SECRET = "sk-secret"


def secretive(case: Case) -> bytes:
    """The recording with a secret in its url, headers and bodies."""
    data = case.data.replace(b"chat/completions", b"chat/completions?key=" + SECRET.encode())
    data = data.replace(b'"application/json"', f'"{SECRET}"'.encode())
    data = data.replace(b"- application/json", f"- {SECRET}".encode())
    data = data.replace(b"form: {}", f"form: {{key: [{SECRET}]}}".encode())
    data = data.replace(b'request_uri: ""', f"request_uri: /?key={SECRET}".encode())
    return data.replace(b'"model":"m"', f'"model":"{SECRET}"'.encode())


@pytest.mark.parametrize(
    "case", [GO_VCR[0], GO_VCR[4], VCRPY[0], HAR[0], LLAMA[0], LLAMA[11]], ids=lambda c: c.what
)
def test_what_was_edited_out_does_not_come_back(case: Case) -> None:
    data = secretive(case)
    if case.format == "llama-stack":
        data = data.replace(b'"model": "m"', f'"model": "{SECRET}"'.encode())
    assert SECRET.encode() in data
    (exchange,) = formats.read(data, case.name).tape.exchanges
    request = msgspec.structs.replace(
        exchange.request, url="http://y/v1/chat/completions", headers=(), body=b'{"model":"z"}'
    )
    response = Response(status=201, reason="Made", headers=(("a", "b"),), reads=(Read(b"{}"),))
    written = formats.write(edited(exchange, request=request, response=response), case.format)
    assert SECRET.encode() not in written
    (again,) = formats.read(written, "x", format=case.format).tape.exchanges
    assert again.request.url == request.url
    assert again.request.body == request.body
    assert again.body == b"{}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format}: {case.what}")
def test_no_body_is_kept_twice(case: Case) -> None:
    data = gzip.decompress(case.data) if case.name.endswith(".gz") else case.data
    for word in (b'"m"', b"model: m", b'"no"', b"'no'", b'"x"', b"'x'", b"'model': 'm'"):
        data = data.replace(word, word[:-2] + SECRET.encode() + word[-1:])
    if case.what in ("bytes as header values", "the words of a tag as text"):
        return
    for exchange in formats.read(data, case.name.removesuffix(".gz")).tape.exchanges:
        assert SECRET not in json.dumps(exchange.extra)


@pytest.mark.parametrize("case", [GO_VCR[0], VCRPY[0]], ids=lambda case: case.format)
def test_no_header_and_no_url_is_kept_twice(case: Case) -> None:
    data = secretive(case)
    assert data.count(SECRET.encode()) == 3
    (exchange,) = formats.read(data, case.name).tape.exchanges
    assert SECRET not in json.dumps(exchange.extra)


EDITS = [
    *(b"{}", b"[1]", b'"x"', b"null", b"5", b'{"string": "x"}', b'{"state": ["x", 0, null]}'),
    *(b'{"type": "text", "content": "x"}', b'{"b": 2, "a": NaN}', b"[[1, 2]]", b'[["a", "b"]]'),
    *(b"a=1&b=2", b"b=2&a=1&b=", b"string=x", b"plain", b"\xff\0", b""),
]


@pytest.mark.parametrize("media", [None, "application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("case", [c for c in VCRPY if c.bodies], ids=lambda case: case.what)
@pytest.mark.parametrize("body", EDITS, ids=lambda body: repr(body[:20]))
def test_an_edited_body_is_written_whatever_its_shape_was(
    case: Case, body: bytes, media: str | None
) -> None:
    exchange = formats.read(case.data, case.name).tape.exchanges[0]
    assert exchange.response is not None
    response = msgspec.structs.replace(exchange.response, reads=(Read(body),) if body else ())
    headers = exchange.request.headers if media is None else (("content-type", media),)
    request = msgspec.structs.replace(exchange.request, body=body, headers=headers)
    written = formats.write(edited(exchange, request=request, response=response), "vcrpy")
    (again,) = formats.read(written, "x", format="vcrpy").tape.exchanges
    assert (again.request.body, again.body) == (body, body)


STARTS = [
    ("2026-03-06T19:45:40.446669+00:00", "2026-03-06T19:45:40.446669Z"),
    ("'2026-01-01T00:00:00Z'", "2026-01-01T00:00:00Z"),
    ("2026-01-01 02:00:00+02:00", "2026-01-01T00:00:00Z"),
    ("2026-01-01 02:00:00", "2026-01-01T02:00:00Z"),
    ("yesterday", None),
    ("7", None),
    ("null", None),
]


@pytest.mark.parametrize(("text", "started"), STARTS)
def test_when_an_interaction_was_recorded(text: str, started: str | None) -> None:
    data = VCRPY[0].data.replace(b"version: 1", f"  recorded_at: {text}\nversion: 1".encode())
    tape = formats.read(data, "a.yaml").tape
    (exchange,) = tape.exchanges
    assert exchange.request.started == started
    assert loaded(formats.write(tape, "vcrpy"), "vcrpy") == loaded(data, "vcrpy")
    for other in ("2025-12-31T23:59:59.500000Z", None):
        request = msgspec.structs.replace(exchange.request, started=other)
        written = formats.write(edited(exchange, request=request), "vcrpy")
        (again,) = formats.read(written, "a.yaml").tape.exchanges
        assert again.request.started == other


def test_a_status_is_edited_in_its_shape() -> None:
    case = next(case for case in VCRPY if case.what == "cassetter's texts")
    (exchange,) = formats.read(case.data, case.name).tape.exchanges
    assert exchange.response is not None
    response = msgspec.structs.replace(exchange.response, status=429)
    written = formats.write(edited(exchange, response=response), "vcrpy")
    assert loaded(written, "vcrpy")["interactions"][0]["response"]["status"] == 429


def test_an_edited_time_is_written() -> None:
    (exchange,) = formats.read(GO_VCR[0].data, "a.yaml").tape.exchanges
    assert exchange.response is not None
    assert exchange.response.offset_us == 785_200
    response = msgspec.structs.replace(exchange.response, offset_us=1_500_000)
    written = formats.write(edited(exchange, response=response), "go-vcr")
    assert b"duration: 1.5s" in written


def test_ids_are_positions() -> None:
    (exchange,) = formats.read(GO_VCR[0].data, "a.yaml").tape.exchanges
    written = loaded(formats.write(Tape(exchanges=(exchange,) * 3), "go-vcr"), "go-vcr")
    assert [node["id"] for node in written["interactions"]] == [0, 1, 2]


def test_go_vcr_gets_blocks_and_a_start() -> None:
    written = formats.write(formats.read(SSE[0].data, "a.sse").tape, "go-vcr")
    assert written.startswith(b"---\nversion: 2\ninteractions:\n- id: 0\n  request:\n    proto: ")
    assert b"    body: |+\n      data: {" in written


def test_har_has_what_the_format_demands() -> None:
    log = loaded(formats.write(formats.read(SSE[0].data, "a.sse").tape, "har"), "har")["log"]
    assert (log["version"], log["creator"]["name"]) == ("1.2", "TokenTape")
    (entry,) = log["entries"]
    assert entry.keys() >= {"startedDateTime", "time", "request", "response", "cache", "timings"}
    request = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize"}
    assert entry["request"].keys() == request | {"bodySize"}
    assert entry["response"].keys() == {
        *("status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL"),
        *("headersSize", "bodySize"),
    }


def test_har_times() -> None:
    (exchange,) = formats.read(HAR[0].data, "a.har").tape.exchanges
    assert exchange.request.started == "2026-03-01T10:00:00.250000Z"
    assert exchange.response is not None
    # blocked + connect (ssl is part of it) + send + wait
    assert exchange.response.offset_us == 321_750
    assert exchange.end_offset_us == 1_500_500
    bare = msgspec.structs.replace(exchange, extra={})
    (again,) = formats.read(formats.write(Tape(exchanges=(bare,)), "har"), "a.har").tape.exchanges
    assert again.request.started == exchange.request.started
    assert again.end_offset_us == exchange.end_offset_us
    assert again.response is not None
    assert again.response.offset_us == exchange.response.offset_us


def test_times_that_are_not_known_stay_so() -> None:
    tape = formats.read(SSE[0].data, "a.sse").tape
    for format in ("har", "go-vcr", "vcrpy"):
        (exchange,) = formats.read(formats.write(tape, format), "x", format=format).tape.exchanges
        assert exchange.response is not None
        assert exchange.response.offset_us is None
        assert exchange.end_offset_us is None
        assert exchange.request.started is None


@pytest.mark.parametrize("format", ["sse", "llama-stack"])
@pytest.mark.parametrize("count", [0, 2])
def test_one_exchange_only(format: str, count: int) -> None:
    (exchange,) = formats.read(SSE[0].data, "a.sse").tape.exchanges
    with pytest.raises(UsageError, match="--exchange"):
        formats.write(Tape(exchanges=(exchange,) * count), format)


def test_a_transcript_is_only_read() -> None:
    with pytest.raises(UsageError, match="only read"):
        formats.write(Tape(), "transcript")


@pytest.mark.parametrize("kind", ["text/event-stream", "text/plain; charset=utf-8", ""])
def test_a_stream_becomes_a_recording_of_llama_stack(kind: str) -> None:
    (exchange,) = formats.read(GO_VCR[0].data, "a.yaml").tape.exchanges
    assert exchange.response is not None
    response = msgspec.structs.replace(exchange.response, headers=(("Content-Type", kind),))
    exchange = msgspec.structs.replace(exchange, response=response)
    node = loaded(formats.write(Tape(exchanges=(exchange,)), "llama-stack"), "llama-stack")
    assert list(node) == ["test_id", "request", "response", "id_normalization_mapping"]
    assert node["request"]["endpoint"] == "/v1/chat/completions"
    assert node["response"] == {
        "body": [
            {
                "__type__": "openai.types.chat.chat_completion_chunk.ChatCompletionChunk",
                "__data__": {"object": "chat.completion.chunk"},
            }
        ],
        "is_streaming": True,
    }


def test_a_failure_becomes_an_exception_of_llama_stack() -> None:
    (exchange,) = formats.read(GO_VCR[0].data, "a.yaml").tape.exchanges
    response = Response(status=429, reads=(Read(b'{"error":{"message":"slow"}}'),))
    written = formats.write(edited(exchange, response=response), "llama-stack")
    told = loaded(written, "llama-stack")["response"]
    assert told["body"] is None
    assert told["exception_data"]["type"] == "RateLimitError"
    assert told["exception_data"]["body"] == {"message": "slow"}
    (again,) = formats.read(written, "a.json").tape.exchanges
    assert again.response is not None
    assert again.response.status == 429
    assert again.body == b'{"error":{"message":"slow"}}'


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("785.2ms", 785_200),
        ("2.6s", 2_600_000),
        ("1m2s", 62_000_000),
        ("1h2m3.5s", 3_723_500_000),
        ("755.667µs", 756),
        ("755.667μs", 756),
        ("10us", 10),
        ("1500ns", 2),
        (".5s", 500_000),
        ("1.224742875s", 1_224_743),
    ],
)
def test_durations(text: str, microseconds: int) -> None:
    assert go_duration.parse(text) == microseconds
    assert go_duration.parse(go_duration.render(microseconds)) == microseconds


@pytest.mark.parametrize("text", ["", "-1s", "5", "s", "1x", "1s ", "1.s.s", "9" * 30 + "h", ".s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(FormatError, match="expected a duration"):
        go_duration.parse(text)


@pytest.mark.parametrize("go", [False, True])
@pytest.mark.parametrize(
    "value",
    [{}, [], "", {"a": ""}, {"a": "|\n"}, [plain_yaml.Block("a\nb\n")], {"a": [{"b": None}]}, b""],
    ids=repr,
)
def test_yaml_dumps_load_again(value: Any, go: bool) -> None:
    assert plain_yaml.load(plain_yaml.dump(value, go=go), DEFAULT_LIMITS) == value
