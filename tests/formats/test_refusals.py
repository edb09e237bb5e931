"""What is no recording is refused by name; what is broken but clear opens with a repair."""

import gzip
import json
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.cases import CASES, GO_VCR, SSE, VCRPY, Case, cassetter, go_vcr, llama, vcrpy
from tokentape import formats, sse
from tokentape.errors import FormatError, RefusedError, RepairNeeded, UsageError
from tokentape.formats import repair, unpack
from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response, Tape

FRAMES = b"interactions:\n- {kind: message, direction: sent, data: {}}\nversion: 1\n"
SAMPLES = (
    b"interactions:\n- {request_sample: {json: {}}, response_sample: {json: {}}}\nversion: 1\n"
)
CLOSED = b"interactions:\n- {kind: close, code: 1006, reason: '', ok: false}\nversion: 1\n"
UNNAMED = b"interactions:\n- {direction: sent, data: {}}\nversion: 1\n"
STREAMED = b"interactions:\n- {request_stream: {}, response_stream: {}}\nversion: 1\n"
SOCKETS = b"ws_interactions:\n- {uri: 'wss://x/', headers: {}, frames: []}\n"
CALLS = b"grpc_interactions:\n- {request: {method: /a.B/C}}\n"
PROCESSED = json.dumps(
    {"test_id": "t", "request": {"provider": "pypdf", "file": "a"}, "response": {}}
)
UNKNOWN = json.dumps({"test_id": "t", "request": {"what": 1}, "response": {"body": 1}})
SOCKET = {"request": {"url": "wss://x/", "method": "GET"}, "_webSocketMessages": []}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty file"),
        (b" \n\t\n", "empty file"),
        (FRAMES, "WebSocket frames"),
        (SAMPLES, "gRPC samples"),
        (CLOSED, "WebSocket frames"),
        (UNNAMED, "WebSocket frames"),
        (STREAMED, "gRPC samples"),
        (b"version: 1\n" + SOCKETS, "WebSocket frames"),
        (b"version: 1\ninteractions: []\n" + SOCKETS, "WebSocket frames"),
        (b"version: 1\ninteractions: null\n" + CALLS, "gRPC samples"),
        (b'{"version": 1, "ws_interactions": [{"frames": []}]}', "WebSocket frames"),
        (json.dumps({"log": {"entries": [SOCKET]}}).encode(), "WebSocket frames"),
        (b"interactions:\n- {a: 1}\nversion: 1\n", "records of an unknown kind"),
        (PROCESSED.encode(), "file-processor record"),
        (UNKNOWN.encode(), "llama-stack record of an unknown kind"),
        (b'{"fixtures": [{"match": {}, "response": {"content": "x"}}]}', "aimock fixture"),
        (b'{"a": 1}', "JSON, not a recording"),
        (b"[1, 2]", "JSON, not a recording"),
        (b"a: 1\nb: [2]\n", "YAML, not a recording"),
        (b"# Title\n\nSome words.\n", "text, not a recording"),
        (b"Some words: and more.\n", "text, not a recording"),
        (b"{oops", "text, not a recording"),
        (b"\x89PNG\r\n\x1a\n", "PNG image"),
        (b"PK\x03\x04", "ZIP archive"),
        (b"\xff\x00\xff", "binary data, not a recording"),
        (b"a\x00b", "binary data, not a recording"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_refusal_names_what_it_is(data: bytes, what: str) -> None:
    with pytest.raises(RefusedError) as caught:
        formats.read(data, "folder/a.txt")
    assert caught.value.what == what
    assert caught.value.path == "folder/a.txt"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (go_vcr("''").replace(b"version: 2", b"version: 3"), "version 2, got version 3"),
        (b"version: 1\ninteractions:\n- {request: {url: a}, response: {code: 1}}\n", "go-vcr"),
        (go_vcr("''").replace(b"785.2ms", b"-1s"), "expected a duration"),
        (go_vcr("''").replace(b"code: 200", b"code: x"), "a status code as `response.code`"),
        (b"interactions: 1\nversion: 1\n", "expected a list as `interactions`, got int"),
        (b"interactions: [\nversion: 1\n", "expected YAML"),
        (b"requests: [1]\nresponses: []\n", "as many responses as requests"),
        (b'{"log": {"entries": [}}', "expected JSON"),
        (cassetter("{type: none}", "{type: binary, content: 0a}x"), "expected YAML"),
        (cassetter("{type: none}", "{type: binary, content: 0x0a}"), "hex in quotes .* got int"),
        (cassetter("{type: binary, content: ag}", "{type: none}"), "expected hex as `request"),
        (cassetter("{type: text, content: []}", "{type: none}"), "a text or bytes as `request"),
        (vcrpy("body: {base64_string: AA==}\n    status: {code: 200}"), "got base64_string"),
        (b'{"test_id": "t", "request": {}}', "with `request` and `response`"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_error_says_what_was_expected(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        formats.read(data, "a.txt")


def test_an_error_says_where() -> None:
    good = vcrpy("body: {string: x}\n    status: {code: 200}")
    bad = good.replace(b"interactions:\n", b"").replace(b"{code: 200}", b"{code: much}")
    with pytest.raises(FormatError) as caught:
        formats.read(good.removesuffix(b"version: 1\n") + bad, "a.yaml")
    assert caught.value.exchange == 1
    assert str(caught.value).startswith("a.yaml, exchange 1: expected a status code")
    with pytest.raises(FormatError) as caught:
        formats.read(b"version: 1\ninteractions:\n- {\n", "a.yaml")
    assert caught.value.line is not None


def test_a_format_that_is_not_known() -> None:
    with pytest.raises(UsageError, match=r"one of tape, har, .*; got 'mp3'"):
        formats.by_name("mp3")


def test_a_named_format_is_not_guessed_again() -> None:
    with pytest.raises(FormatError):
        formats.read(SSE[0].data, "a.sse", format="har")


# A body whose payloads run together, and the same as it was meant.
PAYLOADS = [b'{"a":1}', b'{"b":{"c":"d"}}', b"[DONE]"]
BROKEN = b"".join(b"data: " + payload + b"\n" for payload in PAYLOADS)
MEANT = b"".join(b"data: " + payload + b"\n\n" for payload in PAYLOADS)
TYPED, TYPED_MEANT = (
    b"".join(
        b"event: " + kind + b"\ndata: " + payload + end
        for kind, payload in zip((b"a", b"b", b"c"), PAYLOADS, strict=True)
    )
    for end in (b"\n", b"\n\n")
)


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        (BROKEN, MEANT),
        (BROKEN.removesuffix(b"\n"), MEANT),
        (BROKEN.replace(b"\n", b"\r\n"), MEANT.replace(b"\n", b"\r\n")),
        (BROKEN.replace(b"data: ", b"data:"), MEANT.replace(b"data: ", b"data:")),
        (b": hello\n\n" + BROKEN, b": hello\n\n" + MEANT),
        (BROKEN + b"\n", MEANT),
        (b"\xef\xbb\xbf" + BROKEN, b"\xef\xbb\xbf" + MEANT),
        (TYPED, TYPED_MEANT),
        (TYPED.removesuffix(b"\n"), TYPED_MEANT),
        (TYPED.replace(b"\n", b"\r\n"), TYPED_MEANT.replace(b"\n", b"\r\n")),
        (TYPED + b"\n", TYPED_MEANT),
        (TYPED.replace(b"event: c\n", b""), TYPED_MEANT.replace(b"event: c\n", b"")),
    ],
    ids=[
        *("as is", "cut line end", "CRLF", "no space", "comment first", "last one closed", "BOM"),
        *("typed", "typed, cut line end", "typed, CRLF", "typed, last one closed", "untyped last"),
    ],
)
def test_events_that_ran_together(broken: bytes, meant: bytes) -> None:
    with pytest.raises(RepairNeeded) as caught:
        formats.read(broken, "a.sse")
    assert "ran together" in caught.value.repairs[0]
    reading = formats.read(broken, "a.sse", repair=True)
    (exchange,) = reading.tape.exchanges
    assert exchange.body == meant
    assert reading.repairs == caught.value.repairs
    assert exchange.notes[-1].startswith("repaired: a blank line put behind ")
    assert [event.data.encode() for event in sse.events(exchange.body)] == PAYLOADS


@pytest.mark.parametrize(
    "well",
    [
        MEANT,
        b'data: {\ndata: "a": 1\ndata: }\n\n',
        b'data: {"a":1}\ndata: and text\n\n',
        b"data: 1\ndata: 2\n\n",
        b'event: a\ndata: {"a":1}\n\nevent: b\ndata: {"a":1}\n\n',
        b'data: {"a":1}\n',
        b'data: {"a":1}\nevent: a\n\n',
        b'data: {"a":1}\nevent: a\n\ndata: {"a":1}\nevent: b\n\n',
        b'event: a\ndata: {"a":1}\n',
        b'event: a\ndata: {"a":1}\nevent: b\ndata: a text\n',
        b'event: a\ndata: {"a":1}\nevent: b\nid: 1\ndata: {"a":1}\n',
        b'data: 1\n\ndata: 2\n\nevent: a\ndata: {"a":1}\nevent: b\ndata: {"a":1}\n\n',
        b"",
    ],
)
def test_streams_that_are_well_are_left_alone(well: bytes) -> None:
    assert repair.run_together(well) == 0
    assert repair.separated(well) == well


def test_a_repair_keeps_a_type_that_lost_its_data() -> None:
    broken = b'event: a\ndata: {"a":1}\nevent: b\n'
    assert repair.run_together(broken) == 1
    assert repair.separated(broken) == b'event: a\ndata: {"a":1}\n\nevent: b\n'


def test_a_repair_names_the_exchange() -> None:
    block = "|\n      data: {}\n      data: {}\n"
    one = go_vcr(block)
    two = one + one[one.index(b"- id: 0") :]
    with pytest.raises(RepairNeeded) as caught:
        formats.read(two, "a.yaml")
    assert [each[:11] for each in caught.value.repairs] == ["exchange 0:", "exchange 1:"]
    assert formats.read(two, "a.yaml", repair=True).tape.exchanges[1].body == b"data: {}\n\n" * 2


def test_what_came_so_over_the_wire_is_left_so() -> None:
    exchange = Exchange(
        request=Request(url="http://x/"),
        response=Response(reads=(Read(BROKEN, 5),)),
        fidelity=Fidelity.WIRE,
    )
    data = formats.write(Tape(exchanges=(exchange,)), "tape")
    assert formats.read(data, "a.tape.jsonl").tape.exchanges[0].body == BROKEN


def test_no_chat_stream_of_llama_stack_needs_a_repair() -> None:
    lines = ["data: {}", "data: {}", "data: [DONE]"]
    reading = formats.read(llama({"body": lines, "is_streaming": True}), "a.json")
    assert reading.tape.exchanges[0].body == b"data: {}\n\ndata: {}\n\ndata: [DONE]\n\n"


TEXT = "version: 2\n\n  indented: 1\n1: digits first\n: colon first\n"


def listing(separator: str, width: int = 6, title: str = "") -> bytes:
    lines = [
        f"{number:>{width}}{separator}{line}".rstrip(" ")
        for number, line in enumerate(TEXT.splitlines(), 1)
    ]
    return (title + "\n".join(lines) + "\n").encode()


@pytest.mark.parametrize("title", ["", "a.yaml\n\n", "File: a.yaml\nfrom a page\n"])
@pytest.mark.parametrize("width", [1, 3, 6])
@pytest.mark.parametrize("separator", ["\t", "→", "|", ":", "", "| ", ": "])
def test_numbers_are_taken_off(separator: str, width: int, title: str) -> None:
    assert unpack.unnumbered(listing(separator, width, title)) == TEXT.encode()


@pytest.mark.parametrize(
    "text",
    ["1 a\n3 b\n", "1 a\nb\n", "2 a\n3 b\n", "1 a\n", "", "10 a\n11 b\n", "a\n" * 9 + "1 b\n2 c\n"],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert unpack.unnumbered(text.encode()) is None


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r")), min_size=2))
def test_any_text_can_be_listed(lines: list[str]) -> None:
    data = "".join(f"{number:>6}\t{line}\n" for number, line in enumerate(lines, 1)).encode()
    found = unpack.unnumbered(data)
    wanted = "\n".join((*lines, "")).encode()
    if found is None:
        assert not wanted.strip()
    else:
        assert found == wanted


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
@pytest.mark.parametrize("case", [GO_VCR[0], VCRPY[0], SSE[0]], ids=lambda case: case.format)
def test_packed_recordings(pack: Callable[[bytes], bytes], case: Case) -> None:
    data, name, format = case.data, case.name, case.format
    assert formats.read(pack(data), name + ".packed") == formats.read(data, name)
    assert formats.read(pack(data), name + ".packed").format == format


def test_a_tape_whose_packing_breaks_off_still_opens() -> None:
    tape = formats.read(GO_VCR[0].data, "a.yaml").tape
    packer = zstandard.ZstdCompressor().compressobj()
    whole = formats.write(tape, "tape")
    lines = whole.splitlines(keepends=True)
    data = packer.compress(b"".join(lines[:-1])) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    (exchange,) = formats.read(data, "a.tape.jsonl.zst").tape.exchanges
    assert exchange.body == tape.exchanges[0].body
    assert exchange.ending is Ending.STOPPED


def test_a_byte_order_mark_is_taken_off() -> None:
    for case in CASES:
        if case.format not in ("sse", "tape") and not case.name.endswith(".gz"):
            marked = formats.read(b"\xef\xbb\xbf" + case.data, case.name)
            assert marked == formats.read(case.data, case.name)
