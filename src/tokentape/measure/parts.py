"""What a streamed event brings to a choice, for each API: what counts as content, and usage."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from tokentape.chat.pieces import pieces
from tokentape.view import Api

Part = Literal["content", "reasoning", "refusal", "tool"]
Found = Iterator[tuple[int, Part]]

_CHAT: dict[str, Part] = {
    "content": "content",
    "reasoning": "reasoning",
    "refusal": "refusal",
    "tool_name": "tool",
    "tool_arguments": "tool",
}
# Responses: the types of the events that carry a `delta`, by how they end.
_RESPONSES: tuple[tuple[str, Part], ...] = (
    ("output_text.delta", "content"),
    ("reasoning_text.delta", "reasoning"),
    ("reasoning_summary_text.delta", "reasoning"),
    ("refusal.delta", "refusal"),
    ("arguments.delta", "tool"),
    ("custom_tool_call_input.delta", "tool"),
)
_MESSAGES: dict[str, tuple[str, Part]] = {
    "text_delta": ("text", "content"),
    "thinking_delta": ("thinking", "reasoning"),
    "input_json_delta": ("partial_json", "tool"),
}


def _chat(payload: dict[str, Any]) -> Found:
    for piece in pieces(payload):
        if piece.kind in _CHAT and piece.value:
            yield piece.choice, _CHAT[piece.kind]


def _responses(payload: dict[str, Any]) -> Found:
    kind = payload.get("type")
    if isinstance(kind, str) and payload.get("delta"):
        for ending, part in _RESPONSES:
            if kind.endswith(ending):
                yield 0, part
                return


def _messages(payload: dict[str, Any]) -> Found:
    delta, block = payload.get("delta"), payload.get("content_block")
    if isinstance(delta, dict) and isinstance(delta.get("type"), str):
        field, part = _MESSAGES.get(delta["type"], ("", "content"))
        if field and delta.get(field):
            yield 0, part
    elif isinstance(block, dict) and block.get("type") == "tool_use" and block.get("name"):
        yield 0, "tool"


def _gemini(payload: dict[str, Any]) -> Found:
    candidates = payload.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if not isinstance(candidate, dict):
            continue
        index = candidate.get("index")
        said = candidate.get("content")
        found = said.get("parts") if isinstance(said, dict) else None
        for part in found if isinstance(found, list) else ():
            if isinstance(part, dict) and (part.get("text") or part.get("functionCall")):
                kind: Part = "reasoning" if part.get("thought") else "content"
                yield (index if type(index) is int else 0), kind if part.get("text") else "tool"


_BY_API: dict[Api, Callable[[dict[str, Any]], Found]] = {
    Api.CHAT: _chat,
    Api.COMPLETIONS: _chat,
    Api.RESPONSES: _responses,
    Api.MESSAGES: _messages,
    Api.GEMINI: _gemini,
}


def parts(api: Api, payload: dict[str, Any]) -> Found:
    """Which choices an event brings content to, and of which part; none for an unknown API."""
    find = _BY_API.get(api)
    return iter(()) if find is None else find(payload)


def usage_in(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The usage in an event or a document, as it stands there; None where there is none.

    Chat, Messages and Responses documents hold it as `usage`, Groq's first streams as
    `x_groq.usage`, Gemini as `usageMetadata`; the events of Responses carry it in `response`, the
    first of Messages in `message`.
    """
    for holder in (payload, *map(payload.get, ("response", "message", "x_groq"))):
        if isinstance(holder, dict):
            for name in ("usage", "usageMetadata"):
                found = holder.get(name)
                if isinstance(found, dict) and found:
                    return found
    return None


def failed(payload: dict[str, Any]) -> bool:
    """Whether an event or a document tells of an error."""
    return bool(payload.get("error")) or payload.get("type") in ("error", "response.failed")
