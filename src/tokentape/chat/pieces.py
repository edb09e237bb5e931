"""One chunk's payload to the pieces a person sees: text, reasoning, tool calls, finish, usage."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from tokentape.chat.gathering import index_of

Kind = Literal[
    "content", "reasoning", "refusal", "tool_name", "tool_arguments", "finish", "usage", "error"
]
# Where providers put reasoning, beside `content` in a delta. The same text often stands in two of
# them at once, so the first that holds one is taken, and `reasoning_details` where none does.
REASONING_FIELDS = ("reasoning_content", "reasoning")


class Piece(msgspec.Struct, frozen=True):
    """`choice` and `tool` are indexes; where the chunk gives none, 0 and the place in its list.

    `value` is text; for `usage` and `error` the JSON value as it came.
    """

    kind: Kind
    value: Any
    choice: int = 0
    tool: int = 0


def _index(value: Any, otherwise: int = 0) -> int:
    if type(value) is int:
        return value
    found = index_of(value)
    return otherwise if found is None else found


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects in a list; nothing of what is no list."""
    return (
        (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
    )


def _texts(content: Any) -> Iterator[tuple[Kind, str]]:
    """A delta's content: a string, or a list of parts (Mistral)."""
    if isinstance(content, str):
        if content:
            yield "content", content
        return
    for part in _objects(content):
        if isinstance(part.get("text"), str):
            yield "content", part["text"]
        thoughts = part.get("thinking")
        if isinstance(thoughts, str):
            yield "reasoning", thoughts
        for thought in _objects(thoughts):
            if isinstance(thought.get("text"), str):
                yield "reasoning", thought["text"]


def _reasoning(delta: dict[str, Any]) -> Iterator[str]:
    """The first field that holds reasoning; the details where none does."""
    for field in REASONING_FIELDS:
        if isinstance(delta.get(field), str) and delta[field]:
            yield delta[field]
            return
    for detail in _objects(delta.get("reasoning_details")):
        for field in ("text", "summary"):
            if isinstance(detail.get(field), str) and detail[field]:
                yield detail[field]


def _called(function: Any, choice: int, tool: int) -> Iterator[Piece]:
    """A function's name and arguments, or a custom tool's name and input."""
    if not isinstance(function, dict):
        return
    if isinstance(function.get("name"), str) and function["name"]:
        yield Piece("tool_name", function["name"], choice, tool)
    for field in ("arguments", "input"):
        if isinstance(function.get(field), str) and function[field]:
            yield Piece("tool_arguments", function[field], choice, tool)


def _delta(delta: dict[str, Any], choice: int) -> Iterator[Piece]:
    for text in _reasoning(delta):
        yield Piece("reasoning", text, choice)
    for kind, text in _texts(delta.get("content")):
        yield Piece(kind, text, choice)
    if isinstance(delta.get("refusal"), str) and delta["refusal"]:
        yield Piece("refusal", delta["refusal"], choice)
    calls = delta.get("tool_calls")
    for position, call in enumerate(calls if isinstance(calls, list) else ()):
        if isinstance(call, dict):
            # A message's calls carry no index, nor do those of some providers' deltas.
            tool = _index(call.get("index"), position)
            yield from _called(call.get("function"), choice, tool)
            yield from _called(call.get("custom"), choice, tool)
    yield from _called(delta.get("function_call"), choice, 0)


def usage_of(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The usage in a chunk or a completion: `usage`, else `x_groq.usage`, where some streams of
    Groq have it alone.
    """
    beside = payload.get("x_groq")
    for usage in (payload.get("usage"), beside.get("usage") if isinstance(beside, dict) else None):
        if isinstance(usage, dict):
            return usage
    return None


def pieces(payload: Any) -> Iterator[Piece]:
    """The pieces of one chunk, or of one whole completion (`message` in place of `delta`).

    Takes any JSON value; what is not where the contract puts it gives no piece.
    """
    if not isinstance(payload, dict):
        return
    if payload.get("error"):
        yield Piece("error", payload["error"])
    choices = payload.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        index = _index(choice.get("index"))
        # Beside a delta, a message says the whole so far (Perplexity), and a text says the same
        # again (Together).
        if isinstance(choice.get("delta"), dict):
            yield from _delta(choice["delta"], index)
        elif isinstance(choice.get("message"), dict):
            yield from _delta(choice["message"], index)
        elif isinstance(choice.get("text"), str) and choice["text"]:
            yield Piece("content", choice["text"], index)
        if isinstance(choice.get("finish_reason"), str) and choice["finish_reason"]:
            yield Piece("finish", choice["finish_reason"], index)
    usage = usage_of(payload)
    if usage is not None:
        yield Piece("usage", usage)
