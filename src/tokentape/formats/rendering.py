"""Parsed chunks to the bytes a server would have sent: event streams, NDJSON, JSON.

The values stay as they are, but for the nulls that SDK dumps put into tool-call fragments: no
server sends them, and the official SDK's `.stream()` fails on them.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from tokentape import media, sse
from tokentape.formats.plain_json import compact

_FRAGMENT = ("id", "type")
_FUNCTION = ("name", "arguments")
_MESSAGES = frozenset(
    {
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    }
)
_CHAT_LABEL, _TEXT_LABEL = ".ChatCompletionChunk", ".completion.Completion"


class Kind(StrEnum):
    """How a list of chunks goes over the wire."""

    DONE = "event stream that ends in [DONE]"
    TYPED = "event stream with event types"
    BARE = "event stream"
    NDJSON = "newline-delimited JSON"

    @property
    def content_type(self) -> str:
        """The media type of a body of this kind."""
        return media.NDJSON[0] if self is Kind.NDJSON else media.EVENT_STREAM


def kind_of(chunks: Sequence[Any], labels: Sequence[str], path: str) -> Kind:
    """The kind, told by the SDK's type labels, then by the chunks, then by the request's path."""
    if any(label.startswith("ollama.") for label in labels):
        return Kind.NDJSON
    if any(label.endswith((_CHAT_LABEL, _TEXT_LABEL)) for label in labels):
        return Kind.DONE
    for chunk in chunks:
        if not isinstance(chunk, dict):
            continue
        if chunk.get("object") in ("chat.completion.chunk", "text_completion"):
            return Kind.DONE
        event = chunk.get("type")
        if isinstance(event, str) and (event.startswith("response.") or event in _MESSAGES):
            return Kind.TYPED
        if "candidates" in chunk or "sdk_http_response" in chunk or "usage_metadata" in chunk:
            return Kind.BARE
    path = path.split("?")[0].rstrip("/")
    if path.endswith("/completions"):
        return Kind.DONE
    if path.endswith(("/api/chat", "/api/generate")):
        return Kind.NDJSON
    return Kind.BARE


def stream(chunks: Sequence[Any], kind: Kind, *, cut: bool = False) -> bytes:
    """The body; a cut one has no `[DONE]`."""
    if kind is Kind.NDJSON:
        return b"".join(compact(chunk) + b"\n" for chunk in chunks)
    frames = [frame(chunk, kind) for chunk in chunks]
    if kind is Kind.DONE and not cut:
        frames.append(sse.render(b"[DONE]"))
    return b"".join(frames)


def frame(chunk: Any, kind: Kind) -> bytes:
    """One frame of an event stream."""
    event = chunk.get("type") if kind is Kind.TYPED and isinstance(chunk, dict) else None
    payload = compact(without_fragment_nulls(chunk) if kind is Kind.DONE else chunk)
    typed = isinstance(event, str) and not set(event) & set("\r\n")
    return sse.render(payload, type=event if typed and event else "")


def without_fragment_nulls(chunk: Any) -> Any:
    """The chunk less the null id, type, name and arguments of its tool-call fragments."""
    if not isinstance(chunk, dict) or not isinstance(chunk.get("choices"), list):
        return chunk
    choices = [_choice(choice) for choice in chunk["choices"]]
    if all(new is old for new, old in zip(choices, chunk["choices"], strict=True)):
        return chunk
    return chunk | {"choices": choices}


def _choice(choice: Any) -> Any:
    delta = choice.get("delta") if isinstance(choice, dict) else None
    fragments = delta.get("tool_calls") if isinstance(delta, dict) else None
    if not isinstance(delta, dict) or not isinstance(fragments, list):
        return choice
    return choice | {"delta": delta | {"tool_calls": [_fragment(item) for item in fragments]}}


def _fragment(fragment: Any) -> Any:
    if not isinstance(fragment, dict):
        return fragment
    found = _without_nulls(fragment, _FRAGMENT)
    function = found.get("function")
    if isinstance(function, dict):
        found["function"] = _without_nulls(function, _FUNCTION)
    return found


def _without_nulls(node: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if value is not None or key not in keys}
