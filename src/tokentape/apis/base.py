"""What an answer says, in one shape for every API, and how the events of a stream add up to it."""

from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol

import msgspec

from tokentape.chat.pieces import Kind, Piece
from tokentape.texts import json_bytes

# Where in an answer a text or a tool call stands: indexes, outermost first.
Place = tuple[int, ...]
Text = Literal["content", "reasoning", "refusal"]


class ToolCall(msgspec.Struct, frozen=True):
    """A call that the caller is asked to make. `arguments` is text, most often JSON.

    What a provider runs itself (a web search, its own tools) is no tool call here.
    """

    id: str | None
    name: str
    arguments: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What one of several choices (candidates) says."""

    index: int = 0
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer says; of a stream that was cut, what came.

    Where an answer has several parts of a kind, their texts stand one behind the other with
    nothing between. `finish_reason` and `usage` are in the words of the API. `error` is the JSON
    value the provider gave, or text where it gave no JSON. Where there are several choices the
    fields are those of the first, and `choices` holds the others, in order.
    """

    api: str
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    error: Any | None = None
    choices: tuple[Choice, ...] = ()


class Fold(Protocol):
    """Adds up the events of one answer. A whole JSON answer is one event without a type.

    Takes any type and any JSON value: what is not as its API documents it changes nothing.
    """

    def feed(self, type: str, payload: Any) -> list[Piece]:
        """Add one event; the pieces it brought, to be shown as they come."""

    def said(self) -> Said:
        """What the events so far add up to."""


class Speaks(Protocol):
    """What each module of an API gives."""

    API: str

    def speaks(self, payload: dict[str, Any], /) -> bool:
        """Whether this payload is of this API."""

    @property
    def Fold(self) -> Callable[[], Fold]:
        """Makes a fold for one answer."""


def index(value: Any, otherwise: int = 0) -> int:
    """An index as JSON gives it; `otherwise` where it is none."""
    return value if type(value) is int and value >= 0 else otherwise


def fields(value: Any, *path: str) -> dict[str, Any]:
    """The object at this path of keys, {} where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else []."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Text as it is; another JSON value as JSON; "" for null."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json_bytes(value).decode()
    except RecursionError:
        return ""


def choices_said(
    api: str, choices: Iterable[Choice], usage: dict[str, Any] | None, error: Any
) -> Said:
    """The view of these choices, sorted by index."""
    ordered = [_mended(each) for each in sorted(choices, key=lambda each: each.index)] or [Choice()]
    first = msgspec.structs.asdict(ordered[0])
    del first["index"]
    return Said(api=api, usage=usage, error=error, choices=tuple(ordered[1:]), **first)


def _mended(choice: Choice) -> Choice:
    return msgspec.structs.replace(
        choice,
        text=_paired(choice.text),
        reasoning=_paired(choice.reasoning),
        refusal=_paired(choice.refusal),
        tool_calls=tuple(
            ToolCall(call.id and _paired(call.id), _paired(call.name), _paired(call.arguments))
            for call in choice.tool_calls
        ),
    )


def _paired(text: str) -> str:
    """The text with the halves of a character, which two events may bring, as that character.

    A half that stays alone is no character, and becomes U+FFFD.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


class _Texts:
    """Texts by their place, each growing at its end."""

    def __init__(self) -> None:
        self._parts: dict[Place, list[str]] = {}
        self._whole: set[Place] = set()

    def add(self, place: Place, value: str) -> None:
        self._parts.setdefault(place, []).append(value)

    def missing(self, place: Place, value: str) -> str:
        """What of the whole text of a place has not come; "" where it says something else."""
        # Told several times over in some streams; only once is it compared.
        if place in self._whole:
            return ""
        self._whole.add(place)
        came = self.at(place)
        return value[len(came) :] if value.startswith(came) else ""

    def at(self, place: Place) -> str:
        return "".join(self._parts.get(place, ()))

    def joined(self) -> str:
        return "".join(part for place in sorted(self._parts) for part in self._parts[place])


class _Drafted:
    """One choice as it grows."""

    def __init__(self) -> None:
        self.texts: dict[Text, _Texts] = {
            "content": _Texts(),
            "reasoning": _Texts(),
            "refusal": _Texts(),
        }
        self.calls: dict[Place, list[str | None]] = {}  # id and name, in order of coming
        self.numbers: dict[Place, int] = {}
        self.arguments = _Texts()
        self.finish: str | None = None

    def choice(self, index: int) -> Choice:
        return Choice(
            index=index,
            text=self.texts["content"].joined(),
            reasoning=self.texts["reasoning"].joined(),
            refusal=self.texts["refusal"].joined(),
            tool_calls=tuple(
                ToolCall(self.calls[place][0], self.calls[place][1] or "", self.arguments.at(place))
                for place in sorted(self.calls)
            ),
            finish_reason=self.finish,
        )


class Draft:
    """A view as it grows, for the folds. Values of a wrong type change nothing."""

    def __init__(self, api: str) -> None:
        self._api = api
        self._choices: dict[int, _Drafted] = {}
        self._usage: dict[str, Any] | None = None
        self._error: Any | None = None
        self._pieces: list[Piece] = []

    def _piece(self, kind: Kind, value: Any, choice: int = 0, tool: int = 0) -> None:
        self._pieces.append(Piece(kind, value, choice, tool))

    def _choice(self, index: int) -> _Drafted:
        return self._choices.setdefault(index, _Drafted())

    def say(self, kind: Text, value: Any, place: Place = (), choice: int = 0) -> None:
        """Add text at this place."""
        if isinstance(value, str) and value:
            self._choice(choice).texts[kind].add(place, value)
            self._piece(kind, value, choice)

    def whole(self, kind: Text, value: Any, place: Place = ()) -> None:
        """The whole text of this place: add what of it has not come."""
        if isinstance(value, str):
            self.say(kind, self._choice(0).texts[kind].missing(place, value), place)

    def call(self, place: Place, id: Any, name: Any, choice: int = 0) -> None:
        """A tool call at this place; of its ids and names the first are kept."""
        drafted = self._choice(choice)
        drafted.numbers.setdefault(place, len(drafted.numbers))
        known = drafted.calls.setdefault(place, [None, None])
        if isinstance(id, str) and id and known[0] is None:
            known[0] = id
        if isinstance(name, str) and name and known[1] is None:
            known[1] = name
            self._piece("tool_name", name, choice, drafted.numbers[place])

    def arguments(self, place: Place, value: Any, choice: int = 0) -> None:
        """Add to the arguments of the tool call at this place."""
        if isinstance(value, str) and value:
            self.call(place, None, None, choice)
            drafted = self._choice(choice)
            drafted.arguments.add(place, value)
            self._piece("tool_arguments", value, choice, drafted.numbers[place])

    def whole_arguments(self, place: Place, value: Any) -> None:
        """The whole arguments of the tool call at this place: add what of them has not come."""
        self.arguments(place, self._choice(0).arguments.missing(place, as_text(value)))

    def finish(self, value: Any, choice: int = 0) -> None:
        """The finish reason; the last one counts."""
        drafted = self._choice(choice)
        if isinstance(value, str) and value and value != drafted.finish:
            drafted.finish = value
            self._piece("finish", value, choice)

    def usage(self, value: Any) -> None:
        """The usage so far; the last one counts."""
        if isinstance(value, dict) and value:
            self._usage = value
            self._piece("usage", value)

    def error(self, value: Any) -> None:
        """An error; the first one counts."""
        if value and self._error is None:
            self._error = value
            self._piece("error", value)

    def take(self) -> list[Piece]:
        """The pieces added since they were last taken."""
        taken, self._pieces = self._pieces, []
        return taken

    def said(self) -> Said:
        choices = (drafted.choice(index) for index, drafted in self._choices.items())
        usage = None if self._usage is None else {**self._usage}
        return choices_said(self._api, choices, usage, self._error)
