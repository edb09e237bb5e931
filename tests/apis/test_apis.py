"""What answers say: every API, streamed and whole, cut anywhere, and made of anything."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apis import cases
from tests.wire import splits
from tokentape import apis, view
from tokentape.apis import Fold, Said, ToolCall, bedrock, chat, gemini, messages, responses
from tokentape.apis.decode import EventDecoder
from tokentape.model import Exchange, Read, Request, Response

SSE, JSON, BINARY = (
    "text/event-stream",
    "application/json",
    "application/vnd.amazon.eventstream",
)
URLS = {
    "chat.completions": "https://h/v1/chat/completions",
    "completions": "https://h/v1/completions",
    "responses": "https://h/v1/responses",
    "messages": "https://h/v1/messages",
    "gemini": "https://h/v1beta/models/gemini-2.5-pro:streamGenerateContent",
    "bedrock": "https://h/model/m/converse-stream",
    "other": "https://h/v1/ask",
}


def exchange(body: bytes, type: str, api: str = "other", status: int = 200) -> Exchange:
    return Exchange(
        request=Request(url=URLS[api], body=b"{}"),
        response=Response(
            status=status, headers=(("Content-Type", type),), reads=(Read(body),) if body else ()
        ),
    )


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def loose(said: Said) -> Said:
    """With the arguments of tool calls as JSON writes them, for comparing a stream with JSON."""
    return msgspec.structs.replace(
        said,
        tool_calls=tuple(
            ToolCall(call.id, call.name, json.dumps(json.loads(call.arguments)))
            if call.arguments.startswith("{")
            else call
            for call in said.tool_calls
        ),
    )


RESPONSES = [*cases.RESPONSES_DELTAS, *cases.RESPONSES_DONE, *cases.RESPONSES_END]
INVOKED = cases.binary(*map(cases.chunk, cases.MESSAGES))
CASES = {
    "chat": (cases.sse(*cases.CHAT, "[DONE]"), SSE, cases.CHAT_SAID),
    "chat whole": (as_json(cases.CHAT_ANSWER), JSON, cases.CHAT_SAID),
    "completions": (
        cases.sse({"object": "text_completion", "choices": [{"text": "Yes", "index": 0}]}),
        SSE,
        Said(api="completions", text="Yes"),
    ),
    "responses": (cases.sse(*RESPONSES, named=True), SSE, cases.RESPONSES_SAID),
    "responses whole": (as_json(cases.RESPONSE), JSON, cases.RESPONSES_SAID),
    "responses joined at its end": (
        cases.sse(*cases.RESPONSES_END, named=True),
        SSE,
        cases.RESPONSES_SAID,
    ),
    "messages": (cases.sse(*cases.MESSAGES, named=True), SSE, cases.MESSAGES_SAID),
    "messages whole": (as_json(cases.MESSAGE), JSON, cases.MESSAGES_SAID),
    "gemini": (cases.sse(*cases.GEMINI, end="\r\n"), SSE, cases.GEMINI_SAID),
    "gemini array": (as_json(cases.GEMINI), JSON, cases.GEMINI_SAID),
    "gemini snake": (cases.sse(*cases.GEMINI_SNAKE), SSE, cases.GEMINI_SNAKE_SAID),
    "gemini blocked": (
        as_json(cases.GEMINI_BLOCKED),
        JSON,
        Said(api="gemini", finish_reason="SAFETY", usage={"n": 1}),
    ),
    "bedrock converse": (cases.binary(*cases.CONVERSE), BINARY, cases.CONVERSE_SAID),
    "bedrock converse whole": (as_json(cases.CONVERSE_ANSWER), JSON, cases.CONVERSE_SAID),
    "bedrock invoke": (
        INVOKED,
        BINARY,
        msgspec.structs.replace(cases.MESSAGES_SAID, api="bedrock"),
    ),
    "bedrock invoke whole": (
        as_json(cases.MESSAGE),
        JSON,
        msgspec.structs.replace(cases.MESSAGES_SAID, api="bedrock"),
    ),
    "bedrock invoke of chat": (
        cases.binary(*map(cases.chunk, cases.CHAT)),
        BINARY,
        msgspec.structs.replace(cases.CHAT_SAID, api="bedrock"),
    ),
    "bedrock invoke of Amazon's": (
        cases.binary(*(cases.chunk({name: payload}) for name, payload in cases.CONVERSE)),
        BINARY,
        cases.CONVERSE_SAID,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_said(name: str) -> None:
    body, type, said = CASES[name]
    found = apis.said(exchange(body, type, said.api))
    assert loose(found) == loose(said)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, (_, type, _) in CASES.items()
        # Nothing in it tells.
        if name != "bedrock invoke whole"
    ],
)
def test_the_answer_tells_where_the_url_does_not(name: str) -> None:
    body, type, said = CASES[name]
    told = {"completions": "chat.completions"}.get(said.api, said.api)
    assert loose(apis.said(exchange(body, type))) == loose(msgspec.structs.replace(said, api=told))


def test_claude_below_a_url_of_google_is_read_as_what_it_is() -> None:
    body, type, said = CASES["messages"]
    assert apis.said(exchange(body, type, "gemini")) == said


def test_the_deltas_alone_say_what_the_whole_response_says() -> None:
    whole = cases.sse(*cases.RESPONSES_DELTAS, {"type": "response.completed", "response": {}})
    found = apis.said(exchange(whole, SSE, "responses"))
    end = {"finish_reason": "completed", "usage": cases.RESPONSE_USAGE}
    assert msgspec.structs.replace(found, **end) == cases.RESPONSES_SAID


def test_a_whole_that_says_otherwise_changes_nothing() -> None:
    other = json.loads(json.dumps(cases.RESPONSES_END).replace("It is 4.", "It is 5."))
    found = apis.said(exchange(cases.sse(*cases.RESPONSES_DELTAS, *other), SSE))
    assert found == cases.RESPONSES_SAID


def test_items_left_out_of_the_whole_response_are_not_told_twice() -> None:
    whole = cases.RESPONSE | {"output": [cases.MESSAGE_ITEM]}
    events = (*cases.RESPONSES_DELTAS, {"type": "response.completed", "response": whole})
    assert apis.said(exchange(cases.sse(*events), SSE)) == cases.RESPONSES_SAID


RESPONSE_ENDS = [
    (
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        "max_output_tokens",
    ),
    ({"status": "incomplete", "incomplete_details": None}, "incomplete"),
    ({"status": "failed", "error": {"code": "server_error"}}, "failed"),
    ({"status": "queued"}, None),
    ({"status": {}}, None),
]


@pytest.mark.parametrize(("end", "finish"), RESPONSE_ENDS)
def test_how_a_response_ended(end: dict[str, Any], finish: str | None) -> None:
    found = apis.said(exchange(as_json({"object": "response", **end}), JSON))
    assert found == Said(api="responses", finish_reason=finish, error=end.get("error"))


ERRORS: list[tuple[bytes, str, str, int, Any]] = [
    (b'{"error":{"message":"no"}}', JSON, "chat.completions", 429, {"message": "no"}),
    (b'{"error":{"message":"no"}}', JSON, "other", 200, {"message": "no"}),
    (b'{"type":"error","error":{"type":"x"}}', JSON, "messages", 529, {"type": "x"}),
    (b'[{"error":{"code":400}}]', JSON, "gemini", 400, {"code": 400}),
    (b'{"message":"no"}', JSON, "bedrock", 403, {"message": "no"}),
    (b'["no"]', JSON, "responses", 500, "no"),
    (b"<html>bad gateway", "text/html", "responses", 502, "<html>bad gateway"),
    (b"", "text/html", "responses", 502, None),
    (b"\xff", "text/html", "other", 500, "\ufffd"),
    (b"plain", "text/plain", "responses", 200, None),
    (
        cases.sse({"type": "error", "error": {"type": "overloaded_error"}}, named=True),
        SSE,
        "messages",
        200,
        {"type": "overloaded_error"},
    ),
    (
        cases.sse({"type": "error", "code": "x", "message": "no", "sequence_number": 3}),
        SSE,
        "responses",
        200,
        {"type": "error", "code": "x", "message": "no", "sequence_number": 3},
    ),
    (cases.sse({"error": {"code": 500}}), SSE, "gemini", 200, {"code": 500}),
    (b'event: error\ndata: {"error":{"code":1}}\n\n', SSE, "chat.completions", 200, {"code": 1}),
    (
        cases.binary(("throttlingException", {"message": "slow"}, "exception")),
        BINARY,
        "bedrock",
        200,
        {"type": "throttlingException", "message": "slow"},
    ),
    (
        cases.binary(("InternalError", {}, "error")),
        BINARY,
        "bedrock",
        200,
        {"type": "error", "code": "InternalError", "message": ""},
    ),
]


@pytest.mark.parametrize(("body", "type", "api", "status", "error"), ERRORS)
def test_errors_are_kept(body: bytes, type: str, api: str, status: int, error: Any) -> None:
    found = apis.said(exchange(body, type, api, status))
    assert found == Said(api=api, error=error)


@pytest.mark.parametrize("body", [b"<html>", gzip.compress(b"<html>")])
def test_an_error_in_a_coding_is_kept_as_text(body: bytes) -> None:
    failed = exchange(body, "text/html", "messages", 502)
    assert failed.response is not None
    headers = (("Content-Type", "text/html"), ("Content-Encoding", "gzip"))
    coded = msgspec.structs.replace(failed.response, headers=headers)
    assert apis.said(msgspec.structs.replace(failed, response=coded)).error == "<html>"


def test_an_error_behind_text_leaves_the_text() -> None:
    broken = ("modelStreamErrorException", {"message": "no"}, "exception")
    for events in (cases.CONVERSE[:6], [cases.chunk(event) for event in cases.MESSAGES[:14]]):
        found = apis.said(exchange(cases.binary(*events, broken), BINARY, "bedrock"))
        assert found.text.startswith("It is ")
        assert found.error == {"type": "modelStreamErrorException", "message": "no"}


@given(st.data())
def test_a_stream_that_was_cut_says_what_came(data: st.DataObject) -> None:
    body, type, said = CASES[data.draw(st.sampled_from(sorted(CASES)))]
    if type == JSON and not body.startswith(b"["):
        return
    end = data.draw(st.integers(0, len(body)))
    found = apis.said(exchange(body[:end], type, said.api))
    assert said.text.startswith(found.text)
    assert said.reasoning.startswith(found.reasoning)
    assert all(
        whole.arguments.startswith(part.arguments) and whole.name == part.name
        for whole, part in zip(said.tool_calls, found.tool_calls, strict=False)
    )


@given(st.data())
def test_splits_never_change_what_is_decoded(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name, case in CASES.items() if case[1] != JSON]))
    body, type, _ = CASES[name]
    reader = EventDecoder(binary=type == BINARY)
    found = [event for read in data.draw(splits(body)) for event in reader.feed(read)]
    assert found == list(apis.decoded(exchange(body, type)))
    assert reader.broken is None


def test_the_pieces_add_up_to_what_is_said() -> None:
    for body, type, said in CASES.values():
        whole = exchange(body, type, said.api)
        adding = apis.fold(whole)
        pieces = [
            piece
            for event in apis.decoded(whole)
            for piece in adding.feed(event.type, event.payload)
            if piece.choice == 0
        ]
        for kind, text in (("content", said.text), ("reasoning", said.reasoning)):
            came = "".join(piece.value for piece in pieces if piece.kind == kind)
            assert came == text
        names = [piece.value for piece in pieces if piece.kind == "tool_name"]
        assert names == [call.name for call in said.tool_calls]
        assert [p.value for p in pieces if p.kind == "finish"] == [said.finish_reason] * bool(
            said.finish_reason
        )


def test_the_events_of_a_binary_stream_are_decoded() -> None:
    first, *_, last = apis.decoded(exchange(INVOKED, BINARY))
    assert (first.type, first.payload) == ("chunk", cases.MESSAGES[0])
    assert json.loads(first.data) == cases.MESSAGES[0]
    assert first.headers == {":message-type": "event", ":event-type": "chunk"}
    assert (first.start, last.end) == (0, len(INVOKED))
    for wrong in ({"bytes": "%"}, {"bytes": 7}, {"bytes": "ü"}, {}):
        (event,) = apis.decoded(exchange(cases.binary(("chunk", wrong)), BINARY))
        assert event.payload == wrong


FOLDS: list[Callable[[], Fold]] = [
    chat.Fold,
    responses.Fold,
    messages.Fold,
    gemini.Fold,
    bedrock.Fold,
]
DEEP = json.loads('{"a":' * 200 + "1" + "}" * 200)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 0, 1.5, 10**9, 10**4000, "", "x", "☃", [], {}, [None], {"a": None}, DEEP]),
)


def bent(value: Any, data: st.DataObject) -> Any:
    """The value with any of its parts replaced by something odd."""
    roll = data.draw(st.integers(0, 9))
    if roll == 0:
        return data.draw(ODD)
    if isinstance(value, dict):
        return {key: bent(inner, data) for key, inner in value.items()}
    if isinstance(value, list):
        return [bent(inner, data) for inner in value]
    return value


PAYLOADS: list[tuple[str, Any]] = [
    *(("", payload) for payload in (*cases.MESSAGES, cases.MESSAGE)),
    *(("", payload) for payload in (*RESPONSES, cases.RESPONSE)),
    *(("", payload) for payload in (*cases.GEMINI, *cases.GEMINI_SNAKE, cases.GEMINI_BLOCKED)),
    *cases.CONVERSE,
    ("", cases.CONVERSE_ANSWER),
    *(("", payload) for payload in (*cases.CHAT, cases.CHAT_ANSWER)),
]


@given(st.data())
def test_nothing_odd_is_an_error(data: st.DataObject) -> None:
    fold: Fold = data.draw(st.sampled_from(FOLDS))()
    for type, payload in data.draw(st.lists(st.sampled_from(PAYLOADS), max_size=4)):
        fold.feed(type, bent(payload, data))
    said = fold.said()
    assert all(isinstance(text, str) for text in (said.text, said.reasoning, said.refusal))
    assert msgspec.json.decode(msgspec.json.encode(said), type=Said) == said


@given(st.binary(max_size=300), st.sampled_from([SSE, JSON, BINARY, "text/plain"]))
def test_any_bytes_say_something(body: bytes, type: str) -> None:
    assert apis.said(exchange(body, type)).api == "other" or type == BINARY


HALVES = [r'"\ud83d"', r'"\ude00 \ud83d"', r'"!"']


@pytest.mark.parametrize(
    ("frame", "api"),
    [
        ('{"choices":[{"index":0,"delta":{"content":%s}}]}', "chat.completions"),
        ('{"type":"response.output_text.delta","delta":%s}', "responses"),
        ('{"type":"content_block_delta","delta":{"type":"text_delta","text":%s}}', "messages"),
        ('{"candidates":[{"content":{"parts":[{"text":%s}]}}]}', "gemini"),
    ],
)
def test_a_character_in_two_halves_is_one(frame: str, api: str) -> None:
    body = cases.sse(*(frame % half for half in HALVES))
    assert apis.said(exchange(body, SSE)) == Said(api=api, text="😀 \ufffd!")


MESSAGES = [
    ({"reasoning_content": "a", "reasoning": "b"}, {"reasoning": "a"}),
    ({"reasoning_content": "", "reasoning": "b"}, {"reasoning": "b"}),
    (
        {"reasoning_details": [{"type": "x", "text": "a"}, {"summary": "b"}, {"data": "c"}, 7]},
        {"reasoning": "ab"},
    ),
    (
        {"content": [{"type": "thinking", "thinking": "a"}, {"text": "b"}, "c", None]},
        {"reasoning": "a", "text": "b"},
    ),
    (
        {"function_call": {"name": "f", "arguments": "{}"}},
        {"tool_calls": (ToolCall(None, "f", "{}"),)},
    ),
    (
        {"tool_calls": [{"id": "c", "custom": {"name": "f", "input": "x"}}, None]},
        {"tool_calls": (ToolCall("c", "f", "x"), ToolCall(None, "", ""))},
    ),
]


@pytest.mark.parametrize(("message", "fields"), MESSAGES)
def test_what_a_message_of_chat_says(message: dict[str, Any], fields: dict[str, Any]) -> None:
    body = as_json({"object": "chat.completion", "choices": [{"index": 0, "message": message}]})
    assert apis.said(exchange(body, JSON)) == Said(api="chat.completions", **fields)


def test_arguments_that_are_json_are_written_whatever_is_in_them() -> None:
    half = (
        rb'{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":["\ud83d"]}}]}}]}'
    )
    (call,) = apis.said(exchange(half, JSON)).tool_calls
    assert call.arguments == r'["\ud83d"]'
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    fold = gemini.Fold()
    call_of = {"functionCall": {"name": "f", "args": deep}}
    fold.feed("", {"candidates": [{"content": {"parts": [call_of]}}]})
    assert fold.said().tool_calls == (ToolCall(None, "f", ""),)


def test_no_response_says_nothing() -> None:
    assert apis.said(Exchange(request=Request(url=URLS["messages"]))) == Said(api="messages")


def test_a_large_stream_takes_its_time_once() -> None:
    long = "x" * 100_000
    events = [cases.part("output_text.delta", 0, content_index=0, delta=long)] * 50
    events += [cases.part("output_text.delta", 0, content_index=0, delta="")] * 10_000
    events += [cases.part("output_text.done", 0, content_index=0, text=long * 50)]
    events += [cases.part("output_text.done", 0, content_index=0, text="x")] * 10_000
    fold = responses.Fold()
    pieces = sum(len(fold.feed("", event)) for event in events)
    assert pieces == 50
    assert fold.said().text == long * 50


def test_the_array_of_a_stream_that_was_cut_is_read_as_far_as_it_goes() -> None:
    body = as_json(cases.GEMINI)
    assert view.parse_json(body[:-1]) is None
    assert apis.said(exchange(body[:-1], JSON, "gemini")) == cases.GEMINI_SAID
    assert apis.said(exchange(b"[" * 100_000, JSON, "gemini")) == Said(api="gemini")
    assert apis.said(exchange(b"[[] 1", JSON, "gemini")) == Said(api="gemini")
