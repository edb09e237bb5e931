"""One chunk's payload to the pieces a person sees: text, reasoning, tool calls, finish, usage."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from tokentape.chat.gathering import CallPlace, CallPlaces, index_of

Kind = Literal[
    "content", "reasoning", "refusal", "tool_name", "tool_arguments", "finish", "usage", "error"
]
# Where providers put reasoning, beside `content` in a delta. The same text often stands in two of
# them at once, so the first that holds one is taken, and `reasoning_details` where none does.
REASONING_FIELDS = ("reasoning_content", "reasoning")


class Piece(msgspec.Struct, frozen=True):
    """`choice` and `tool` are indexes; where the chunk gives none, 0 and the place in its list.

    `value` is text; for `usage` and `error`, and arguments that are no text, the JSON value as it
    came.
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
        if (value := function.get(field)) is not None and value != "":
            yield Piece("tool_arguments", value, choice, tool)


def _call(call: dict[str, Any], choice: int, tool: int) -> Iterator[Piece]:
    yield from _called(call.get("function"), choice, tool)
    yield from _called(call.get("custom"), choice, tool)


def _calls(delta: dict[str, Any], choice: int) -> Iterator[Piece]:
    """The calls of one delta or message, each for itself."""
    calls = delta.get("tool_calls")
    calls = calls if isinstance(calls, list) else []
    for position, call in enumerate(calls):
        if isinstance(call, dict):
            # A message's calls carry no index, nor do those of some providers' deltas.
            yield from _call(call, choice, _index(call.get("index"), position))
    yield from _called(delta.get("function_call"), choice, len(calls))


_Calls = Callable[[dict[str, Any], int], Iterator[Piece]]


def _delta(delta: dict[str, Any], choice: int, calls: _Calls) -> Iterator[Piece]:
    for text in _reasoning(delta):
        yield Piece("reasoning", text, choice)
    for kind, text in _texts(delta.get("content")):
        yield Piece(kind, text, choice)
    if isinstance(delta.get("refusal"), str) and delta["refusal"]:
        yield Piece("refusal", delta["refusal"], choice)
    if "tool_calls" in delta or "function_call" in delta:
        yield from calls(delta, choice)


def usage_of(payload: dict[str, Any]) -> dict[str, Any] | None:
    """The usage in a chunk or a completion: `usage`, else `x_groq.usage`, where some streams of
    Groq have it alone.
    """
    beside = payload.get("x_groq")
    for usage in (payload.get("usage"), beside.get("usage") if isinstance(beside, dict) else None):
        if isinstance(usage, dict):
            return usage
    return None


def _pieces(payload: Any, calls: _Calls) -> Iterator[Piece]:
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
            yield from _delta(choice["delta"], index, calls)
        elif isinstance(choice.get("message"), dict):
            yield from _delta(choice["message"], index, _calls)
        elif isinstance(choice.get("text"), str) and choice["text"]:
            yield Piece("content", choice["text"], index)
        if isinstance(choice.get("finish_reason"), str) and choice["finish_reason"]:
            yield Piece("finish", choice["finish_reason"], index)
    usage = usage_of(payload)
    if usage is not None:
        yield Piece("usage", usage)


def pieces(payload: Any) -> Iterator[Piece]:
    """The pieces of one chunk, or of one whole completion (`message` in place of `delta`).

    Takes any JSON value; what is not where the contract puts it gives no piece.
    """
    return _pieces(payload, _calls)


class StreamPieces:
    """The pieces of one chunk after another.

    `tool` is the number of the call in its choice, in order of coming: which one a fragment belongs
    to is told as assembling has it, so a name comes once, and arguments that are no text once.
    """

    def __init__(self) -> None:
        self._told: dict[int, _Told] = {}

    def of(self, payload: Any) -> list[Piece]:
        """The pieces of the next chunk, any JSON value."""
        return list(_pieces(payload, self._calls))

    def _calls(self, delta: dict[str, Any], choice: int) -> Iterator[Piece]:
        found = self._told.get(choice)
        if found is None:
            found = self._told[choice] = _Told()
        return found.calls(delta, choice)


class _Told:
    """What was told of the calls of one choice."""

    def __init__(self) -> None:
        self._places = CallPlaces()
        # None stands for the function call, which has no place among the tool calls.
        self._numbers: dict[CallPlace | None, int] = {}
        self._named: set[int] = set()
        self._argued: set[int] = set()

    def calls(self, delta: dict[str, Any], choice: int) -> Iterator[Piece]:
        for call in _objects(delta.get("tool_calls")):
            number = self._number(self._places.of(call))
            for piece in _call(call, choice, number):
                if piece.kind == "tool_name":
                    fresh = number not in self._named
                    self._named.add(number)
                else:
                    fresh = isinstance(piece.value, str) or number not in self._argued
                    self._argued.add(number)
                if fresh:
                    yield piece
        if isinstance(delta.get("function_call"), dict):
            yield from _called(delta["function_call"], choice, self._number(None))

    def _number(self, place: CallPlace | None) -> int:
        return self._numbers.setdefault(place, len(self._numbers))
