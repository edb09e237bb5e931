"""Google's Gemini API: each event is a response whose parts add to those before it.

Field names come in camelCase from the API and in snake_case where its Python client wrote them.

Source: https://ai.google.dev/api/generate-content.
"""

from typing import Any

from tokentape.apis.base import Draft, Said, Text, as_text, fields, index, items
from tokentape.chat.pieces import Piece

API = "gemini"


def speaks(payload: dict[str, Any]) -> bool:
    """Whether this payload is of this API."""
    if isinstance(payload.get("candidates"), list):
        return True
    # A prompt that was blocked has no candidates.
    return isinstance(_either(payload, "promptFeedback", "prompt_feedback"), dict)


def _either(value: dict[str, Any], camel: str, snake: str) -> Any:
    return value.get(camel, value.get(snake))


class Fold:
    """Adds up the responses of a stream, or takes the one of an answer that is whole."""

    def __init__(self) -> None:
        self._draft = Draft(API)
        self._calls = 0

    def said(self) -> Said:
        return self._draft.said()

    def feed(self, type: str, payload: Any) -> list[Piece]:
        if isinstance(payload, dict):
            self._draft.error(payload.get("error"))
            for at, candidate in enumerate(items(payload.get("candidates"))):
                self._candidate(fields(candidate), at)
            feedback = _either(payload, "promptFeedback", "prompt_feedback")
            self._draft.finish(_either(fields(feedback), "blockReason", "block_reason"))
            self._draft.usage(_either(payload, "usageMetadata", "usage_metadata"))
        return self._draft.take()

    def _candidate(self, candidate: dict[str, Any], at: int) -> None:
        choice = index(candidate.get("index"), at)
        for part in items(fields(candidate, "content").get("parts")):
            self._part(fields(part), choice)
        self._draft.finish(_either(candidate, "finishReason", "finish_reason"), choice)

    def _part(self, part: dict[str, Any], choice: int) -> None:
        kind: Text = "reasoning" if part.get("thought") is True else "content"
        self._draft.say(kind, part.get("text"), (), choice)
        call = _either(part, "functionCall", "function_call")
        if isinstance(call, dict) and isinstance(call.get("name"), str):
            place = (self._calls,)
            self._calls += 1
            self._draft.call(place, call.get("id"), call["name"], choice)
            self._draft.arguments(place, as_text(call.get("args") or {}), choice)
