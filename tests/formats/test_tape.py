"""The native format: lossless for any bytes, whole after any interruption, clear when damaged."""

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import cut
from tokentape.errors import TokenTapeError
from tokentape.formats import tape as native
from tokentape.formats import tape_bytes
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response, Tape

CHUNK = b'{"id":"x","choices":[{"index":0,"delta":{"content":"Yes"}}],"usage":null}'

# (what it is, the bytes, the field that must hold them)
FORMS: list[tuple[str, bytes, str]] = [
    ("a frame", b"data: " + CHUNK + b"\n\n", "data"),
    ("two frames and the end", b"data: " + CHUNK + b"\n\ndata: [DONE]\n\n", "data"),
    ("floats stay as written", b'data: {"a":5.22e-06,"b":1.0,"c":1E5}\n\n', "data"),
    ("a big integer", b'data: {"a":123456789012345678901234567890}\n\n', "data"),
    ("duplicate keys", b'data: {"a":1,"a":2}\n\n', "data"),
    ("escaped non-ASCII", b'data: {"a":"\\u00e9"}\n\n', "data"),
    ("raw non-ASCII", 'data: {"a":"é☃"}\n\n'.encode(), "data"),
    ("JSON with spaces", b'data: {"a": 1, "b": [1, 2]}\n\n', "data"),
    ("an event with a type", b"event: ping\ndata: " + CHUNK + b"\n\n", "parts"),
    ("CRLF", b"data: " + CHUNK + b"\r\n\r\n", "parts"),
    ("no space behind the colon", b"data:" + CHUNK + b"\n\n", "parts"),
    ("half a frame", b"data: " + CHUNK[:20], "text"),
    ("the other half", CHUNK[20:] + b"\n\n", "text"),
    ("a comment", b": keepalive 1/2\n\n", "text"),
    ("a document", b'{"object":"chat.completion"}', "json"),
    ("an array", b"[1, 2]", "json"),
    ("a document behind white space", b'\n   \n{"object": 1}\n', "parts"),
    ("a document of many lines", b'{\n "a": 1\n}', "text"),
    ("JSON with white space behind it", b'data: {"a":1} \n\n', "text"),
    ("not JSON", b"data: {oops}\n\n", "text"),
    ("NaN is not JSON", b'data: {"a":NaN}\n\n', "text"),
    ("a lone surrogate", b'data: {"a":"\\ud800"}\n\n', "text"),
    ("a data frame that is a JSON string", b'data: "[DONE]"\n\n', "text"),
    ("a cut character at the end", 'data: {"a":"é'.encode()[:-1], "parts"),
    ("a cut character at the start", "é☃".encode()[1:] + b'"}\n\n', "parts"),
    ("binary", bytes(range(256)), "base64"),
    ("nothing", b"", "text"),
    ("deep", b"[" * 500 + b"]" * 500, "json"),
    ("too deep", b"[" * 501 + b"]" * 501, "text"),
    ("much too deep", b"[" * 5000 + b"]" * 5000, "text"),
    ("a frame that is too deep", b'data: {"a":' + b"[" * 500 + b"]" * 500 + b"}\n\n", "text"),
    ("wide, not deep", b"[" + b"[]," * 600 + b"[]]", "json"),
    ("brackets in a text", b'{"a":"' + b'[\\"' * 600 + b'"}', "json"),
]


def wire(*reads: Read, ending: Ending = Ending.COMPLETE, body: bytes = b"") -> Exchange:
    return Exchange(
        request=Request(url="http://h/v1/chat/completions", body=body),
        response=Response(headers=(("Content-Type", "text/event-stream"),), reads=reads),
        fidelity=Fidelity.WIRE,
        ending=ending,
    )


def through(tape: Tape) -> Tape:
    return native.read(native.write(tape), "x.tape.jsonl", DEFAULT_LIMITS)


@pytest.mark.parametrize(("data", "field"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_bytes_stand_in_their_most_readable_form(data: bytes, field: str) -> None:
    assert list(tape_bytes.bytes_field(data)) == [field]
    tape = Tape(exchanges=(wire(Read(data, 1), body=data),))
    assert through(tape) == tape


pieces = (
    st.sampled_from([form[1] for form in FORMS])
    | st.binary(max_size=60)
    | st.text().map(str.encode)
)


@given(st.lists(pieces, max_size=6).map(b"".join), st.lists(st.integers(0, 400), max_size=8))
def test_any_bytes_in_any_reads_come_back(body: bytes, places: list[int]) -> None:
    reads = tuple(Read(data, offset) for offset, data in enumerate(cut(body, places)))
    tape = Tape(exchanges=(wire(*reads, body=body),))
    assert through(tape) == tape


@given(
    st.lists(st.tuples(st.integers(0, 99), st.lists(pieces, max_size=3).map(b"".join)), max_size=9)
)
def test_lines_made_together_are_those_made_alone(numbered: list[tuple[int, bytes]]) -> None:
    numbers = [number for number, _ in numbered]
    alone = [native.read_line(number, Read(data, number)) for number, data in numbered]
    assert native.read_lines(numbers, numbers, [data for _, data in numbered]) == alone


def test_a_frame_s_line_is_what_the_encoder_writes() -> None:
    for _, data, field in FORMS:
        if field == "data":
            line = native.read_line(3, Read(data, 5))
            fields = {"line": "read", "exchange": 3, "offset_us": 5} | tape_bytes.bytes_field(data)
            assert line == msgspec.json.encode(fields) + b"\n"
            assert native.read_lines([3, 4], [5, 6], [data, data]) == [
                line, native.read_line(4, Read(data, 6))
            ]  # fmt: skip


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
headers = st.lists(st.tuples(text, text), max_size=3).map(tuple)
offsets = st.none() | st.integers(0, 2**53)
exchanges = st.builds(
    Exchange,
    request=st.builds(
        Request,
        method=text,
        url=text,
        headers=headers,
        body=st.none() | st.binary(max_size=40),
        http_version=st.none() | text,
        started=st.none() | text,
    ),
    response=st.none()
    | st.builds(
        Response,
        status=st.integers(100, 599),
        reason=st.none() | text,
        headers=headers,
        http_version=st.none() | text,
        offset_us=st.none(),
        reads=st.lists(st.builds(Read, st.binary(max_size=40), st.none()), max_size=3).map(tuple),
    ),
    ending=st.sampled_from(Ending),
    end_offset_us=offsets,
    fidelity=st.sampled_from(Fidelity),
    scope=st.none() | text,
    notes=st.lists(text, max_size=2).map(tuple),
    extra=st.dictionaries(text, text | st.integers() | st.none(), max_size=2),
)


@given(st.lists(exchanges, max_size=3).map(tuple), st.none() | text)
def test_any_tape_comes_back_and_is_written_the_same(
    found: tuple[Exchange, ...], writer: str | None
) -> None:
    tape = Tape(exchanges=found, writer=writer)
    assert through(tape) == tape
    assert native.write(through(tape)) == native.write(tape)


def test_an_interrupted_append_leaves_whole_reads() -> None:
    reads = (Read(b"data: " + CHUNK + b"\n\n", 10), Read(b"data: [DONE]\n\n", 20))
    whole = native.write(Tape(exchanges=(wire(*reads), wire(*reads))))
    for length in range(len(whole) + 1):
        tape = native.read(whole[:length], "x.tape.jsonl", DEFAULT_LIMITS)
        # Every read whose line is whole, with or without its line end, is there.
        kept = sum(
            b'"line":"read"' in line and _whole(line) for line in whole[:length].split(b"\n")
        )
        assert sum(len(e.response.reads) for e in tape.exchanges if e.response) == kept
        ended = whole[:length].count(b'"ending":"complete"}')
        assert [e.ending for e in tape.exchanges] == [Ending.COMPLETE] * ended + [
            Ending.STOPPED
        ] * (len(tape.exchanges) - ended)


def _whole(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_exchanges_written_at_the_same_time_each_stay_whole() -> None:
    first, second = wire(Read(b"a", 1), Read(b"b", 3)), wire(Read(b"c", 2))
    lines = [list(native.exchange_lines(number, e)) for number, e in enumerate((first, second))]
    order = [lines[0][0], lines[1][0], lines[0][1], lines[1][1], *lines[1][2:], *lines[0][2:]]
    data = native.header_line(Tape()) + b"".join(order)
    assert native.read(data, "x", DEFAULT_LIMITS).exchanges == (first, second)
    assert native.read_one(order, 1) == second


def lines_of(*changes: Any) -> bytes:
    """A good tape of one exchange, with lines replaced: pairs of (line number, new line)."""
    lines = native.write(Tape(exchanges=(wire(Read(b"a", 5), Read(b"b", 9)),))).splitlines()
    for number, line in changes:
        lines[number - 1] = line if isinstance(line, bytes) else json.dumps(line).encode()
    return b"\n".join(lines) + b"\n"


READ = {"line": "read", "exchange": 0, "offset_us": 7, "text": "x"}
END = {"line": "end", "exchange": 0, "offset_us": 9, "ending": "complete"}

# (what is wrong, the file, its line, what the message must say)
DAMAGED: list[tuple[str, bytes, int, str]] = [
    ("a newer version", b'{"tokentape":2}\n', 1, "newer TokenTape"),
    ("no version", b'{"tokentape":0}\n', 1, "at least 1"),
    ("a version that is a text", b'{"tokentape":"1"}\n', 1, "Expected `int`, got `str`"),
    ("a damaged line in the middle", lines_of((4, b'{"line":"read","exch')), 4, "damaged"),
    ("an empty line in the middle", lines_of((4, b"")), 4, "damaged"),
    ("not an object", lines_of((3, b"[]")), 3, "Expected `object`"),
    ("a duplicate end", lines_of((5, END)), 6, "behind its end line"),
    ("a decreasing offset", lines_of((5, {**READ, "offset_us": 4})), 5, "at least 5 µs"),
    ("a wrong type", lines_of((5, {**READ, "offset_us": "7"})), 5, "Expected `int | null`"),
    ("a read without bytes", lines_of((5, {"line": "read", "exchange": 0})), 5, "expected json"),
    ("bad base64", lines_of((5, {"line": "read", "exchange": 0, "base64": "?"})), 5, "base64"),
    ("an unknown kind", lines_of((5, {**READ, "line": "chunk"})), 5, "got 'chunk'"),
    ("an unknown ending", lines_of((6, {**END, "ending": "lost"})), 6, "one of 'complete', 'cut "),
    (
        "an unknown fidelity",
        lines_of((2, lines_of().splitlines()[1].replace(b'"wire"', b'"near"'))),
        2,
        "expected one of 'wire', 'bytes', 'events'",
    ),
    ("two kinds of bytes", lines_of((5, {**READ, "base64": ""})), 5, "got more"),
    ("a text as json", lines_of((5, {"line": "read", "exchange": 0, "json": "x"})), 5, "an object"),
    ("no tape at all", b"hello", 1, 'begins {"tokentape":'),
    (
        "a body that is not text",
        lines_of((2, lines_of().splitlines()[1].replace(b'"text":""', b'"base64":"?"'))),
        2,
        "base64",
    ),
    ("an unknown exchange", lines_of((5, {**READ, "exchange": 7})), 5, "request line"),
    ("a request out of order", lines_of((2, {"line": "request", "exchange": 3})), 2, "exchange 0"),
    ("a read before the response", lines_of((3, READ)), 3, "response line"),
    ("not UTF-8", lines_of((5, b'{"line":"read","exchange":0,"text":"\xff"}')), 5, "damaged"),
    ("nested too deep", lines_of((5, b'{"line":' + b"[" * 9000 + b"]" * 9000 + b"}")), 5, ""),
]


@pytest.mark.parametrize(
    ("data", "line", "says"), [d[1:] for d in DAMAGED], ids=[d[0] for d in DAMAGED]
)
def test_damage_is_named_with_its_line(data: bytes, line: int, says: str) -> None:
    with pytest.raises(TokenTapeError) as caught:
        native.read(data, "x.tape.jsonl", DEFAULT_LIMITS)
    assert caught.value.line == line
    assert says in str(caught.value)


def same_again(data: bytes) -> None:
    """What reads is the same tape when it was written and read again; else one of our errors."""
    with contextlib.suppress(TokenTapeError):
        tape = native.read(data, "x.tape.jsonl", DEFAULT_LIMITS)
        assert native.read(native.write(tape), "x.tape.jsonl", DEFAULT_LIMITS) == tape


@given(st.data())
def test_a_flipped_byte_gives_a_tape_or_one_of_our_errors(data: st.DataObject) -> None:
    whole = bytearray(lines_of())
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    same_again(bytes(whole))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_tape_or_one_of_our_errors(data: bytes) -> None:
    assert native.sniff(data, "x") in (True, False)
    same_again(data)


def test_ordinary_streams_are_visible_json() -> None:
    body = b"data: " + CHUNK + b"\n\ndata: [DONE]\n\n"
    written = native.write(Tape(exchanges=(wire(Read(body, 5)),)))
    read = json.loads(written.splitlines()[3])
    assert read["data"][0]["choices"][0]["delta"]["content"] == "Yes"
    assert read["data"][1] == "[DONE]"
