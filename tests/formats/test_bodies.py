"""Body bytes survive every format that says it holds them, whatever the bytes are."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape import formats
from tokentape.formats.base import Aspect
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Exchange, Fidelity, Read, Request, Response, Tape

HOLDING = [
    format.name
    for format in formats.FORMATS
    if format.write is not None and Aspect.BODY_BYTES in format.holds
]

BODIES = [
    b"",
    b"data: {}\n\n",
    b"data: {}\r\n\r\n",
    b"\ndata: {}\n\n",
    b"\n\n\n",
    b" leading blank\n",
    b"\tleading tab\nx",
    b"trailing blanks  \nand \n",
    b"no line end",
    b"ends in blank ",
    b"a\rb\n",
    b"\x00",
    b"bell \x07 delete \x7f escape \x1b\n",
    b"\xff\xfe invalid UTF-8 \xc3\n",
    "next line \x85, separators \u2028 \u2029, mark \ufeff\n".encode(),
    "\ufeffmark first\n".encode(),
    "emoji 🎞 accents é\n".encode(),
    b"\xed\xa0\x80 a lone surrogate",
    b"\x1f\x8b\x08 like gzip",
    b"\x28\xb5\x2f\xfd like zstd",
    b"  1\tlike\n  2\ta listing\n",
    b"---\nlike: yaml\n...\n",
    b"# like a comment\n",
    b"%YAML 1.1\n",
    b"2024-01-01",
    b"null",
    b"1e3",
    b"'quoted'\n\"twice\"\n",
    b"!!python/object/apply:os.system [ls]\n",
    b"<<: *a\n&b\n",
    b"- a\n  - b\n",
]


def taped(body: bytes, request_body: bytes = b"") -> Tape:
    reads = (Read(body),) if body else ()
    exchange = Exchange(
        request=Request(url="https://api.example/v1/chat/completions", body=request_body),
        response=Response(headers=(("Content-Type", "text/plain"),), reads=reads),
    )
    return Tape(exchanges=(exchange,))


def through(tape: Tape, format: str) -> Exchange:
    (exchange,) = formats.read(formats.write(tape, format), "x", format=format).tape.exchanges
    return exchange


def bare(data: bytes) -> bytes:
    # Without the repair that `formats.read` asks for where events ran together.
    (exchange,) = formats.by_name("sse").read(data, "x", DEFAULT_LIMITS).exchanges
    return exchange.body


def test_there_are_formats_that_hold_bytes() -> None:
    assert HOLDING == ["tape", "har", "go-vcr", "vcrpy", "sse"]


@pytest.mark.parametrize("format", HOLDING)
@pytest.mark.parametrize("body", BODIES, ids=repr)
def test_a_body_survives(format: str, body: bytes) -> None:
    if format == "sse":
        assert formats.by_name("sse").read(body, "x", DEFAULT_LIMITS).exchanges[0].body == body
        return
    exchange = through(taped(body, body), format)
    assert exchange.body == body
    assert exchange.request.body == body


@pytest.mark.parametrize("format", [name for name in HOLDING if name != "sse"])
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.lists(st.sampled_from(["\n", " ", "\r", "a", "é", "data: {}", "\t", ":", "#"])).map(
            lambda parts: "".join(parts).encode()
        ),
    )
)
def test_any_body_survives(format: str, body: bytes) -> None:
    exchange = through(taped(body, body), format)
    assert exchange.body == body
    assert exchange.request.body == body


@pytest.mark.parametrize("format", HOLDING)
def test_a_body_survives_a_status_that_is_none(format: str) -> None:
    (exchange,) = taped(b"a").exchanges
    response = Response(status=0, reads=(Read(b"a"),))
    odd = Tape(exchanges=(msgspec.structs.replace(exchange, response=response),))
    assert through(odd, format).body == b"a"


@given(body=st.binary(max_size=200))
def test_any_body_survives_as_a_bare_stream(body: bytes) -> None:
    data = formats.write(taped(body), "sse")
    assert bare(data) == body


@pytest.mark.parametrize("format", ["go-vcr", "vcrpy", "har"])
@given(
    value=st.text(st.characters(max_codepoint=255), max_size=30),
    url=st.text(min_size=1, max_size=30),
)
def test_headers_and_urls_survive(format: str, value: str, url: str) -> None:
    exchange = taped(b"x").exchanges[0]
    headers = (("X-First", value), ("X-Second", "2"), ("x-third", ""))
    tape = Tape(
        exchanges=(
            Exchange(
                request=Request(method="PUT", url="https://x/" + url, headers=headers),
                response=Response(status=429, reason="Slow Down", headers=headers),
                ending=exchange.ending,
            ),
        )
    )
    found = through(tape, format)
    assert found.request.headers == headers
    assert found.request.url == "https://x/" + url
    assert found.response is not None
    assert (found.response.status, found.response.reason) == (429, "Slow Down")
    assert found.response.headers == headers


LOST = ("fidelity", "header order")


@pytest.mark.parametrize(
    ("format", "lost"),
    [("tape", ()), ("har", LOST[:1]), ("go-vcr", LOST), ("vcrpy", LOST), ("llama-stack", LOST[1:])],
)
def test_what_a_format_would_pretend_or_reorder_is_said(format: str, lost: tuple[str, ...]) -> None:
    mixed = (("a", "1"), ("b", "2"), ("a", "3"))
    exchange = Exchange(
        request=Request(url="https://api.example/v1/chat/completions"),
        response=Response(headers=mixed, reads=(Read(b"data: {}\n\n"),)),
        fidelity=Fidelity.EVENTS,
    )
    told = formats.losses([exchange], formats.by_name(format).holds)
    assert tuple(aspect.value for aspect in told if aspect.value in LOST) == lost
    back = formats.read(formats.write(Tape(exchanges=(exchange,)), format), "x").tape.exchanges[0]
    assert (back.fidelity is Fidelity.EVENTS) == ("fidelity" not in lost)
    assert back.response is not None
    assert (back.response.headers == mixed) == ("header order" not in lost)
