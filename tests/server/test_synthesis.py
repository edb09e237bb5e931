"""A recording of one kind asked for as the other: on the wire, and through the official client."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from math import inf
from pathlib import Path
from shutil import which
from typing import Any

import msgspec
import pytest
from openai import OpenAI

from tests.server.raw import Answered, Raw
from tests.server.tapes import JSON, asked, chunk, exchange, stream, write
from tests.server.test_replay import Serve, error_of
from tokentape.model import Ending, Exchange
from tokentape.server import Settings
from tokentape.testing import Replay, replay

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"location": "Florence"}'},
}


def message(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "refusal": None, **fields}


def answer(*messages: dict[str, Any], finish: str = "stop") -> bytes:
    choices = [
        {"index": at, "message": one, "logprobs": None, "finish_reason": finish}
        for at, one in enumerate(messages)
    ]
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o"}
    return json.dumps(head | {"choices": choices, "usage": USAGE}).encode()


def as_json(*messages: dict[str, Any], finish: str = "stop", **asking: Any) -> Exchange:
    return exchange([answer(*messages, finish=finish)], body=json_asked(**asking), headers=JSON)


def with_usage(*texts: str) -> list[bytes]:
    return [
        *(chunk({"content": text}, usage=None, obfuscation="x") for text in texts),
        chunk({}, "stop", usage=None, obfuscation="x"),
        b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o",'
        b'"choices":[],"usage":' + json.dumps(USAGE).encode() + b"}\n\ndata: [DONE]\n\n",
    ]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(*exchanges: Exchange, **settings: Any) -> Replay:
            write(tmp_path / "a.tape.jsonl", *exchanges)
            made = Settings(**{"port": 0, "speed": inf, "grace_s": 0, **settings})
            return stack.enter_context(replay(tmp_path, settings=made))

        yield start


def ask(server: Replay, *bodies: bytes) -> list[Answered]:
    with Raw(server.base_url) as client:
        found = []
        for body in bodies:
            client.post(body)
            found.append(client.answer())
    return found


def made_of(answered: Answered) -> str | None:
    return answered.header("x-tokentape-synthesised")


def json_asked(**more: Any) -> bytes:
    return asked(stream=False, **more)


def usage_asked(**more: Any) -> bytes:
    return asked(stream_options={"include_usage": True}, **more)


@pytest.mark.parametrize("false", [{}, {"stream": False}])
def test_a_stream_answers_a_request_for_json(serve: Serve, false: dict[str, bool]) -> None:
    server = serve(exchange(with_usage("Hel", "lo")))
    for _ in range(2):
        (found,) = ask(server, json.dumps(json.loads(json_asked()) | false).encode())
        assert (found.status, made_of(found)) == (200, "assembled from a stream")
        assert found.header("content-type") == "application/json"
        assert found.header("content-length") == str(len(found.body))
        value = json.loads(found.body)
        assert value["object"] == "chat.completion"
        assert value["choices"][0]["message"]["content"] == "Hello"
        assert value["usage"] == USAGE
    rows = server.journal()
    assert [(row["outcome"], row["exchange"], row["says"]) for row in rows] == [
        ("hit", 0, "synthesised: assembled from a stream")
    ] * 2


def test_a_json_answer_answers_a_request_for_a_stream(serve: Serve) -> None:
    server = serve(
        exchange([answer(message(content="Hello there"))], body=json_asked(), headers=JSON)
    )
    bare, usage = ask(server, asked(), usage_asked())
    assert made_of(bare) == "split from a JSON answer, usage dropped"
    assert made_of(usage) == "split from a JSON answer"
    assert {one.header("content-type") for one in (bare, usage)} == {"text/event-stream"}
    for found in (bare, usage):
        assert found.chunks[-1] == b"data: [DONE]\n\n"
        assert all(frame.startswith(b"data: ") for frame in found.chunks)
    assert b"usage" not in bare.body
    assert json.loads(usage.chunks[-2].removeprefix(b"data: "))["usage"] == USAGE


def test_stream_options_are_honoured(serve: Serve) -> None:
    recorded = with_usage("Hel", "lo")
    server = serve(exchange(recorded, body=usage_asked()))
    same, none, plain, both = ask(
        server,
        usage_asked(),
        asked(),
        asked(stream_options={"include_usage": True, "include_obfuscation": False}),
        asked(stream_options={"include_obfuscation": False}),
    )
    assert (made_of(same), same.chunks) == (None, recorded)
    assert made_of(none) == "usage dropped"
    assert b"usage" not in none.body
    assert none.body.count(b"obfuscation") == 3
    assert made_of(plain) == "obfuscation dropped"
    assert b"obfuscation" not in plain.body
    assert plain.body.count(b'"usage":') == 4
    assert made_of(both) == "obfuscation dropped, usage dropped"
    assert [row["says"] for row in server.journal()] == [
        None,
        "synthesised: usage dropped",
        "synthesised: obfuscation dropped",
        "synthesised: obfuscation dropped, usage dropped",
    ]


def test_a_usage_that_nobody_knows_is_not_claimed(serve: Serve) -> None:
    recorded = stream("a")
    server = serve(exchange(recorded))
    found = ask(server, usage_asked(), usage_asked())
    assert [(made_of(one), one.chunks) for one in found] == [(None, recorded)] * 2


def test_a_request_that_was_recorded_as_it_is_gets_its_recording(serve: Serve) -> None:
    recorded = with_usage("stream")
    server = serve(
        exchange(recorded),
        as_json(message(content="json")),
    )
    streamed, whole = ask(server, asked(), json_asked())
    assert streamed.chunks == recorded
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "json"
    assert made_of(streamed) is made_of(whole) is None


def test_the_made_and_the_recorded_have_each_their_order(serve: Serve) -> None:
    server = serve(*(exchange(with_usage(text)) for text in ("one", "two")), exhausted="error")
    found = ask(server, json_asked(), asked(), json_asked(), asked(), json_asked())
    assert [b"one" in a.body for a in found] == [True, True, False, False, False]
    assert [b"two" in a.body for a in found] == [False, False, True, True, False]
    assert found[-1].status == 404


UNMADE: list[tuple[str, Exchange, bytes, str]] = [
    ("cut", exchange(stream("a")[:-1], ending=Ending.CUT), json_asked(), ""),
    ("an error", exchange([b"{}"], body=json_asked(), headers=JSON, status=500), asked(), "500"),
    ("no end", exchange([chunk({"content": "a"})]), json_asked(), "neither [DONE]"),
    ("no completion", exchange([b"{}"], body=json_asked(), headers=JSON), asked(), "no list of"),
]  # fmt: skip


@pytest.mark.parametrize(("recorded", "body", "says"), [u[1:] for u in UNMADE],
                         ids=[u[0] for u in UNMADE])  # fmt: skip
def test_what_can_not_be_made_is_a_miss_that_says_why(
    serve: Serve, recorded: Exchange, body: bytes, says: str
) -> None:
    server = serve(recorded)
    for found in ask(server, body, body):
        assert found.status == 404
        near = error_of(found.body)["nearest"][0]["says"]
        assert near.startswith("differs only in `stream`; can't be synthesised from it: ")
        assert says in near


def test_no_synthesis_where_it_is_not_wanted(serve: Serve) -> None:
    recorded = with_usage("a")
    server = serve(exchange(recorded), synthesise=False)
    whole, usage = ask(server, json_asked(), usage_asked())
    assert whole.status == 404
    assert "--synthesise serves it" in error_of(whole.body)["nearest"][0]["says"]
    assert (made_of(usage), usage.chunks) == (None, recorded)


def test_another_api_is_never_made(serve: Serve) -> None:
    url = "https://x/v1/completions"
    server = serve(exchange(with_usage("a"), url=url))
    with Raw(server.base_url) as client:
        client.post(json_asked(), path="/v1/completions")
        assert client.answer().status == 404
        client.post(usage_asked(), path="/v1/completions")
        assert made_of(client.answer()) is None


def test_a_raw_stream_answers_a_request_for_json_of_its_model(tmp_path: Path) -> None:
    (tmp_path / "a.sse").write_bytes(b"".join(with_usage("Hello")))
    with replay(tmp_path) as server:
        whole, streamed = ask(server, json_asked(), asked())
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "Hello"
    # What was asked for is not known, so nothing of it is dropped.
    assert streamed.body == b"".join(with_usage("Hello"))


def test_what_is_made_keeps_the_times_there_are(serve: Serve) -> None:
    server = serve(
        exchange(with_usage("a", "b"), gap_us=4_000, end_us=30_000),
        msgspec.structs.replace(as_json(message(content="c"), text="j"), end_offset_us=12_000),
        speed=1.0,
    )  # fmt: skip
    ask(server, json_asked(), asked(text="j"), asked(stream_options={"include_usage": False}))
    ask(server, usage_asked(text="j"))
    assembled, split, _, _ = server.journal()
    assert assembled["duration_ms"] >= 30
    assert split["duration_ms"] >= 12
    assert split["of_writes"] > 3


def test_many_at_once_share_what_is_made(serve: Serve) -> None:
    server = serve(exchange(with_usage("a")))
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(server.base_url)) for _ in range(9)]
        for client in clients:
            client.post(json_asked())
        assert len({client.answer().body for client in clients}) == 1


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAI]:
    folder = tmp_path_factory.mktemp("tapes")
    tools: Any = {"tools": [{"type": "function", "function": {"name": "weather"}}]}
    write(
        folder / "a.tape.jsonl",
        as_json(message(content="Hello there"), text="text"),
        as_json(message(tool_calls=[CALL]), finish="tool_calls", text="tools", **tools),
        as_json(message(content="a b"), message(content="A B"), text="two", n=2),
        exchange(with_usage("Hel", "lo"), body=asked(text="streamed")),
        exchange([chunk({"tool_calls": [{"index": 0, **CALL}]}), chunk({}, "tool_calls"),
                  b"data: [DONE]\n\n"], body=asked(text="streamed tools", **tools)),
        exchange([chunk({"content": "a"}), chunk({"content": "b"}, index=1),
                  chunk({}, "stop") + chunk({}, "stop", index=1), b"data: [DONE]\n\n"],
                 body=asked(text="streamed two", n=2)),
    )  # fmt: skip
    with replay(folder) as server, OpenAI(base_url=server.base_url, api_key="k") as made:
        yield made


def asking(text: str, **more: Any) -> Any:
    if "tools" in text:
        more["tools"] = [{"type": "function", "function": {"name": "weather"}}]
    if "two" in text:
        more["n"] = 2
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize("usage", [False, True])
@pytest.mark.parametrize("text", ["text", "tools", "two"])
def test_the_official_client_streams_what_was_json(client: OpenAI, text: str, usage: bool) -> None:
    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    with client.chat.completions.stream(**asking(text), **options) as events:
        found = events.get_final_completion()
    assert (found.usage is not None and found.usage.total_tokens == 7) is usage
    texts = [choice.message.content for choice in found.choices]
    if text == "tools":
        calls = found.choices[0].message.tool_calls
        assert calls is not None
        (call,) = calls
        assert (call.id, call.function.arguments) == ("call_1", CALL["function"]["arguments"])
        assert found.choices[0].finish_reason == "tool_calls"
    else:
        assert texts == {"text": ["Hello there"], "two": ["a b", "A B"]}[text]


@pytest.mark.parametrize("text", ["streamed", "streamed tools", "streamed two"])
def test_the_official_client_gets_json_of_what_was_streamed(client: OpenAI, text: str) -> None:
    raw = client.chat.completions.with_raw_response.create(**asking(text))
    assert raw.headers["x-tokentape-synthesised"] == "assembled from a stream"
    found = raw.parse()
    if text == "streamed tools":
        (call,) = found.choices[0].message.tool_calls
        assert call.function.arguments == CALL["function"]["arguments"]
    else:
        wanted = {"streamed": ["Hello"], "streamed two": ["a", "b"]}[text]
        assert [choice.message.content for choice in found.choices] == wanted


def test_curl_sees_a_stream_of_what_was_json(client: OpenAI) -> None:
    if which("curl") is None:
        pytest.skip("curl is missing")
    ran = subprocess.run(
        ["curl", "-sNi", f"{client.base_url}chat/completions", "-d", asked(text="text").decode()],
        capture_output=True,
        text=True,
        check=True,
    )
    head, _, body = ran.stdout.partition("\n\n")
    assert "x-tokentape-synthesised: split from a JSON answer, usage dropped" in head
    assert "content-type: text/event-stream" in head
    assert body.endswith("data: [DONE]\n\n")
