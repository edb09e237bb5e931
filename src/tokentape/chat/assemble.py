"""Chunks to the completion they add up to: a pure fold over decoded JSON.

docs/assembly.md has the rules in a table. They are those of the streaming contract in OpenAI's
API description; where real providers depart from it, they are the reading that loses nothing.
"""

from collections.abc import Iterable
from typing import Any

from tokentape.chat.alike import Alike
from tokentape.chat.gathering import (
    DROPPED,
    FIRST,
    Appended,
    Calls,
    Details,
    Fields,
    Lists,
    Object,
    Rule,
    Text,
    content,
    index_of,
    merged,
)

_DELTA: dict[str, Rule] = {
    "role": FIRST,
    "content": content,
    "refusal": Text,
    "reasoning": Text,
    "reasoning_content": Text,
    "reasoning_details": Details,
    "tool_calls": Calls,
    "function_call": lambda: Fields({"name": Text, "arguments": Text}),
    "annotations": Appended,
    "images": Appended,
    "audio": lambda: Fields({"data": Text, "transcript": Text}),
    "obfuscation": DROPPED,
}
_CHOICE: dict[str, Rule] = {
    "index": DROPPED,
    "delta": lambda: Fields(_DELTA),
    "finish_reason": FIRST,
    "logprobs": Lists,
    "text": Text,
    "token_ids": Appended,
    # Azure sends it empty at both ends, and in parts between them.
    "content_filter_results": merged,
    "obfuscation": DROPPED,
}


class _Choices:
    """The choices by their index; where there is none, the contract's only choice, 0, is meant."""

    takes = list

    def __init__(self) -> None:
        self.gathered: dict[int, Fields] = {}

    def feed(self, given: list[Any], /) -> None:
        for choice in given:
            if isinstance(choice, dict):
                index = choice.get("index")
                if type(index) is not int:
                    index = index_of(index) or 0
                found = self.gathered.get(index)
                if found is None:
                    found = self.gathered[index] = Fields(_CHOICE)
                found.feed(choice)

    def value(self) -> list[Object]:
        return [_choice(index, self.gathered[index].value()) for index in sorted(self.gathered)]


_TOP: dict[str, Rule] = {
    "id": FIRST,
    "object": FIRST,
    "created": FIRST,
    "model": FIRST,
    "choices": _Choices,
    "x_groq": merged,
    "obfuscation": DROPPED,
}


def _choice(index: int, fields: Object) -> Object:
    delta = fields.pop("delta", None)
    message = fields.pop("message", None)
    finish = fields.pop("finish_reason", None)
    found: Object = {"index": index}
    if isinstance(delta, dict) or (message is None and "text" not in fields):
        found["message"] = _message(delta if isinstance(delta, dict) else {})
    elif message is not None:
        found["message"] = message
    return found | fields | {"finish_reason": finish}


# A message that has one of these may say nothing of its content (Groq).
_INSTEAD = frozenset({"tool_calls", "function_call", "audio"})


def _message(delta: Object) -> Object:
    found: Object = {"role": delta.pop("role", None) or "assistant"}
    if _INSTEAD.isdisjoint(delta):
        found["content"] = None
    return found | delta


_TELLING = frozenset({"choices", "error", "usage"})


def is_chunk(payload: Any) -> bool:
    """Whether a JSON value is a chunk of a completion, or of what a provider sends in its place.

    An object is one if it has `choices`, `usage` or `error`, or if its `object` begins with
    `chat.completion`.
    """
    if not isinstance(payload, dict):
        return False
    if not _TELLING.isdisjoint(payload):
        return True
    kind = payload.get("object")
    return isinstance(kind, str) and kind.startswith("chat.completion")


class Assembler:
    """Feed chunks as they come; `completion()` is what they add up to so far.

    A chunk is never changed. Values that are taken whole (usage, unknown fields) are those of the
    chunk, not copies of them.
    """

    def __init__(self) -> None:
        self._top = Fields(_TOP)
        self._alike = Alike()

    @property
    def begun(self) -> bool:
        """Whether any chunk came."""
        return not self._top.empty

    def feed(self, chunk: Any) -> None:
        """Take in one decoded payload, any JSON value; what is no chunk changes nothing."""
        self.feed_all((chunk,))

    def feed_all(self, chunks: Iterable[Any]) -> None:
        """Take in many."""
        take = self._alike.take
        for chunk in chunks:
            if not take(chunk) and is_chunk(chunk):
                self._top.feed(chunk)
                self._alike.learn(chunk, self._slots)

    def _slots(self, index: int) -> dict[str, Any] | None:
        """The slots of a choice's delta."""
        found: Any = self._top
        for name in ("choices", index, "delta"):
            found = found.gathered.get(name) if found is not None else None
        return None if found is None else found.slots

    def completion(self) -> Object:
        """The completion so far: `object` is `chat.completion`, choices are sorted by index.

        Chunks of the legacy completions API give a `text_completion`.
        """
        fields = self._top.value()
        if fields.get("object") != "text_completion":
            fields["object"] = "chat.completion"
        if not isinstance(fields.get("choices"), list):
            fields["choices"] = []
        return fields


def assemble(chunks: Iterable[Any]) -> Object:
    """The completion that these chunks add up to; see `Assembler`."""
    assembler = Assembler()
    assembler.feed_all(chunks)
    return assembler.completion()
