"""A chunk's pieces: what a person sees of it, whatever the provider put in."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.chat.pieces import Piece, StreamPieces, pieces


def delta(index: Any = 0, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": None}]}


call = {"index": 1, "function": {"name": "weather", "arguments": '{"a'}}

# (what the payload is, the payload, its pieces)
CASES: list[tuple[str, Any, list[Piece]]] = [
    ("text", delta(content="Yes"), [Piece("content", "Yes")]),
    ("text of the second choice", delta(1, content="No"), [Piece("content", "No", 1)]),
    ("nothing", delta(content="", role="assistant"), []),
    ("null", delta(content=None, tool_calls=None, reasoning_content=None), []),
    ("reasoning", delta(reasoning_content="Hm"), [Piece("reasoning", "Hm")]),
    (
        "reasoning told twice",
        delta(reasoning="a", reasoning_content="a"),
        [Piece("reasoning", "a")],
    ),
    ("refusal", delta(refusal="no"), [Piece("refusal", "no")]),
    (
        "a tool call",
        delta(tool_calls=[call]),
        [Piece("tool_name", "weather", 0, 1), Piece("tool_arguments", '{"a', 0, 1)],
    ),
    (
        "a call of a custom tool",
        delta(tool_calls=[{"index": 0, "custom": {"name": "code", "input": "1 +"}}]),
        [Piece("tool_name", "code"), Piece("tool_arguments", "1 +")],
    ),
    (
        "arguments that are no text",
        delta(tool_calls=[{"index": 0, "function": {"name": "f", "arguments": {"x": 1}}}]),
        [Piece("tool_name", "f"), Piece("tool_arguments", {"x": 1})],
    ),
    (
        "a function call",
        delta(function_call={"name": "weather", "arguments": "{}"}),
        [Piece("tool_name", "weather"), Piece("tool_arguments", "{}")],
    ),
    (
        "reasoning in details alone",
        delta(
            content="",
            reasoning_details=[
                {"type": "reasoning.summary", "summary": "Hm"},
                {"type": "reasoning.text", "text": "So", "index": 0},
                {"type": "reasoning.encrypted", "data": "gAAA"},
                None,
            ],
        ),
        [Piece("reasoning", "Hm"), Piece("reasoning", "So")],
    ),
    (
        "reasoning in details too",
        delta(reasoning="Hm", reasoning_details=[{"type": "reasoning.text", "text": "Hm"}]),
        [Piece("reasoning", "Hm")],
    ),
    (
        "a thought that is text",
        delta(content=[{"type": "thinking", "thinking": "Hm"}]),
        [Piece("reasoning", "Hm")],
    ),
    (
        "parts (Mistral)",
        delta(
            content=[
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                {"type": "text", "text": "Yes"},
            ]
        ),
        [Piece("reasoning", "Hm"), Piece("content", "Yes")],
    ),
    (
        "a whole completion",
        {"choices": [{"message": {"content": "Yes"}, "finish_reason": "stop"}]},
        [Piece("content", "Yes"), Piece("finish", "stop")],
    ),
    (
        "a message with two calls, which carry no index",
        {"choices": [{"message": {"tool_calls": [{"function": {"name": n}} for n in "ab"]}}]},
        [Piece("tool_name", "a"), Piece("tool_name", "b", 0, 1)],
    ),
    ("a text completion", {"choices": [{"text": "Yes"}]}, [Piece("content", "Yes")]),
    (
        "the same text beside the delta, as Together sends it",
        {"choices": [{"index": 0, "text": "Yes", "delta": {"content": "Yes"}}]},
        [Piece("content", "Yes")],
    ),
    (
        "the whole so far beside the delta, as Perplexity sends it",
        {"choices": [{"delta": {"content": "c"}, "message": {"content": "abc"}, "text": "c"}]},
        [Piece("content", "c")],
    ),
    (
        "the whole beside a delta that brings nothing",
        {"choices": [{"delta": {}, "message": {"content": "abc"}, "finish_reason": "stop"}]},
        [Piece("finish", "stop")],
    ),
    (
        "a message beside a delta that is null",
        {"choices": [{"delta": None, "message": {"content": "abc"}}]},
        [Piece("content", "abc")],
    ),
    (
        "usage that Groq gives apart",
        {"choices": [], "x_groq": {"id": "req_1", "usage": {"total_tokens": 3}}},
        [Piece("usage", {"total_tokens": 3})],
    ),
    ("usage", {"choices": [], "usage": {"a": 1}}, [Piece("usage", {"a": 1})]),
    ("an error", {"error": {"message": "no"}}, [Piece("error", {"message": "no"})]),
    ("not an object", [1], []),
    ("choices that are no list", {"choices": "no"}, []),
    ("a choice that is null", {"choices": [None]}, []),
    ("a call that is null", delta(tool_calls=[None, {"function": None}]), []),
    ("an index that is a text", delta("x", content="a"), [Piece("content", "a")]),
    ("an index that is true", delta(True, content="a"), [Piece("content", "a", 0)]),
    ("an index as 1.0", delta(1.0, content="a"), [Piece("content", "a", 1)]),
]


@pytest.mark.parametrize(("payload", "found"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_pieces(payload: Any, found: list[Piece]) -> None:
    assert list(pieces(payload)) == found


def call_of(arguments: Any = None, name: Any = None, **more: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments}} | more


# (what the stream does, the tool calls of each delta, the pieces as `#number name` and `arguments`)
STREAMS: list[tuple[str, list[list[dict[str, Any]]], list[Any]]] = [
    (
        "repeats the name",
        [[call_of('{"a', "f", index=0, id="c")], [call_of('":1}', "f", index=0, id="c")]],
        ["#0 f", '{"a', '":1}'],
    ),
    (
        "gives no index",
        [[call_of("{}", "f", id="c")], [call_of("[", "g", id="d")], [call_of("]")]],
        ["#0 f", "{}", "#1 g", "[", "]"],
    ),
    (
        "gives all calls one index",
        [[call_of("{}", "f", index=0, id="c")], [call_of("[]", "g", index=0, id="d")]],
        ["#0 f", "{}", "#1 g", "[]"],
    ),
    (
        "begins with the second",
        [[call_of("1", "g", index=1)], [call_of("0", "f", index=0)], [call_of("1", index=1)]],
        ["#0 g", "1", "#1 f", "0", "#0", "1"],
    ),
    (
        "repeats arguments that are no text",
        [[call_of({"x": 1}, "f", index=0)], [call_of({"x": 1}, "f", index=0)]],
        ["#0 f", {"x": 1}],
    ),
]


@pytest.mark.parametrize(("calls", "told"), [s[1:] for s in STREAMS], ids=[s[0] for s in STREAMS])
def test_the_calls_of_a_stream(calls: list[Any], told: list[Any]) -> None:
    stream = StreamPieces()
    found: list[Any] = []
    last = None
    for piece in (piece for each in calls for piece in stream.of(delta(tool_calls=each))):
        if piece.kind == "tool_name":
            found.append(f"#{piece.tool} {piece.value}")
        else:
            found += [] if piece.tool == last else [f"#{piece.tool}"]
            found.append(piece.value)
        last = piece.tool
    assert found == told


def test_a_function_call_is_none_of_the_tool_calls() -> None:
    stream = StreamPieces()
    both = delta(tool_calls=[call_of("{}", "f")], function_call={"name": "g", "arguments": "[]"})
    assert [piece.tool for piece in stream.of(both)] == [0, 0, 1, 1]


def test_a_whole_completion_in_a_stream_has_its_calls_by_their_place() -> None:
    message = {"tool_calls": [call_of("{}", "f"), call_of("{}", "g")]}
    assert [piece.tool for piece in StreamPieces().of({"choices": [{"message": message}]})] == [
        *(0, 0, 1, 1)
    ]


names = st.sampled_from(
    [
        "choices",
        "delta",
        "message",
        "content",
        "tool_calls",
        "function",
        "text",
        "thinking",
        "usage",
        "error",
        "refusal",
        "reasoning",
        "finish_reason",
        "name",
        "arguments",
        "index",
    ]
)
values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


def within(value: Any) -> Iterator[Any]:
    """A value and all that stand in it."""
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from within(each)


chunks = st.fixed_dictionaries(
    {"choices": st.lists(st.fixed_dictionaries({"delta": values}, optional={"index": values}))},
    optional={"usage": values, "error": values},
)


@given(values | chunks)
def test_any_json_gives_pieces_of_what_stands_in_it(payload: Any) -> None:
    there = list(within(payload))
    for piece in pieces(payload):
        kinds = {"usage": dict, "error": object}
        assert isinstance(piece.value, kinds.get(piece.kind, str))
        assert any(value is piece.value for value in there)
