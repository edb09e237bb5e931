"""Any bytes give findings, in bounded memory; never another exception."""

import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.linting import cases
from tokentape import sse
from tokentape.linting import Finding, Linter, lint
from tokentape.model import Exchange, Read, Request, Response

REQUEST = Request(url=cases.URL, body=b'{"model":"m","stream":true}')
KEYS = [
    *("id", "object", "created", "model", "choices", "usage", "error", "index", "delta"),
    *("content", "role", "tool_calls", "function", "arguments", "finish_reason", "logprobs"),
    *("refusal", "token", "bytes", "reasoning", "reasoning_details", "text", "name", "type"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "completion_tokens_details"),
    *("message", "n", "stream", "max_tokens", "stream_options", "tools", "service_tier", "x"),
]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.sampled_from([0, 1, -1, 10**9, 10**30, 0.5, 1e300, "", "stop", "assistant", "<think>"]),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=12,
)
CHUNKS = st.dictionaries(
    st.sampled_from(["id", "object", "created", "model", "usage", "error", "service_tier"]), VALUES
)
CHOICES = st.dictionaries(
    st.sampled_from(["index", "delta", "message", "finish_reason", "logprobs"]), VALUES
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(CHUNKS, st.one_of(VALUES, st.lists(CHOICES, max_size=3))), max_size=5),
    VALUES,
)
def test_any_json_gives_findings(parts: list[tuple[dict[str, Any], Any]], asked: Any) -> None:
    payloads = [fields | {"choices": choices} for fields, choices in parts]
    request = Request(url=cases.URL, body=json.dumps(asked).encode())
    watching = Linter(request)
    for number, payload in enumerate(payloads):
        watching.feed(sse.render(json.dumps(payload)), number * 1000)
    watching.end()
    _are_findings(watching.findings())
    for payload in payloads:
        answer = Exchange(
            request=request,
            response=Response(
                headers=(("content-type", "application/json"),),
                reads=(Read(json.dumps(payload).encode()),),
            ),
        )
        _are_findings(lint(answer))


@settings(max_examples=100)
@given(st.lists(st.one_of(st.binary(max_size=20), st.sampled_from([b"data: {}", b"\n\n", b":"]))))
def test_any_bytes_give_findings(pieces: list[bytes]) -> None:
    watching = Linter(Request(url=cases.URL, body=b"{"))
    for piece in pieces:
        watching.feed(piece, 0)
    watching.end()
    _are_findings(watching.findings())


def _are_findings(found: list[Finding]) -> None:
    assert len({finding.rule for finding in found}) == len(found)
    for finding in found:
        assert len(finding.message) < 2000
        finding.message.encode()


def _event(payload: str) -> bytes:
    return b"data: " + payload.encode() + b"\n\n"


ROLE = cases.frame("role")
ODD = {
    "deep": ('{"choices":' + "[" * 100_000 + "]" * 100_000 + "}", "SSE104"),
    "NaN": ('{"created":NaN}', "SSE104"),
    "lone surrogate": ('{"id":"\\udc00","choices":[],"\\ud800":1,"error":"\\ud800"}', "CHK218"),
    "digits": ('{"created":' + "9" * 5000 + "}", None),
    "huge index": ('{"choices":[{"index":1000000000,"delta":{}}]}', "CHO303"),
    "negative index": ('{"choices":[{"index":-1,"delta":{}}]}', "CHO303"),
    "null choices": ('{"choices":null}', "CHK208"),
    "no object": ("7", "CHK213"),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_payloads(what: str) -> None:
    payload, expected = ODD[what]
    watching = Linter(REQUEST)
    found = [f.rule for f in watching.feed(ROLE + _event(payload) + cases.frame("text"))]
    assert found
    assert expected is None or expected in found
    _are_findings(watching.findings())
    msgspec.json.encode(watching.findings())


def test_json_that_can_not_be_read_is_not_called_none() -> None:
    deep = '{"x":' + "[" * 100_000 + "]" * 100_000 + "}"
    huge = '{"x":' + "9" * 5000 + "}"
    for payload, told in ((deep, "nested deeper"), (huge, "a number is out of the range")):
        (found,) = Linter(REQUEST, codes={"SSE104"}).feed(ROLE + _event(payload))
        assert found.message.startswith(f"the data can't be read: {told}")


@pytest.mark.parametrize("name", ["id", "model", "service_tier"])
def test_values_nested_as_deep_as_json_may_be(name: str) -> None:
    watching = Linter(REQUEST)
    deep = "[" * 900 + "]" * 900
    for _ in range(3):
        watching.feed(_event('{"choices":[],"' + name + '":' + deep + "}"))
    _are_findings(watching.findings())


def _peak(feed: Any) -> int:
    tracemalloc.start()
    try:
        feed()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "item",
    [
        {"delta": {}},
        {"delta": {"content": "a"}},
        {"delta": {"role": "assistant", "content": ""}},
        {"choices": [{"index": 1, "delta": {"content": "a a"}, "finish_reason": None}]},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1"}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": "1" * 2000}}]}},
        {"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "a" * 500}]}}]},
        {"sse": "event: ping\n\n"},
        {"sse": ": ping\n\n"},
        {"sse": ": " + "ping" * 500 + "\n\n"},
        {"sse": ": " + "ping" * 500 + "\n"},
        {"sse": "event: " + "ping" * 500 + "\r\n\r\n"},
    ],
    ids=lambda item: str(item)[:60],
)
def test_however_many_chunks_come_they_cost_no_memory(item: dict[str, Any]) -> None:
    part = cases.frame(item) * 500

    def feed() -> None:
        watching = Linter(REQUEST)
        watching.feed(ROLE, 0)
        for number in range(6):
            watching.feed(part, number)
        watching.end()

    assert _peak(feed) < 4_000_000


def test_new_names_of_fields_are_not_kept_without_end() -> None:
    watching = Linter(REQUEST)
    for number in range(1000):
        watching.feed(cases.frame({"delta": {"content": "a", f"field{number}": [{}]}}))
    (found,) = [f for f in watching.findings() if f.rule == "DEL411"]
    assert found.count == 1000
    assert len(found.message) < 2000


def test_a_delta_of_many_megabytes() -> None:
    big = cases.frame({"delta": {"content": "a" * 8_000_000}})

    def feed() -> None:
        watching = Linter(REQUEST, codes={"DEL401"})
        for start in range(0, len(big), 65536):
            watching.feed(big[start : start + 65536])
        assert [f.rule for f in watching.findings()] == ["DEL401"]

    assert _peak(feed) < 8 * len(big)
