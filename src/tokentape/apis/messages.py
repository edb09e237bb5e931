"""Anthropic's Messages API: a message of content blocks, each started, added to and stopped.

Source: https://platform.claude.com/docs/en/build-with-claude/streaming.
"""

from typing import Any

from tokentape.apis.base import Draft, Said, fields, index, items
from tokentape.chat.pieces import Piece

API = "messages"

_EVENTS = ("message_start", "content_block_start", "content_block_delta", "message_delta")


def speaks(payload: dict[str, Any]) -> bool:
    """Whether this payload is of this API."""
    if payload.get("type") == "message":
        return isinstance(payload.get("content"), list)
    return payload.get("type") in _EVENTS


class Fold:
    """Adds up the events of a message, or takes a message that is whole."""

    def __init__(self) -> None:
        self._draft = Draft(API)
        self._usage: dict[str, Any] = {}
        self._inputs: dict[int, Any] = {}  # of tool calls, as their block began
        self._not_calls: set[int] = set()  # blocks of another type, by index

    def said(self) -> Said:
        return self._draft.said()

    def feed(self, type: str, payload: Any) -> list[Piece]:
        if isinstance(payload, dict):
            named = payload.get("type")
            self._event(named if isinstance(named, str) else type, payload)
        return self._draft.take()

    def _event(self, type: str, payload: dict[str, Any]) -> None:
        at = index(payload.get("index"))
        if type == "message_start":
            self._message(fields(payload, "message"))
        elif type == "content_block_start":
            self._block(fields(payload, "content_block"), at)
        elif type == "content_block_delta":
            self._delta(fields(payload, "delta"), at)
        elif type == "content_block_stop":
            self._stop(at)
        elif type == "message_delta":
            self._draft.finish(fields(payload, "delta").get("stop_reason"))
            self._use(payload.get("usage"))
        elif type == "message":
            self._message(payload)
        else:
            self._draft.error(payload.get("error"))

    def _message(self, message: dict[str, Any]) -> None:
        for at, block in enumerate(items(message.get("content"))):
            self._block(fields(block), at)
            self._stop(at)
        self._draft.finish(message.get("stop_reason"))
        self._use(message.get("usage"))

    def _use(self, usage: Any) -> None:
        # Counts are cumulative, and a later event may leave out what an earlier one told.
        if isinstance(usage, dict):
            for key, value in usage.items():
                if value is not None:
                    self._usage[key] = value
                else:
                    self._usage.setdefault(key)
            self._draft.usage(self._usage)

    def _block(self, block: dict[str, Any], at: int) -> None:
        type_ = block.get("type")
        if type_ == "tool_use":
            self._draft.call((at,), block.get("id"), block.get("name"))
            self._inputs[at] = block.get("input")
            return
        self._not_calls.add(at)
        if type_ == "text":
            self._draft.say("content", block.get("text"), (at,))
        elif type_ == "thinking":
            self._draft.say("reasoning", block.get("thinking"), (at,))

    def _delta(self, delta: dict[str, Any], at: int) -> None:
        type_ = delta.get("type")
        if type_ == "text_delta":
            self._draft.say("content", delta.get("text"), (at,))
        elif type_ == "thinking_delta":
            self._draft.say("reasoning", delta.get("thinking"), (at,))
        elif type_ == "input_json_delta" and at not in self._not_calls:
            # A call's own input, in its first event, is a placeholder once fragments come.
            if delta.get("partial_json"):
                self._inputs.pop(at, None)
            self._draft.arguments((at,), delta.get("partial_json"))

    def _stop(self, at: int) -> None:
        if at in self._inputs:
            self._draft.whole_arguments((at,), self._inputs.pop(at))
