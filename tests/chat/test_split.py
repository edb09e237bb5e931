"""A completion as chunks: each field where streams have it, and nothing invented."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chat.whole import UNHURRIED, completions
from tokentape import sse
from tokentape.chat.split import DONE, frames, split
from tokentape.errors import UsageError


def completion(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    choices = [
        {"index": index, "message": {"role": "assistant"} | message, "finish_reason": "stop"}
        for index, message in enumerate(messages)
    ]
    return {"id": "c-1", "object": "chat.completion", "created": 7, "model": "m"} | {
        "choices": choices,
        **fields,
    }


def deltas(message: dict[str, Any]) -> list[dict[str, Any]]:
    """The deltas of one choice, without the last one, which is empty."""
    chunks = split(completion(message))
    assert chunks[-1]["choices"] == [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    found = [chunk["choices"][0] for chunk in chunks[:-1]]
    assert all(choice["finish_reason"] is None for choice in found)
    return [choice["delta"] for choice in found]


CALL = {"id": "call-1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
CUSTOM = {"id": "call-2", "type": "custom", "custom": {"name": "g", "input": "x y"}}
DETAILS = [{"type": "reasoning.text", "text": "One two"}, {"type": "reasoning.encrypted"}]
THINKING = {"type": "thinking", "thinking": [{"type": "text", "text": "One two"}]}
TEXT = {"type": "text", "text": "Three four"}
NOTE = {"type": "url_citation", "url_citation": {"url": "http://x/"}}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({}, [{}], id="nothing but a role"),
        pytest.param({"content": None}, [{"content": None}], id="content null"),
        pytest.param({"content": ""}, [{"content": ""}], id="content empty"),
        pytest.param(
            {"content": "One two", "refusal": None},
            [{"content": "", "refusal": None}, {"content": "One"}, {"content": " two"}],
            id="content",
        ),
        pytest.param(
            {"content": None, "refusal": "I can't"},
            [{"content": None, "refusal": None}, {"refusal": "I"}, {"refusal": " can't"}],
            id="refusal",
        ),
        pytest.param({"refusal": ""}, [{"refusal": ""}], id="refusal empty"),
        pytest.param(
            {"content": "Three", "reasoning": "One two"},
            [{"content": ""}, {"reasoning": "One"}, {"reasoning": " two"}, {"content": "Three"}],
            id="reasoning comes before content",
        ),
        pytest.param(
            {"reasoning": "One two", "reasoning_content": "One two"},
            [
                {},
                {"reasoning": "One", "reasoning_content": "One"},
                {"reasoning": " two", "reasoning_content": " two"},
            ],
            id="the same reasoning in both fields",
        ),
        pytest.param(
            {"reasoning": "One", "reasoning_content": "Two"},
            [{}, {"reasoning": "One"}, {"reasoning_content": "Two"}],
            id="other reasoning in the other field",
        ),
        pytest.param(
            {"reasoning": None, "reasoning_content": ""},
            [{"reasoning": None, "reasoning_content": ""}],
            id="no reasoning",
        ),
        pytest.param(
            {"reasoning": "One", "reasoning_details": DETAILS},
            [{}, {"reasoning": "One"}, {"reasoning_details": DETAILS}],
            id="reasoning details at once",
        ),
        pytest.param(
            {"content": [THINKING, TEXT]},
            [{}, {"content": [THINKING]}, {"content": [TEXT]}],
            id="content as parts",
        ),
        pytest.param({"content": []}, [{"content": []}], id="no parts"),
        pytest.param({"content": [1]}, [{"content": [1]}], id="parts that are none"),
        pytest.param({"content": 1.5}, [{"content": 1.5}], id="content a number"),
        pytest.param(
            {"content": "One", "annotations": [NOTE]},
            [{"content": ""}, {"content": "One"}, {"annotations": [NOTE]}],
            id="annotations",
        ),
        pytest.param({"annotations": []}, [{"annotations": []}], id="no annotations"),
        pytest.param(
            {"audio": {"id": "a", "data": "AAAA", "transcript": "One two", "expires_at": 9}},
            [
                {},
                {"audio": {"id": "a"}},
                {"audio": {"transcript": "One"}},
                {"audio": {"transcript": " two"}},
                {"audio": {"data": "AAAA"}},
                {"audio": {"expires_at": 9}},
            ],
            id="audio",
        ),
        pytest.param(
            {"audio": {"id": "a", "data": "A" * 16384 + "B" * 4, "transcript": ""}},
            [
                {},
                {"audio": {"id": "a", "transcript": ""}},
                {"audio": {"data": "A" * 16384}},
                {"audio": {"data": "BBBB"}},
            ],
            id="long audio",
        ),
        pytest.param({"audio": None}, [{"audio": None}], id="audio null"),
        pytest.param(
            {"function_call": {"name": "f", "arguments": "{} {}"}},
            [
                {},
                {"function_call": {"name": "f", "arguments": ""}},
                {"function_call": {"arguments": "{}"}},
                {"function_call": {"arguments": " {}"}},
            ],
            id="a function call",
        ),
        pytest.param(
            {"content": None, "tool_calls": [CALL, CALL | {"function": {"name": "g"}}]},
            [
                {"content": None},
                {
                    "tool_calls": [
                        {
                            "id": "call-1",
                            "type": "function",
                            "function": {"name": "f", "arguments": ""},
                            "index": 0,
                        }
                    ]
                },
                {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":'}}]},
                {"tool_calls": [{"index": 0, "function": {"arguments": " 1}"}}]},
                {"tool_calls": [CALL | {"function": {"name": "g"}, "index": 1}]},
            ],
            id="tool calls",
        ),
        pytest.param(
            {"tool_calls": [CUSTOM]},
            [{}, {"tool_calls": [CUSTOM | {"index": 0}]}],
            id="a custom tool call",
        ),
        pytest.param(
            {"tool_calls": [CUSTOM | {"index": 5}]},
            [{}, {"tool_calls": [CUSTOM | {"index": 0}]}],
            id="a tool call's own index is not believed",
        ),
        pytest.param(
            {"tool_calls": [{"function": {"arguments": {"a": 1}}}]},
            [{}, {"tool_calls": [{"function": {"arguments": {"a": 1}}, "index": 0}]}],
            id="arguments an object",
        ),
        pytest.param({"tool_calls": []}, [{"tool_calls": []}], id="no tool calls"),
        pytest.param({"tool_calls": [1]}, [{"tool_calls": [1]}], id="tool calls that are none"),
        pytest.param(
            {"provider_metadata": {"a": [1]}, "token_id": 3},
            [{"provider_metadata": {"a": [1]}, "token_id": 3}],
            id="unknown fields",
        ),
    ],
)
def test_a_message_as_deltas(message: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    first, *rest = expected
    assert deltas(message) == [{"role": "assistant"} | first, *rest]


def test_every_chunk_says_whose_it_is() -> None:
    whole = completion(
        {"content": "One"},
        service_tier="default",
        system_fingerprint=None,
        provider="p",
        moderation={"a": 1},
    )
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m"} | {
        "service_tier": "default",
        "system_fingerprint": None,
    }
    bare = [{k: v for k, v in chunk.items() if k != "choices"} for chunk in split(whole)]
    assert bare == [head | {"provider": "p", "moderation": {"a": 1}}, head, head]


def test_the_last_chunk_of_a_choice_has_its_other_fields() -> None:
    whole = completion({"content": ""})
    whole["choices"][0] |= {"stop_reason": 2, "content_filter_results": {}}
    assert split(whole)[-1]["choices"] == [
        {
            "index": 0,
            "delta": {},
            "finish_reason": "stop",
            "stop_reason": 2,
            "content_filter_results": {},
        }
    ]


@pytest.mark.parametrize("finish", [{}, {"finish_reason": None}])
def test_a_choice_that_did_not_finish_has_no_last_chunk(finish: dict[str, Any]) -> None:
    whole = completion({"content": "One"})
    whole["choices"] = [{"index": 0, "message": whole["choices"][0]["message"], **finish}]
    assert [chunk["choices"][0]["delta"] for chunk in split(whole)] == [
        {"role": "assistant", "content": ""},
        {"content": "One"},
    ]


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_usage_that_was_asked_for() -> None:
    chunks = split(completion({"content": "One"}, usage=USAGE), include_usage=True)
    *others, last = chunks
    assert len(others) == 3
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in others)
    assert (last["choices"], last["usage"], last["id"]) == ([], USAGE, "c-1")


def test_usage_that_was_not_asked_for_or_is_not_known() -> None:
    asked = completion({"content": "One"}, usage=USAGE)
    assert all("usage" not in chunk and chunk["choices"] for chunk in split(asked))
    unknown = completion({"content": "One"})
    assert split(unknown, include_usage=True) == split(unknown)
    null = split(completion({"content": "One"}, usage=None), include_usage=True)
    assert [chunk["usage"] for chunk in null] == [None] * 3


def test_choices_come_in_turn_each_in_chunks_of_its_own() -> None:
    whole = completion({"content": "a b c"}, {"content": "d"}, {"content": None})
    whole["choices"][2]["index"] = 7
    said = [
        (choice["index"], choice["delta"].get("content"), choice["finish_reason"])
        for chunk in split(whole)
        for choice in chunk["choices"]
    ]
    assert said == [
        *((0, "", None), (1, "", None), (7, None, None)),
        *((0, "a", None), (1, "d", None), (7, None, "stop")),
        *((0, " b", None), (1, None, "stop")),
        *((0, " c", None), (0, None, "stop")),
    ]
    assert all(len(chunk["choices"]) == 1 for chunk in split(whole))


@pytest.mark.parametrize("index", [None, True, 1.0, "x"])
def test_a_choice_without_an_index_has_its_place(index: Any) -> None:
    whole = completion({"content": ""}, {"content": ""})
    whole["choices"][1]["index"] = index
    assert {chunk["choices"][0]["index"] for chunk in split(whole)} == {0, 1}


def test_a_completion_without_choices_still_says_what_it_says() -> None:
    (first, last) = split(completion(usage=USAGE, provider="p"), include_usage=True)
    assert (first["choices"], first["usage"], first["provider"]) == ([], None, "p")
    assert (last["choices"], last["usage"]) == ([], USAGE)


HALF = [{"token": "\\xc3", "bytes": [0xC3]}, {"token": "\\xa9", "bytes": [0xA9]}]
SPACED = {"token": " a"}


def logprobs_of(logprobs: Any, **message: Any) -> list[tuple[dict[str, Any], Any]]:
    whole = completion(message)
    whole["choices"][0]["logprobs"] = logprobs
    parts = [chunk["choices"][0] for chunk in split(whole)]
    return [(part["delta"], part["logprobs"]) for part in parts[1:-1]]


def test_content_is_cut_where_its_tokens_are() -> None:
    found = logprobs_of({"content": [*HALF, SPACED], "refusal": None}, content="é a b")
    assert found == [
        ({"content": "é"}, {"content": HALF, "refusal": None}),
        ({"content": " a"}, {"content": [SPACED], "refusal": None}),
        ({"content": " b"}, None),
    ]


def test_refusals_have_tokens_of_their_own() -> None:
    found = logprobs_of({"content": None, "refusal": HALF}, content=None, refusal="é")
    assert found == [({"refusal": "é"}, {"content": None, "refusal": HALF})]


def test_tokens_that_are_no_text_come_with_an_empty_delta() -> None:
    found = logprobs_of({"content": HALF}, content=None)
    assert found == [({}, {"content": HALF})]


@pytest.mark.parametrize(
    ("logprobs", "first"),
    [
        (None, None),
        ({"content": None, "refusal": None}, {"content": None, "refusal": None}),
        ({"content": [], "refusal": None}, {"content": [], "refusal": None}),
        ({"content": [SPACED], "refusal": None}, {"content": [], "refusal": None}),
        ({"content": [SPACED], "more": [1]}, {"content": [], "more": [1]}),
        ([1], [1]),
    ],
)
def test_the_first_chunk_says_which_logprobs_there_are(logprobs: Any, first: Any) -> None:
    whole = completion({"content": " a"})
    assert all("logprobs" not in chunk["choices"][0] for chunk in split(whole))
    whole["choices"][0]["logprobs"] = logprobs
    found = [chunk["choices"][0]["logprobs"] for chunk in split(whole)]
    assert found[0] == first
    assert found[-1] is None


def test_a_long_text_comes_in_a_bounded_number_of_chunks() -> None:
    whole = completion(
        {"content": "a b " * 200_000, "reasoning": "今" * 500_000},
        {"tool_calls": [CALL | {"function": {"arguments": "[1, 2]" * 50_000}}] * 2},
    )
    chunks = split(whole)
    assert 50_000 < len(chunks) < 70_000
    said = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in said) == "a b " * 200_000


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "expected a completion, an object; got NoneType"),
        ([], "got list"),
        ({}, "a list as `choices`; got NoneType"),
        ({"choices": {}}, "a list as `choices`; got dict"),
        ({"choices": [None]}, r"`choices\[0\].message`"),
        ({"choices": [{"message": {}}, {"delta": {}}]}, r"`choices\[1\].message`"),
        ({"choices": [{"text": "a", "index": 0}]}, r"`choices\[0\].message`"),
    ],
    ids=repr,
)
def test_what_is_no_completion(value: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        split(value)


def test_frames_are_read_as_the_chunks() -> None:
    chunks = split(completion({"content": "One\n😀 \u2028", "x": [10**30, 1.5]}))
    wire = frames(chunks)
    assert wire[-1] == DONE
    assert all(frame.startswith(b"data: ") and frame.endswith(b"\n\n") for frame in wire)
    events = sse.events(b"".join(wire))
    assert [json.loads(event.data) for event in events[:-1]] == chunks
    assert events[-1].data == "[DONE]"


def test_a_lone_surrogate_is_framed_as_an_escape() -> None:
    (frame, _) = frames([{"a": "\ud800 é"}])
    assert frame == b'data: {"a":"\\ud800 \\u00e9"}\n\n'


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "chunk",
    [{"a": object()}, 10**5000, ["\ud800", object()], deep(10**4)],
    ids=["an object", "too many digits", "an object behind half a pair", "too deep"],
)
def test_what_json_can_not_hold_is_refused(chunk: Any) -> None:
    with pytest.raises(UsageError, match="chunks that JSON can hold"):
        frames([chunk])


@UNHURRIED
@given(completions(), st.booleans())
def test_the_contract_of_chunks_holds(whole: dict[str, Any], include_usage: bool) -> None:
    before = msgspec.json.encode(whole)
    chunks = split(whole, include_usage=include_usage)
    assert msgspec.json.encode(whole) == before
    assert chunks == split(whole, include_usage=include_usage)
    roles: dict[int, int] = {}
    finished = set()
    for chunk in chunks:
        assert chunk["object"] == "chat.completion.chunk"
        assert all(chunk[name] == whole[name] for name in ("id", "created", "model"))
        assert ("usage" in chunk) == (include_usage and "usage" in whole)
        for choice in chunk["choices"]:
            assert {"index", "delta", "finish_reason"} <= choice.keys()
            assert choice["index"] not in finished
            roles[choice["index"]] = roles.get(choice["index"], 0) + ("role" in choice["delta"])
            if choice["finish_reason"]:
                assert choice["delta"] == {}
                finished.add(choice["index"])
    asked = [choice["index"] for choice in whole["choices"]]
    assert roles == dict.fromkeys(asked, 1)
    assert finished == set(asked)
    with_usage = [chunk for chunk in chunks if not chunk["choices"]]
    wanted = include_usage and whole.get("usage") is not None
    assert with_usage == chunks[len(chunks) - wanted :]
    assert all(chunk["usage"] == whole["usage"] for chunk in with_usage)
