"""OpenAI's Responses API: typed events, each naming the output item and the part it adds to.

What an event of the kind `done` holds beyond the deltas before it is added to them, so that a
stream that was joined late is whole.

Source: https://platform.openai.com/docs/api-reference/responses-streaming.
"""

from typing import Any

from tokentape.apis.base import Draft, Said, Text, fields, index, items
from tokentape.chat.pieces import Piece

API = "responses"

# Event -> the kind of text it adds to, the field that says which part, the rank of that part
# within its output item: a reasoning item may hold summaries and texts.
_TEXTS: dict[str, tuple[Text, str, int]] = {
    "response.output_text": ("content", "content_index", 0),
    "response.refusal": ("refusal", "content_index", 0),
    "response.reasoning_summary_text": ("reasoning", "summary_index", 0),
    "response.reasoning_text": ("reasoning", "content_index", 1),
}
_ARGUMENTS = ("response.function_call_arguments", "response.custom_tool_call_input")
# Where each kind of tool call has its arguments.
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
_OVER = ("completed", "failed", "cancelled", "incomplete")


def speaks(payload: dict[str, Any]) -> bool:
    """Whether this payload is of this API."""
    type_ = payload.get("type")
    if isinstance(type_, str) and type_.startswith("response."):
        return True
    return payload.get("object") == "response"


class Fold:
    """Adds up the events of a response, or takes a response that is whole."""

    def __init__(self) -> None:
        self._draft = Draft(API)
        self._outputs: dict[str, int] = {}  # the output index of each item, by its id

    def said(self) -> Said:
        return self._draft.said()

    def feed(self, type: str, payload: Any) -> list[Piece]:
        if isinstance(payload, dict):
            named = payload.get("type")
            self._event(named if isinstance(named, str) else type, payload)
        return self._draft.take()

    def _event(self, type: str, payload: dict[str, Any]) -> None:
        name, _, step = type.rpartition(".")
        output = index(payload.get("output_index"))
        if name in _TEXTS:
            kind, part, rank = _TEXTS[name]
            place = (output, rank, index(payload.get(part)))
            if step == "delta":
                self._draft.say(kind, payload.get("delta"), place)
            elif step == "done":
                self._draft.whole(kind, payload.get("refusal", payload.get("text")), place)
        elif name in _ARGUMENTS:
            if step == "delta":
                self._draft.arguments((output,), payload.get("delta"))
            elif step == "done":
                whole = payload.get("arguments", payload.get("input"))
                self._draft.whole_arguments((output,), whole)
        elif name == "response.output_item":
            id = fields(payload, "item").get("id")
            if isinstance(id, str):
                self._outputs[id] = output
            self._item(payload.get("item"), output, whole=step == "done")
        elif isinstance(payload.get("response"), dict):
            self._response(payload["response"])
        elif payload.get("object") == "response":
            self._response(payload)
        elif type == "error":
            self._draft.error(payload.get("error") or payload)
        else:
            self._draft.error(payload.get("error"))

    def _response(self, response: dict[str, Any]) -> None:
        for at, item in enumerate(items(response.get("output"))):
            id = fields(item).get("id")
            # Some servers leave items out of the whole response, so the place may be another.
            output = self._outputs.get(id, at) if isinstance(id, str) else at
            self._item(item, output, whole=True)
        self._draft.error(response.get("error"))
        if response.get("status") in _OVER:
            reason = fields(response, "incomplete_details").get("reason")
            self._draft.finish(reason or response["status"])
        self._draft.usage(response.get("usage"))

    def _item(self, item: Any, output: int, whole: bool) -> None:
        if not isinstance(item, dict):
            return
        type_ = item.get("type")
        if isinstance(type_, str) and type_ in _CALLS:
            self._draft.call((output,), item.get("call_id") or item.get("id"), item.get("name"))
            if whole:
                self._draft.whole_arguments((output,), item.get(_CALLS[type_]))
        elif whole and type_ == "message":
            for place, part in enumerate(items(item.get("content"))):
                self._draft.whole("content", fields(part).get("text"), (output, 0, place))
                self._draft.whole("refusal", fields(part).get("refusal"), (output, 0, place))
        elif whole and type_ == "reasoning":
            for rank, field in enumerate(("summary", "content")):
                for place, part in enumerate(items(item.get(field))):
                    text = fields(part).get("text")
                    self._draft.whole("reasoning", text, (output, rank, place))
