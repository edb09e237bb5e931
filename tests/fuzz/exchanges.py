"""Exchanges with damage in what the other side sent, and in what was asked."""

from typing import Any

from hypothesis import strategies as st

from tests.fuzz.mutate import damaged, event_streams, odd_payloads
from tests.fuzz.seeds import ANSWERS, ASKED, BINARY, CHAT, EVENTS, OTHERS, REQUESTS, STREAMS
from tests.test_eventstream import message, text
from tests.wire import cut
from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response

_URLS = (
    "https://api.example.com/v1/chat/completions",
    "https://api.example.com/v1/chat/completions",
    "https://api.example.com/v1/completions",
    "https://api.example.com/v1/responses",
    "https://api.example.com/v1/messages?x=1",
    "https://api.example.com/v1beta/models/gemini:streamGenerateContent?alt=sse",
    "https://bedrock.example.com/model/m/invoke-with-response-stream",
    "https://bedrock.example.com/model/m/converse-stream",
    "https://api.example.com/v1/embeddings",
    "",
    "http://[",
)
_TYPES = (
    *("text/event-stream", "text/event-stream; charset=utf-8", "text/event-stream"),
    *("application/json", "application/vnd.amazon.eventstream", "application/x-ndjson", "", None),
)
_CODINGS = (None, None, None, None, None, "gzip", "br", "zstd", "identity", "x")
_offsets = st.none() | st.integers(-1, 10**7) | st.just(10**18)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A binary event stream of whole messages, with odd payloads and types in any order."""
    types = st.sampled_from(EVENTS).map(str.encode)
    kinds = st.sampled_from([b"event", b"event", b"exception", b"error", b""])
    return b"".join(
        message(text(b":message-type", draw(kinds)) + text(b":event-type", draw(types)), payload)
        for payload in draw(odd_payloads(OTHERS))
    )


_bodies = st.one_of(
    event_streams(CHAT),
    event_streams(OTHERS),
    odd_payloads(ANSWERS).map(b"".join),
    damaged(STREAMS),
    damaged(BINARY),
    messages(),
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Any exchange: its body in a few reads, its head and its request right or odd."""
    pieces = cut(draw(_bodies), draw(st.lists(st.integers(0, 1 << 16), max_size=4)))
    fidelity = draw(st.sampled_from(Fidelity))
    if fidelity is not Fidelity.WIRE:
        pieces = [b"".join(pieces)]
    headers: list[tuple[str, str]] = []
    for name, values in (("content-type", _TYPES), ("Content-Encoding", _CODINGS)):
        value: Any = draw(st.sampled_from(values))
        headers += [] if value is None else [(name, value)]
    response = Response(
        status=draw(st.sampled_from([200, 200, 200, 200, 201, 404, 500, 0])),
        headers=tuple(headers),
        offset_us=draw(_offsets),
        reads=tuple(
            Read(piece, draw(_offsets) if fidelity is Fidelity.WIRE else None) for piece in pieces
        ),
    )
    return Exchange(
        request=Request(
            url=draw(st.sampled_from(_URLS)),
            headers=draw(st.sampled_from([(), (("Content-Type", "application/json"),)])),
            body=draw(st.none() | damaged(REQUESTS) | odd_payloads(ASKED).map(b"".join)),
            started=draw(st.sampled_from([None, "2026-03-01T12:00:00Z", "yesterday", ""])),
        ),
        response=draw(st.sampled_from([response] * 9 + [None])),
        ending=draw(st.sampled_from(Ending)),
        end_offset_us=draw(_offsets),
        fidelity=fidelity,
    )
