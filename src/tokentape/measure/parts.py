"""What a streamed event brings: which parts of the answer, a usage, an error."""

from typing import Any, Literal

from tokentape.apis import Fold, fold
from tokentape.chat.pieces import Piece, pieces, usage_of
from tokentape.model import Exchange

Part = Literal["content", "reasoning", "refusal", "tool"]

_PARTS: dict[str, Part] = {
    "content": "content",
    "reasoning": "reasoning",
    "refusal": "refusal",
    "tool_name": "tool",
    "tool_arguments": "tool",
}
# One set for each part alone, shared by the marks that bring no other.
ONLY = {part: frozenset((part,)) for part in _PARTS.values()}
# Where other APIs than chat put it: the object that holds it, and its name there.
_USAGES = (
    # As Gemini sends it, and as its Python client names it.
    *(("", "usageMetadata"), ("", "usage_metadata")),
    *(("response", "usage"), ("response", "usageMetadata")),
    ("message", "usage"),
)


def part_of(piece: Piece) -> Part | None:
    """The part of an answer this piece belongs to; None for what is no content, or empty."""
    return _PARTS.get(piece.kind) if piece.value else None


class Pieces:
    """The pieces of one event after another, whichever API the stream speaks."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._fold: Fold | None = None

    def of(self, type: str, payload: dict[str, Any]) -> list[Piece]:
        """The pieces of the next event."""
        if self._fold is None:
            # A chunk tells for itself; the events of other APIs need what came before them.
            if "choices" in payload:
                return [*pieces(payload)]
            self._fold = fold(self._exchange)
        return self._fold.feed(type, payload)


def usage_in(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The usage in an event or a document, as it stands there; None where there is none.

    Chat, Messages, Converse and Responses documents hold it as `usage`, some streams of Groq as
    `x_groq.usage`, Gemini as `usageMetadata`; the events of Responses carry it in `response`, the
    first of Messages in `message`.
    """
    found = usage_of(payload)
    if found:
        return found
    for holder, name in _USAGES:
        inner = payload.get(holder) if holder else payload
        found = inner.get(name) if isinstance(inner, dict) else None
        if found and isinstance(found, dict):
            return found
    return None


def failed(payload: dict[str, Any]) -> bool:
    """Whether an event or a document tells of an error."""
    return bool(payload.get("error")) or payload.get("type") in ("error", "response.failed")
