"""What comes in pieces across chunks, gathered: fields, text, parts, tool calls, lists.

A gatherer takes what came under its field, any number of times, and gives its value at any point.
It never changes what it was given; values that it only passes on are not copied.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

Object = dict[str, Any]
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Gatherer(Protocol):
    """Takes the values of one field as they come; `value` is what they add up to so far.

    Only values of the type `takes` are given to it.
    """

    @property
    def takes(self) -> type | tuple[type, ...]: ...

    def feed(self, given: Any, /) -> None: ...

    def value(self) -> Any: ...


FIRST = "first"  # the first value that is not empty ("", 0, {}, [])
DROPPED = "dropped"
# What becomes of a field; one that no rule names keeps its last value that is not null.
Rule = str | Callable[[], Gatherer]


def index_of(value: Any) -> int | None:
    """An index as an int, any sign and size, or None; 1 and 1.0 are one number in JSON."""
    if type(value) is int:
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


class Text:
    """Strings, concatenated."""

    takes: type | tuple[type, ...] = str

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def feed(self, given: Any, /) -> None:
        self.pieces.append(given)

    def value(self) -> Any:
        text = "".join(self.pieces)
        if not text.isascii() and _PAIR.search(text):
            # Pieces were cut inside a character; UTF-16 puts its halves together.
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return text


class Content(Text):
    """Strings, concatenated. Once a list came it is one of parts, and strings are text parts.

    `part` has the rules for the fields of a part, and by its names the types that are joined.
    """

    takes = (str, list)

    def __init__(self, part: Mapping[str, Rule]) -> None:
        super().__init__()
        self._part = part
        self._parts: Parts | None = None

    def feed(self, given: Any, /) -> None:
        if isinstance(given, str):
            self.pieces.append(given)
            return
        if self._parts is None:
            self._parts = Parts(self._part)
        self._flush(self._parts)
        self._parts.feed(given)

    def _flush(self, parts: "Parts") -> None:
        parts.feed([super().value()])
        self.pieces.clear()

    def value(self) -> Any:
        if self._parts is None:
            return super().value()
        self._flush(self._parts)
        return self._parts.value()


# What is to be done with a field that came before, where that is neither a gatherer's nor pieces.
_NEW = object()
_SETTLED = object()
_LAST = object()


class Fields:
    """The fields of an object that comes again and again, each by its rule."""

    takes = dict

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._fields: Object = {}
        self.gathered: dict[str, Gatherer] = {}
        # For each field that came: _SETTLED, _LAST, the pieces of a text, or None for a gatherer.
        self.slots: dict[str, Any] = {}

    def feed(self, given: Object, /) -> None:
        # Called three times for each chunk, so what is common calls as little as can be.
        fields, slots = self._fields, self.slots
        for key, value in given.items():
            if value is None:
                if key not in fields and self._rules.get(key) is not DROPPED:
                    fields[key] = None
                continue
            slot = slots.get(key, _NEW)
            if slot is _SETTLED:
                continue
            if slot is _LAST:
                fields[key] = value
            elif slot is _NEW:
                self._begin(key, value)
            elif type(value) is str and type(slot) is list:
                if value:
                    slot.append(value)
            else:
                gatherer = self.gathered[key]
                if isinstance(value, gatherer.takes):
                    gatherer.feed(value)

    def _begin(self, key: str, value: Any) -> None:
        """Take in a field whose slot is not chosen yet."""
        rule = self._rules.get(key)
        if callable(rule):
            gatherer = rule()
            if isinstance(value, gatherer.takes):
                gatherer.feed(value)
                self.gathered[key] = gatherer
                self.slots[key] = gatherer.pieces if isinstance(gatherer, Text) else None
                value = None
            # What is not of the field's type stays where nothing that is ever comes.
            self._fields[key] = value
        elif rule is None:
            self.slots[key] = _LAST
            self._fields[key] = value
        else:
            if rule is FIRST and (value or self._fields.get(key) is None):
                self._fields[key] = value
            if rule is DROPPED or value:
                self.slots[key] = _SETTLED

    @property
    def empty(self) -> bool:
        return not self._fields

    def value(self) -> Object:
        return self._fields | {key: found.value() for key, found in self.gathered.items()}


def merged() -> Fields:
    """An object of which every field keeps its last value that is not null."""
    return Fields({})


class Appended:
    """A list that goes on every time."""

    takes = list

    def __init__(self) -> None:
        self._items: list[Any] = []

    def feed(self, given: list[Any], /) -> None:
        self._items += given

    def value(self) -> list[Any]:
        return self._items[:]


class Lists:
    """An object whose lists go on, each apart; its other fields keep their last value."""

    takes = dict

    def __init__(self) -> None:
        self._lists: dict[str, list[Any]] = {}
        self._fields: Object = {}

    def feed(self, given: Object, /) -> None:
        for key, value in given.items():
            if isinstance(value, list):
                self._lists.setdefault(key, []).extend(value)
                self._fields.setdefault(key)
            elif value is not None or key not in self._fields:
                self._fields[key] = value

    def value(self) -> Object:
        return self._fields | {key: items[:] for key, items in self._lists.items()}


_FUNCTION: dict[str, Rule] = {"name": FIRST, "arguments": Text, "input": Text}
_CALL: dict[str, Rule] = {
    "index": DROPPED,
    "id": FIRST,
    "type": FIRST,
    "function": lambda: Fields(_FUNCTION),
    "custom": lambda: Fields(_FUNCTION),
}


# Which call of a message a fragment belongs to: the index, and of the calls that share it the
# how-manieth.
CallPlace = tuple[int, int]


def _named(fragment: Object) -> bool:
    """Whether a fragment brings the name of a function or of a custom tool."""
    return any(
        isinstance(tool := fragment.get(kind), dict) and tool.get("name")
        for kind in ("function", "custom")
    )


class CallPlaces:
    """Tells of each fragment of a message's tool calls, in order, which call it belongs to.

    That of its index. Where calls share an index, each begins with an id of its own and a name; a
    fragment belongs to the call of its id, one without to the last spoken of there. A fragment
    without an index belongs to the call of its id; it begins a call where its id is new, and goes
    on with the last one where it has none.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, CallPlace] = {}
        # For each index: the last call spoken of, its id ("" while it has none), and how many
        # calls begun.
        self._under: dict[int, tuple[CallPlace, str, int]] = {}
        self._last: CallPlace = (0, 0)
        self._next = 0

    def of(self, fragment: Object) -> CallPlace:
        index, id = index_of(fragment.get("index")), fragment.get("id")
        if not id and self._under and (index is None or index == self._last[0]):
            return self._last  # most are
        if not isinstance(id, str):
            id = ""
        if index is not None:
            place = self._indexed(index, id, fragment)
        elif id:
            place = self._by_id.get(id) or (self._next, 0)
        else:
            place = self._last
        self._spoken(place, id)
        return place

    def _indexed(self, index: int, id: str, fragment: Object) -> CallPlace:
        place, known, begun = self._under.get(index, ((index, 0), "", 0))
        if not id or not known or id == known:
            return place
        before = self._by_id.get(id)
        if before is not None and before[0] == index:
            return before
        return (index, begun) if _named(fragment) else place

    def _spoken(self, place: CallPlace, id: str) -> None:
        index, number = place
        last, known, begun = self._under.get(index, (place, "", 0))
        if last != place:
            known = ""
        self._under[index] = (place, known or id, max(begun, number + 1))
        self._next = max(self._next, index + 1)
        self._last = place
        if id:
            self._by_id.setdefault(id, place)


class Calls:
    """Tool calls by their places, in the order of these; the index is left out of the result."""

    takes = list

    def __init__(self) -> None:
        self._calls: dict[CallPlace, Fields] = {}
        self._places = CallPlaces()

    def feed(self, given: list[Any], /) -> None:
        for fragment in given:
            if isinstance(fragment, dict):
                place = self._places.of(fragment)
                found = self._calls.get(place)
                if found is None:
                    found = self._calls[place] = Fields(_CALL)
                found.feed(fragment)

    def value(self) -> list[Object]:
        return [call.value() for _, call in sorted(self._calls.items(), key=lambda item: item[0])]


_DETAIL: dict[str, Rule] = {"text": Text, "summary": Text, "data": Text}


class Details:
    """Objects that go on by their index and type: text, summary and data are concatenated."""

    takes = list

    def __init__(self) -> None:
        self._details: dict[tuple[int | None, str | None], Fields] = {}

    def feed(self, given: list[Any], /) -> None:
        for detail in given:
            if isinstance(detail, dict):
                kind = detail.get("type")
                key = (index_of(detail.get("index")), kind if isinstance(kind, str) else None)
                if key not in self._details:
                    self._details[key] = Fields(_DETAIL)
                self._details[key].feed(detail)

    def value(self) -> list[Object]:
        return [detail.value() for detail in self._details.values()]


class Parts:
    """A list of parts: adjacent ones of the same type are joined, where `rules` name the type.

    A string among them is a text part.
    """

    takes = list

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._parts: list[Any] = []
        self._kind: Any = None  # of the last part, where more may join it

    def feed(self, given: list[Any], /) -> None:
        for part in given:
            if isinstance(part, str):
                if not part:
                    continue
                part = {"type": "text", "text": part}
            kind = part.get("type") if isinstance(part, dict) else None
            if not isinstance(kind, str) or kind not in self._rules:
                self._parts.append(part)
                self._kind = None
                continue
            if kind != self._kind:
                self._parts.append(Fields(self._rules))
                self._kind = kind
            self._parts[-1].feed(part)

    def value(self) -> list[Any]:
        return [part.value() if isinstance(part, Fields) else part for part in self._parts]


# A thought is text or a list of text parts, and no deeper: what is in it is not told apart.
_THOUGHT: dict[str, Rule] = {"text": Text}
_PART: dict[str, Rule] = {"text": Text, "thinking": lambda: Content(_THOUGHT)}


def content() -> Content:
    """A message's content: text, or parts of text and of thinking."""
    return Content(_PART)
