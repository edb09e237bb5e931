"""Amazon Bedrock: Converse, which is the same for all models, and InvokeModel, which is not.

InvokeModel passes on what the model's own API says, in a stream as base64 in events of the type
`chunk`; `inner` undoes that.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and
API_runtime_InvokeModelWithResponseStream.html.
"""

import base64
import binascii
from typing import Any

import msgspec

from tokentape.apis import base, chat, messages
from tokentape.apis.base import Draft, Said, as_text, fields, index, items
from tokentape.chat.pieces import Piece

API = "bedrock"

_EVENTS = (
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
)


def speaks(payload: dict[str, Any]) -> bool:
    """Whether this payload is of this API: an answer of Converse that is whole."""
    return "content" in fields(payload, "output", "message")


def inner(payload: Any) -> bytes | None:
    """The model's own bytes in the payload of an event of the type `chunk`, None without any."""
    text = fields(payload).get("bytes")
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None


class Fold:
    """Adds up what Bedrock says, or passes it to the fold of the API the model speaks."""

    def __init__(self) -> None:
        self._draft = Draft(API)
        self._inner: base.Fold | None = None
        self._not_calls: set[base.Place] = set()  # blocks whose tool the provider runs itself

    def said(self) -> Said:
        own = self._draft.said()
        if self._inner is None:
            return own
        said = self._inner.said()
        return msgspec.structs.replace(said, api=API, error=own.error or said.error)

    def feed(self, type: str, payload: Any) -> list[Piece]:
        if not isinstance(payload, dict):
            return []
        if type == "error" or type.endswith("Exception"):
            self._draft.error({"type": type, **payload})
        elif self._inner is not None:
            return self._inner.feed("", payload)
        elif messages.speaks(payload) or chat.speaks(payload):
            self._inner = messages.Fold() if messages.speaks(payload) else chat.Fold()
            return self._inner.feed("", payload)
        elif type in _EVENTS:
            self._event(type, payload)
        elif isinstance(payload.get("output"), dict):
            self._whole(payload)
        else:
            # Amazon's own models give the events of Converse to InvokeModel too, by their names.
            for name in _EVENTS:
                if name in payload:
                    self._event(name, fields(payload, name))
        return self._draft.take()

    def _event(self, type: str, payload: dict[str, Any]) -> None:
        place = (index(payload.get("contentBlockIndex")),)
        if type == "contentBlockStart":
            self._call(fields(payload, "start", "toolUse"), place)
        elif type == "contentBlockDelta":
            delta = fields(payload, "delta")
            self._draft.say("content", delta.get("text"), place)
            self._draft.say("reasoning", fields(delta, "reasoningContent").get("text"), place)
            if place not in self._not_calls:
                self._draft.arguments(place, fields(delta, "toolUse").get("input"))
        elif type == "messageStop":
            self._draft.finish(payload.get("stopReason"))
        elif type == "metadata":
            self._draft.usage(payload.get("usage"))

    def _whole(self, answer: dict[str, Any]) -> None:
        for at, block in enumerate(items(fields(answer, "output", "message").get("content"))):
            block = fields(block)
            self._draft.say("content", block.get("text"), (at,))
            thought = fields(block, "reasoningContent", "reasoningText")
            self._draft.say("reasoning", thought.get("text"), (at,))
            for part in items(fields(block, "citationsContent").get("content")):
                self._draft.say("content", fields(part).get("text"), (at,))
            call = fields(block, "toolUse")
            if self._call(call, (at,)):
                self._draft.arguments((at,), as_text(call.get("input")))
        self._draft.finish(answer.get("stopReason"))
        self._draft.usage(answer.get("usage"))

    def _call(self, call: dict[str, Any], place: base.Place) -> bool:
        if call.get("type") == "server_tool_use":
            self._not_calls.add(place)
        elif call:
            self._draft.call(place, call.get("toolUseId"), call.get("name"))
            return True
        return False
