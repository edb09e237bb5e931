"""The way round for chunks that are like one before them but for a piece of text: most are."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from tokentape.chat.gathering import Object

# What a chunk and a choice may have that says nothing of the others.
_FREE = frozenset({"choices", "obfuscation"})
_OWN = frozenset({"index", "delta"})
_SAME = frozenset({"choices", "created"})

_Get = Callable[[Any], Any]
# How to get a chunk's other fields, what they are, how many there are with `choices`; the same of
# a choice, all null; and the slots.
_Learned = tuple[_Get, Any, int, _Get, Any, int, dict[int, dict[str, Any]]]
# What no chunk is like, since `bool` gives no None.
_NOTHING: _Learned = (bool, None, 0, bool, None, 0, {})


class Alike:
    """Takes a chunk whose other fields are those of a chunk learned before, and adds its text.

    Such a chunk has texts and nulls beside its one choice, nulls beside the delta of that, and in
    the delta nothing but a string. To take in the rest of it would change nothing, since it was
    taken in before and nothing else came between: whoever feeds another chunk must `learn` it.
    """

    def __init__(self) -> None:
        self._shape: Any = None
        self._learned = _NOTHING
        # For each choice that was learned: the pieces of its fields, or what else is done there.
        self._slots: dict[int, dict[str, Any]] = {}

    def take(self, chunk: Any) -> bool:
        """Add the text of a chunk that is like the one learned; False for any other value."""
        rest, known, count, beside, nulls, width, slots = self._learned
        try:
            if rest(chunk) != known or len(chunk) - ("obfuscation" in chunk) != count:
                return False
            (choice,) = chunk["choices"]
            if beside(choice) != nulls or len(choice) != width:
                return False
            ((key, text),) = choice["delta"].items()
            index = choice["index"]
            if type(text) is not str or type(index) is not int:
                return False
            slots[index][key].append(text)
        except (LookupError, TypeError, ValueError, AttributeError):
            return False
        return True

    def learn(self, chunk: Object, slots: Callable[[int], dict[str, Any] | None]) -> None:
        """Remember a chunk that was just taken in; `slots` finds those of a choice's delta."""
        shape, index = _shape(chunk)
        found = None if shape is None else slots(index)
        if shape is None or found is None:
            self._shape, self._learned = None, _NOTHING
            return
        if shape != self._shape:
            self._shape = shape
            names, known, others = shape
            rest, beside = itemgetter(*names), itemgetter(*others)
            nulls = beside(chunk["choices"][0])
            self._slots = {}
            if len(names) == 1:
                (known,) = known
            self._learned = (
                rest, known, len(names) + 1, beside, nulls, len(others) + 2, self._slots
            )  # fmt: skip
        self._slots[index] = found


def _shape(chunk: Object) -> tuple[Any, int]:
    """What another chunk must have in common with this one, and its choice; None if nothing may."""
    nothing = (None, 0)
    choices = chunk.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return nothing
    choice: Object = choices[0]
    delta, index = choice.get("delta"), choice.get("index")
    if type(index) is not int or not isinstance(delta, dict) or len(delta) != 1:
        return nothing
    if type(next(iter(delta.values()))) is not str:
        return nothing
    for name, value in choice.items():
        if value is not None and name not in _OWN:
            return nothing
    for name, value in chunk.items():
        # Only texts and nulls: True == 1 == 1.0, and they are not the same. Of `created` the first
        # counts anyway.
        if value is not None and type(value) is not str and name not in _SAME:
            return nothing
    rest = {name: value for name, value in chunk.items() if name not in _FREE}
    others = tuple(name for name in choice if name not in _OWN)
    return ((tuple(rest), tuple(rest.values()), others), index) if rest and others else nothing
