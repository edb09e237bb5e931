"""Split is the inverse of assemble, for us and for whoever reads it with the official client."""

import json
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from openai._streaming import SSEDecoder
from openai.lib.streaming.chat._completions import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from tests.chat.whole import UNHURRIED, completions
from tests.recorded import exchanges
from tests.samples import DONE, streamed
from tokentape import linting, sse, view
from tokentape.chat.assemble import assemble
from tokentape.chat.split import frames, split

Completion = dict[str, Any]


def without(completion: Completion, name: str) -> Completion:
    return {key: value for key, value in completion.items() if key != name}


@UNHURRIED
@given(completions())
def test_what_is_split_assembles_to_what_it_was(completion: Completion) -> None:
    assert assemble(split(completion, include_usage=True)) == completion
    assert assemble(split(completion)) == without(completion, "usage")


@UNHURRIED
@given(completions())
def test_what_is_read_off_the_wire_assembles_to_what_it_was(completion: Completion) -> None:
    body = b"".join(frames(split(completion, include_usage=True)))
    assert body.endswith(DONE)
    events = sse.events(body)
    assert assemble(msgspec.json.decode(event.data) for event in events[:-1]) == completion


def read_by_openai(body: bytes) -> tuple[list[ChatCompletionChunk], Completion]:
    """The chunks and the completion that openai-python makes of an event stream."""
    state = ChatCompletionStreamState()
    chunks = []
    for event in SSEDecoder().iter_bytes(iter([body])):
        if event.data.startswith("[DONE]"):
            break
        chunks.append(ChatCompletionChunk.model_validate(event.json()))
        state.handle_chunk(chunks[-1])
    return chunks, state.current_completion_snapshot.to_dict()


@UNHURRIED
@given(completions(plain=True))
def test_the_official_client_reads_what_it_was(completion: Completion) -> None:
    body = b"".join(frames(split(completion, include_usage=True)))
    chunks, found = read_by_openai(body)
    assert all(chunk.object == "chat.completion.chunk" for chunk in chunks)
    assert found["object"] == "chat.completion"
    for name in ("id", "created", "model", "usage", "service_tier", "system_fingerprint"):
        assert found.get(name) == completion.get(name), name
    assert len(found["choices"]) == len(completion["choices"])
    for choice, said in zip(found["choices"], completion["choices"], strict=True):
        assert choice["index"] == said["index"]
        assert choice["finish_reason"] == said["finish_reason"]
        assert choice["logprobs"] == said["logprobs"]
        # The client puts an index into tool calls, and null where nothing came.
        for call in choice["message"].get("tool_calls") or ():
            call.pop("index")
        assert told(choice["message"]) == told(said["message"])


def told(value: Any) -> Any:
    """A value without the keys that hold null."""
    if isinstance(value, list):
        return [told(item) for item in value]
    if isinstance(value, dict):
        return {key: told(item) for key, item in value.items() if item is not None}
    return value


# What a completion may itself say that no stream of it can mend.
OF_THE_COMPLETION = {
    *("CHO315", "CHO316", "DEL406", "DEL411", "LGP702", "TOL511"),
    *("USG601", "USG607", "USG608", "USG609"),
}


@UNHURRIED
@given(completions(plain=True))
def test_a_split_stream_breaks_no_rule(completion: Completion) -> None:
    asked = {
        "model": completion["model"],
        "messages": [],
        "n": len(completion["choices"]),
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    frame = frames(split(completion, include_usage=True))
    exchange = streamed(*frame)
    request = msgspec.structs.replace(exchange.request, body=json.dumps(asked).encode())
    findings = linting.lint(msgspec.structs.replace(exchange, request=request))
    broken = {finding.rule for finding in findings}
    assert broken <= OF_THE_COMPLETION
    assert broken.isdisjoint({"USG601", "USG607"}) or not completion.get("usage")


def recorded(shared: Path) -> list[Completion]:
    return [
        payload
        for _, exchange in exchanges([shared / "recordings"])
        if not view.is_event_stream(exchange)
        for payload in view.payloads(exchange)
        if isinstance(payload, dict) and payload.get("object") == "chat.completion"
    ]


def contracted(completion: Completion) -> Completion:
    """The completion without what the stream's contract has no place for."""
    found: Completion = json.loads(json.dumps(completion))
    for choice in found["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            call.pop("index", None)
    return found


def test_real_completions_assemble_to_what_they_were(shared: Path) -> None:
    found = recorded(shared)
    assert len(found) > 30
    for completion in found:
        assert assemble(split(completion, include_usage=True)) == contracted(completion)
