"""Small streams that openai-python's accumulator gets wrong, and what both make of them.

docs/assembly.md is generated from this, by running both; tests/chat/test_beside_openai.py holds
every difference to be there.
"""

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from openai._models import construct_type
from openai.lib.streaming.chat._completions import (
    ChatCompletionStreamState,
    _is_valid_chat_completion_chunk_weak,
)
from openai.types.chat import ChatCompletionChunk

from tokentape.chat.assemble import assemble

Chunk = dict[str, Any]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Case:
    """A stream, what is wrong with it, and the places of the completion to look at."""

    title: str
    why: str
    chunks: list[Chunk]
    places: tuple[Place, ...]


def _chunk(delta: Any = None, finish: str | None = None, **more: Any) -> Chunk:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1759386991,
        "model": "m",
        "choices": [choice],
    } | more


def _call(index: int | None = 0, arguments: str = "", **more: Any) -> Chunk:
    call = {"function": {"arguments": arguments} | more.pop("function", {})} | more
    return {"tool_calls": [call if index is None else {"index": index} | call]}


MESSAGE: Place = ("choices", 0, "message")
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}

CASES = [
    Case(
        "The role on every chunk",
        "Ollama, OpenRouter, Z.ai, Avian and others repeat it; it is concatenated.",
        [_chunk({"role": "assistant", "content": text}) for text in ("Y", "es")]
        + [_chunk({"role": "assistant", "content": ""}, "stop")],
        ((*MESSAGE, "role"),),
    ),
    Case(
        "Usage before a moderation chunk",
        "OpenAI sends the moderation behind the usage; every chunk without usage wipes it.",
        [
            _chunk({"role": "assistant", "content": "Yes"}, "stop"),
            _chunk(choices=[], usage=USAGE),
            _chunk(choices=[], moderation={"input": {"flagged": False}}),
        ],
        (("usage",),),
    ),
    Case(
        "Fields that come late",
        "What a choice or the stream says beside the contract is kept of the first chunk only.",
        [
            _chunk({"role": "assistant", "content": "Yes"}),
            _chunk(
                choices=[
                    {
                        "index": 0,
                        "delta": {},
                        "finish_reason": "stop",
                        "native_finish_reason": "end_turn",
                    }
                ],
                service_tier="default",
                generationId="gen_1",
            ),
        ],
        (("choices", 0, "native_finish_reason"), ("service_tier",), ("generationId",)),
    ),
    Case(
        "The fingerprint",
        "A last chunk without it wipes it, as with usage.",
        [
            _chunk({"role": "assistant", "content": "Yes"}, system_fingerprint="fp_1"),
            _chunk({}, "stop"),
        ],
        (("system_fingerprint",),),
    ),
    Case(
        "Azure's prelude",
        "It says how the prompt was filtered, with an empty `object`: such a chunk is left out.",
        [
            _chunk(
                object="",
                id="",
                model="",
                created=0,
                choices=[],
                prompt_filter_results=[{"prompt_index": 0}],
            ),
            _chunk({"role": "assistant", "content": "Yes"}, "stop"),
        ],
        (("prompt_filter_results",),),
    ),
    Case(
        "What a content filter found",
        "Azure says it for each piece; an empty object comes first, and is all that stays.",
        [
            _chunk(
                choices=[
                    {
                        "index": 0,
                        "delta": delta,
                        "finish_reason": None,
                        "content_filter_results": found,
                    }
                ]
            )
            for delta, found in (
                ({"role": "assistant", "content": ""}, {}),
                ({"content": "Yes"}, {"hate": {"filtered": False, "severity": "safe"}}),
            )
        ],
        (("choices", 0, "content_filter_results"),),
    ),
    Case(
        "Reasoning details",
        "OpenRouter gives each piece its format, which is concatenated; other types under the same "
        "index are added to it.",
        [
            _chunk(
                {
                    "content": "",
                    "reasoning_details": [
                        {"type": kind, field: text, "format": "unknown", "index": 0}
                    ],
                }
            )
            for kind, field, text in (
                ("reasoning.text", "text", "We"),
                ("reasoning.text", "text", " need"),
                ("reasoning.encrypted", "data", "gAAA"),
            )
        ],
        ((*MESSAGE, "reasoning_details"),),
    ),
    Case(
        "Numbers in a delta",
        "Together sends the id of each token; they are added up.",
        [
            _chunk({"content": text, "token_id": token})
            for text, token in (("Y", 56), ("es", 288), ("", 200002))
        ],
        ((*MESSAGE, "token_id"),),
    ),
    Case(
        "Content as parts",
        "Mistral's thinking comes as a list, its answer as a string; the thinking is dropped.",
        [
            _chunk({"role": "assistant", "content": ""}),
            _chunk(
                {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}
            ),
            _chunk({"content": "Yes"}, "stop"),
        ],
        ((*MESSAGE, "content"),),
    ),
    Case(
        "Id and name on every fragment of a tool call",
        "Older servers that speak like Ollama repeat both; they are concatenated.",
        [
            _chunk(_call(0, text, id="call_1", type="function", function={"name": "weather"}))
            for text in ('{"city":', '"Rome"}')
        ],
        ((*MESSAGE, "tool_calls", 0, "id"), (*MESSAGE, "tool_calls", 0, "function", "name")),
    ),
    Case(
        "A tool call's type as null",
        "Recordings of parsed chunks have it on continuations; it replaces the type.",
        [
            _chunk(_call(0, "", id="call_1", type="function", function={"name": "weather"})),
            _chunk(_call(0, "{}", type=None)),
        ],
        ((*MESSAGE, "tool_calls", 0, "type"),),
    ),
    Case(
        "Tool calls without an index",
        "Some servers send whole calls and leave it out.",
        [
            _chunk(_call(None, "{}", id="call_1", type="function", function={"name": "weather"})),
            _chunk(_call(None, "{}", id="call_2", type="function", function={"name": "time"})),
        ],
        ((*MESSAGE, "tool_calls", 1, "function", "name"),),
    ),
    Case(
        "Tool calls one after the other under one index",
        "Gemini gives every call of an answer index 0; the calls run together.",
        [
            _chunk(_call(0, "{}", id="call_1", type="function", function={"name": "weather"})),
            _chunk(_call(0, "{}", id="call_2", type="function", function={"name": "time"})),
        ],
        ((*MESSAGE, "tool_calls"),),
    ),
    Case(
        "The second tool call first",
        "Calls are put at their place in a list as it is then, not by index.",
        [
            _chunk(_call(1, "", id="call_b", type="function", function={"name": "time"})),
            _chunk(_call(0, "", id="call_a", type="function", function={"name": "weather"})),
            _chunk(_call(1, '{"zone":1}')),
        ],
        ((*MESSAGE, "tool_calls", 1, "function", "arguments"),),
    ),
    Case(
        "The second choice first",
        "Choices, too, are found by their place and not by index.",
        [
            _chunk(choices=[{"index": index, "delta": {"content": text}, "finish_reason": None}])
            for index, text in ((1, "No"), (0, "Yes"), (1, "!"), (0, "."))
        ],
        (("choices", 0, "message", "content"), ("choices", 1, "message", "content")),
    ),
    Case(
        "Annotations in two chunks",
        "OpenRouter sends citations as they are found, without an index.",
        [
            _chunk({"content": "a", "annotations": [{"type": "url_citation", "url": "https://a"}]}),
            _chunk({"content": "b", "annotations": [{"type": "url_citation", "url": "https://b"}]}),
        ],
        ((*MESSAGE, "annotations"),),
    ),
    Case(
        "Half characters",
        "Servers that count in UTF-16 cut a character in two; JSON may hold the halves.",
        [_chunk({"content": text}) for text in ("Hi \ud83d", "\ude00")],
        ((*MESSAGE, "content"),),
    ),
]


def ours(chunks: list[Chunk]) -> Chunk:
    """What `assemble` makes of the chunks."""
    return assemble(chunks)


def theirs(chunks: list[Chunk]) -> Chunk | str:
    """What `client.chat.completions.stream` ends up with, or the error that it raises."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    try:
        with warnings.catch_warnings(action="ignore"):
            for chunk in json.loads(json.dumps(chunks)):
                parsed = construct_type(type_=ChatCompletionChunk, value=chunk)
                assert isinstance(parsed, ChatCompletionChunk)
                if _is_valid_chat_completion_chunk_weak(parsed):
                    list(state.handle_chunk(parsed))
            return state.get_final_completion().to_dict()
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def at(completion: Chunk | str, place: Place) -> Any:
    """What stands at a place of a completion. Raises LookupError where nothing does."""
    value: Any = completion
    for step in place:
        if not isinstance(value, list if isinstance(step, int) else dict):
            raise LookupError(step)
        value = value[step]  # type: ignore[index]  # a list by a number, a dict by a name
    return value


def told(completion: Chunk | str, place: Place) -> str:
    """The JSON of one place of a completion; where it has none, what is the matter."""
    if isinstance(completion, str):
        return f"raises {completion}"
    try:
        text = json.dumps(at(completion, place), ensure_ascii=False)
    except LookupError:
        return "(nothing)"
    return text.encode("utf-8", "backslashreplace").decode()


def named(place: Place) -> str:
    """A place as it is written: `choices[0].message`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)[1:]


def _short(chunk: Chunk) -> str:
    """A chunk's JSON without what is the same in all."""
    usual = _chunk()
    short = {name: value for name, value in chunk.items() if usual.get(name) != value}
    return json.dumps(short, separators=(",", ":"))


def page() -> Iterator[str]:
    """The Markdown of all cases: the chunks, then what both make of them."""
    for case in CASES:
        yield from (f"### {case.title}", "", case.why, "", "```text")
        yield from map(_short, case.chunks)
        mine, other = ours(case.chunks), theirs(case.chunks)
        for place in case.places:
            yield from ("", named(place))
            yield from (
                f"  openai-python  {told(other, place)}",
                f"  TokenTape      {told(mine, place)}",
            )
        yield from ("```", "")
