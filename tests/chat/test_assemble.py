"""Chunks add up to the completion: every rule as data, and what no data may do."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chat.whole import completions, json_values
from tokentape.chat.assemble import Assembler, assemble, is_chunk
from tokentape.chat.split import split

FOLDER = Path(__file__).parent / "assemble_cases"


def chunk(**choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **choice}]}


def whole(case: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The chunks of a case, and the completion they add up to."""
    completed: dict[str, Any] = {"object": "chat.completion", "choices": []}
    if "chunks" in case:
        return case["chunks"], completed | case["completion"]
    if "choices" in case:
        chunks = [{"choices": choices} for choices in case["choices"]]
        return chunks, completed | {"choices": case["completed"]}
    if "tools" in case:
        case = {
            "deltas": [{"tool_calls": calls} for calls in case["tools"]],
            "message": {"role": "assistant", "tool_calls": case["called"]},
        }
    choice = {"index": 0, "message": case["message"], "finish_reason": None}
    return [chunk(delta=delta) for delta in case["deltas"]], completed | {"choices": [choice]}


CASES = [
    pytest.param(*whole(case), id=f"{path.stem}: {case['why']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]


def test_the_cases_are_found() -> None:
    assert len(CASES) > 70


def same(value: Any) -> str:
    """JSON text, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize(("chunks", "completion"), CASES)
def test_chunks_add_up_to_the_completion(chunks: list[Any], completion: dict[str, Any]) -> None:
    before = copy.deepcopy(chunks)
    assert same(assemble(chunks)) == same(completion)
    assert chunks == before


@pytest.mark.parametrize(("chunks", "completion"), CASES)
def test_a_completion_so_far_is_one_of_the_chunks_so_far(
    chunks: list[Any], completion: dict[str, Any]
) -> None:
    assembler = Assembler()
    partial = [copy.deepcopy(assembler.completion())]
    kept = [assembler.completion()]
    for each in chunks:
        assembler.feed(each)
        kept.append(assembler.completion())
        partial.append(copy.deepcopy(kept[-1]))
    assert partial == [assemble(chunks[:count]) for count in range(len(chunks) + 1)]
    # What was given stays as it was, whatever came behind it.
    assert kept == partial


@pytest.mark.parametrize("chunks", [case.values[0] for case in CASES])
def test_a_completion_is_fresh(chunks: list[Any]) -> None:
    assembler = Assembler()
    for each in chunks:
        assembler.feed(each)
    found = assembler.completion()
    for choice in found["choices"]:
        choice["message"] = choice["index"] = None
    found["choices"].append(None)
    found.clear()
    assert assembler.completion() == assemble(chunks)


names = st.sampled_from(
    [
        *("id", "object", "created", "model", "choices", "usage", "error", "x_groq", "obfuscation"),
        *("index", "delta", "message", "finish_reason", "logprobs", "text", "token_ids"),
        *("role", "content", "refusal", "reasoning", "reasoning_details", "tool_calls", "audio"),
        *("function_call", "annotations", "function", "arguments", "name", "type", "thinking"),
    ]
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.just(10**30)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "text", "thinking", "\ud83d", "chat.completion.chunk"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=12,
)
deltas = st.dictionaries(names, values, max_size=4)
choices = st.builds(
    lambda index, delta, more: {**more, "index": index, "delta": delta},
    st.sampled_from([0, 1, True, None, 1.0]),
    deltas | values,
    st.dictionaries(names, values, max_size=2),
)
odd = st.builds(
    lambda chosen, more: {**more, "choices": chosen},
    st.lists(choices, max_size=3),
    st.dictionaries(names, values, max_size=3),
)


@settings(max_examples=60)
@given(st.lists(values | odd, max_size=5))
def test_any_json_gives_a_completion(chunks: list[Any]) -> None:
    before = copy.deepcopy(chunks)
    found = assemble(chunks)
    assert found["object"] in ("chat.completion", "text_completion")
    indexes = [choice["index"] for choice in found["choices"]]
    assert indexes == sorted(set(indexes))
    assert chunks == before
    json.dumps(found)


plain = st.builds(
    lambda index, key, text, finish, top: {
        **top,
        "choices": [{"index": index, "delta": {key: text}, **finish}],
    },
    st.sampled_from([0, 0, 0, 1, True, 1.0]),
    st.sampled_from(["content", "content", "reasoning", "role", "tool_calls", "token_id"]),
    st.sampled_from(["", "a", "b", None, 5]),
    st.sampled_from(
        [
            {"finish_reason": None},
            {"finish_reason": None, "logprobs": None},
            {"finish_reason": None, "seed": None},
            {"finish_reason": "stop"},
            {},
        ]
    ),
    st.sampled_from(
        [
            {"id": "c", "created": 1},
            {"id": "c", "created": 1, "obfuscation": "xyz"},
            {"id": "c", "created": 1, "provider": "A"},
            {"id": "c", "created": 1, "provider": None},
            {"id": "c", "created": 1, "provider": 1},
            {"id": "c", "created": 1, "provider": True},
            {"id": "", "created": 0},
            {},
        ]
    ),
)


@given(st.lists(plain | plain | plain | odd, max_size=10))
def test_chunks_alike_add_up_as_if_each_were_the_first_of_its_kind(chunks: list[Any]) -> None:
    assembler = Assembler()
    slow = Assembler()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slow._alike, "take", lambda chunk: False)
        for each in chunks:
            assembler.feed(each)
            slow.feed(each)
    assert same(assembler.completion()) == same(slow.completion())


def test_chunks_alike_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    assembler = Assembler()
    take = assembler._alike.take

    def told(chunk: dict[str, Any]) -> bool:
        taken.append(take(chunk))
        return taken[-1]

    monkeypatch.setattr(assembler._alike, "take", told)
    top = {"id": "c", "created": 1, "object": "chat.completion.chunk", "usage": None}
    rest = {"logprobs": None, "finish_reason": None}
    for number in range(10):
        for index in (0, 1):
            one = {"index": index, "delta": {"content": str(number)}, **rest}
            assembler.feed({**top, "choices": [one], "obfuscation": "x" * number})
    assert taken == [False] * 2 + [True] * 18
    texts = [choice["message"]["content"] for choice in assembler.completion()["choices"]]
    assert texts == ["0123456789"] * 2


@settings(max_examples=30)
@given(completions(), st.dictionaries(st.sampled_from(["x_one", "provider"]), json_values))
def test_split_and_fed_chunk_by_chunk_it_is_what_it_was(
    completion: dict[str, Any], more: dict[str, Any]
) -> None:
    completion = completion | more
    assembler = Assembler()
    for each in split(completion, include_usage=True):
        assembler.feed(each)
    assert assembler.completion() == completion


@pytest.mark.parametrize(
    ("payload", "is_one"),
    [
        ({"choices": None}, True),
        ({"usage": {}}, True),
        ({"error": "no"}, True),
        ({"object": "chat.completion.chunk"}, True),
        ({"object": "chat.completion.done"}, True),
        ({"object": 5}, False),
        ({"type": "message_start", "message": {}}, False),
        ({}, False),
        ([], False),
        (None, False),
        ("choices", False),
    ],
)
def test_what_a_chunk_is(payload: Any, is_one: bool) -> None:
    assert is_chunk(payload) is is_one


def nested(depth: int, key: str) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [{"type": "thinking", key: value}]
    return value


@pytest.mark.parametrize("key", ["thinking", "text", "content", "index", "function"])
@pytest.mark.parametrize("field", ["content", "tool_calls", "reasoning_details", "audio"])
def test_what_is_nested_deeply_is_kept_as_it_is(key: str, field: str) -> None:
    deep = nested(50_000, key)
    assembler = Assembler()
    for _ in range(2):
        assembler.feed(chunk(delta={field: deep, "content": "a"}))
        assembler.feed({"choices": deep, "usage": deep[0]})
    assert assembler.completion()["choices"][0]["message"]["content"]
    while isinstance(deep, list):  # undone from the outside, since Python would go down it
        deep = deep[0].pop(key)


def test_empty_deltas_by_the_hundred_thousand_and_pieces_of_50_mb_are_one_text() -> None:
    assembler = Assembler()
    empty = chunk(delta={"content": ""}, finish_reason=None)
    for _ in range(300_000):
        assembler.feed(empty)
    large = "é" * 25_000_000
    assembler.feed(chunk(delta={"content": large}))
    assembler.feed(chunk(delta={"content": large}))
    content = assembler.completion()["choices"][0]["message"]["content"]
    assert len(content) == 50_000_000


def test_calls_by_the_ten_thousand_need_no_search() -> None:
    calls = [{"id": f"call_{number}", "function": {"arguments": "{}"}} for number in range(20_000)]
    deltas = [chunk(delta={"tool_calls": [call, {"id": call["id"]}]}) for call in calls]
    assert assemble(deltas)["choices"][0]["message"]["tool_calls"] == calls
