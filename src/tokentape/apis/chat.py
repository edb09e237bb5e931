"""Chat completions, and the legacy completions: what `tokentape.chat` assembles, as a view."""

from typing import Any

from tokentape.apis.base import Choice, Said, ToolCall, as_text, choices_said, fields, items
from tokentape.chat.assemble import Assembler
from tokentape.chat.pieces import REASONING_FIELDS, Piece, StreamPieces, usage_of

API = "chat.completions"


def speaks(payload: dict[str, Any]) -> bool:
    """Whether this payload is of this API."""
    kind = payload.get("object")
    if isinstance(kind, str) and kind:
        return kind.startswith("chat.completion") or kind == "text_completion"
    return isinstance(payload.get("choices"), list)


class Fold:
    """Adds up the chunks of a completion, or takes one that is whole."""

    def __init__(self) -> None:
        self._assembler = Assembler()
        self._pieces = StreamPieces()
        self._error: Any | None = None

    def said(self) -> Said:
        return said_of(self._assembler.completion(), error=self._error)

    def feed(self, type: str, payload: Any) -> list[Piece]:
        self._assembler.feed(payload)
        found = self._pieces.of(payload)
        if self._error is None:
            self._error = next((piece.value for piece in found if piece.kind == "error"), None)
        return found


def said_of(completion: dict[str, Any], *, error: Any | None = None) -> Said:
    """The view of a completion, as it is assembled or as a provider gives it whole."""
    choices = (
        _choice(choice, at)
        for at, choice in enumerate(items(completion.get("choices")))
        if isinstance(choice, dict)
    )
    return choices_said(
        API, choices, usage_of(completion), error or completion.get("error") or None
    )


def _choice(choice: dict[str, Any], at: int) -> Choice:
    message = fields(choice, "message")
    text, thought = _content(message.get("content"))
    legacy, refusal, finish = (
        choice.get("text"),
        message.get("refusal"),
        choice.get("finish_reason"),
    )
    index = choice.get("index")
    return Choice(
        index=index if type(index) is int else at,
        text=text or (legacy if isinstance(legacy, str) else ""),
        reasoning=_reasoning(message) or thought,
        refusal=refusal if isinstance(refusal, str) else "",
        tool_calls=tuple(_calls(message)),
        finish_reason=finish if isinstance(finish, str) and finish else None,
    )


def _content(content: Any) -> tuple[str, str]:
    """Text and thinking of a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return content, ""
    texts: list[str] = []
    thoughts: list[str] = []
    for part in items(content):
        text, thinking = fields(part).get("text"), fields(part).get("thinking")
        if isinstance(text, str):
            texts.append(text)
        if isinstance(thinking, str):
            thoughts.append(thinking)
        for thought in items(thinking):
            inner = fields(thought).get("text")
            if isinstance(inner, str):
                thoughts.append(inner)
    return "".join(texts), "".join(thoughts)


def _reasoning(message: dict[str, Any]) -> str:
    """The first field that holds reasoning: the same text often stands in several."""
    for field in REASONING_FIELDS:
        if isinstance(message.get(field), str) and message[field]:
            return str(message[field])
    details = [fields(detail) for detail in items(message.get("reasoning_details"))]
    texts = [detail.get(field) for detail in details for field in ("text", "summary")]
    return "".join(text for text in texts if isinstance(text, str))


def _calls(message: dict[str, Any]) -> list[ToolCall]:
    found = []
    for call in items(message.get("tool_calls")):
        call = fields(call)
        function = fields(call, "function") or fields(call, "custom")
        arguments = function.get("arguments", function.get("input"))
        found.append(_call(call.get("id"), function, arguments))
    if isinstance(message.get("function_call"), dict):
        function = message["function_call"]
        found.append(_call(None, function, function.get("arguments")))
    return found


def _call(id: Any, function: dict[str, Any], arguments: Any) -> ToolCall:
    name = function.get("name")
    return ToolCall(
        id if isinstance(id, str) and id else None,
        name if isinstance(name, str) else "",
        as_text(arguments),
    )
