"""Whatever an answer holds is measured and can be written as JSON; many are folded one by one."""

import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measure.streams import at, usage
from tests.samples import DONE, chunk, streamed
from tokentape.measure.definitions import DEFINITIONS, by_name
from tokentape.measure.measured import measured, row
from tokentape.measure.stats import Group
from tokentape.model import Exchange, Fidelity

OURS = by_name("tokentape")
_encode = msgspec.json.Encoder(decimal_format="number").encode

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | st.text(st.characters(), max_size=6)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
_KEYS = (
    *("choices", "usage", "model", "created", "error", "type", "delta", "x_groq", "usageMetadata"),
    *("response", "message", "candidates", "modelVersion", "content_block"),
)
_CHOICES = st.lists(
    st.dictionaries(
        st.sampled_from(["index", "delta", "finish_reason", "message", "text"]),
        _VALUES | st.dictionaries(st.sampled_from(["content", "tool_calls", "reasoning"]), _VALUES),
    ),
    max_size=3,
)
_CHUNKS = st.dictionaries(
    st.sampled_from(_KEYS),
    _VALUES
    | _CHOICES
    | st.dictionaries(st.sampled_from(["prompt_tokens", "completion_tokens", "cost"]), _VALUES),
)
_PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/messages", "/models/m:generateContent")


def check(exchange: Exchange) -> None:
    """Everything that is measured of it can be written as JSON, alone and in a group."""
    for definition in DEFINITIONS:
        found = measured(exchange, definition)
        assert json.loads(_encode(row(found)))["definition"] == definition.name
        group = Group("g")
        group.add(found)
        assert json.loads(_encode(group.row("model", definition.name)))["exchanges"] == 1


@given(
    st.lists(_CHUNKS | _VALUES, max_size=4),
    st.sampled_from(_PATHS),
    st.sampled_from(Fidelity),
    st.booleans(),
)
def test_any_stream_is_measured(
    values: list[Any], path: str, fidelity: Fidelity, stream: bool
) -> None:
    frames = [b"data: " + json.dumps(value).encode() + b"\n\n" for value in values]
    exchange = at(*((number, frame) for number, frame in enumerate(frames or [b""])))
    assert exchange.response is not None
    headers = exchange.response.headers
    if not stream:
        headers = (("content-type", "application/json"),)
    check(
        msgspec.structs.replace(
            exchange,
            request=msgspec.structs.replace(exchange.request, url=f"https://api.openai.com{path}"),
            response=msgspec.structs.replace(exchange.response, headers=headers),
            fidelity=fidelity,
        )
    )


HUGE = "1" + "0" * 30
ODD = {
    "a lone surrogate": r'{"model":"\ud800","choices":[{"index":1,"delta":{"content":"\ud800"}}]}',
    "a huge number by one": r'{"choices":[{"index":HUGE,"delta":{"content":"\ud800"}}]}',
    "a huge usage": r'{"usage":{"prompt_tokens":HUGE,"x":"\ud800","cost":1}}',
    "a usage with one": r'{"usage":{"prompt_tokens":3,"x\ud800":{"y":["\ud800"]},"cost":"\ud800"}}',
    "5,000 digits": '{"usage":{"prompt_tokens":' + "1" * 5000 + "}}",
    "deep": '{"usage":' + '{"a":' * 900 + "1" + "}" * 901,
    "deep in lists": "[" * 100_000,
    "no choices": '{"choices":null,"usage":[]}',
    "odd indexes": '{"choices":[{"index":-1,"delta":{"content":"a"}},{"index":true,"delta":'
    '{"content":"b"}},{"index":1.5,"delta":{"content":"c"}}]}',
    "not a number": '{"usage":{"cost":NaN}}',
    "a date of no calendar": '{"created":99999999999999999,"model":"gpt-4o","usage":'
    '{"prompt_tokens":1,"completion_tokens":1}}',
}


@pytest.mark.parametrize("what", ODD)
def test_odd_values_are_measured(what: str) -> None:
    frame = f"data: {ODD[what].replace('HUGE', HUGE)}\n\n".encode()
    check(streamed(chunk("a"), frame, DONE))


@pytest.mark.parametrize(
    "url", ["", "not a URL", "https://[", "https://" + "a" * 100_000, "https://x/models/%ff%00:y"]
)
def test_odd_urls_are_measured(url: str) -> None:
    exchange = streamed(chunk("a"), usage(), DONE)
    request = msgspec.structs.replace(exchange.request, url=url)
    check(msgspec.structs.replace(exchange, request=request))


def test_a_body_that_can_not_be_decoded_is_measured() -> None:
    exchange = streamed(chunk("a"), usage(), DONE)
    assert exchange.response is not None
    headers = (*exchange.response.headers, ("content-encoding", "gzip"))
    reads = tuple(
        msgspec.structs.replace(read, data=b"\x1f\x8b\x08" + read.data)
        for read in exchange.response.reads
    )
    response = msgspec.structs.replace(exchange.response, headers=headers, reads=reads)
    check(msgspec.structs.replace(exchange, response=response))


def test_what_is_kept_of_many_exchanges_does_not_grow_with_their_bodies() -> None:
    exchange = streamed(*(chunk("word " * 200) for _ in range(50)), usage(), DONE)
    group = Group("g")
    for _ in range(5):
        group.add(measured(exchange, OURS))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(40):
        group.add(measured(exchange, OURS))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert group.exchanges == 45
    assert grown < 20_000
