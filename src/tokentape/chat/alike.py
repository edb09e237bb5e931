"""The way round for chunks that are like one before them but for a piece of text: most are."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from tokentape.chat.gathering import Object

# What a chunk and a choice may have that says nothing of the others.
_FREE = frozenset({"choices", "obfuscation"})
_OWN = frozenset({"index", "delta"})


class Alike:
    """Takes a chunk whose other fields are those of a chunk learned before, and adds its text.

    Such a chunk has texts and nulls beside its one choice, nulls beside the delta of that, and in
    the delta nothing but a string. To take in the rest of it would change nothing, since it was
    taken in before and nothing else came between: whoever feeds another chunk must `learn` it.
    """

    def __init__(self) -> None:
        self._shape: Any = None
        self._rest: Callable[[Any], Any] = itemgetter("")
        self._known: Any = None
        self._count = 0
        self._beside: Callable[[Any], Any] = itemgetter("")
        self._nulls: Any = None
        self._width = 0
        # For each choice that was learned: the pieces of its fields, or what else is done there.
        self._slots: dict[int, dict[str, Any]] = {}

    def take(self, chunk: Object) -> bool:
        """Add the text of a chunk that is like the last one learned; False if it is not."""
        try:
            if (
                self._rest(chunk) != self._known
                or len(chunk) - ("obfuscation" in chunk) != self._count
            ):
                return False
            (choice,) = chunk["choices"]
            index = choice["index"]
            if (
                self._beside(choice) != self._nulls
                or len(choice) != self._width
                or type(index) is not int
            ):
                return False
            ((key, text),) = choice["delta"].items()
            if type(text) is not str:
                return False
            self._slots[index][key].append(text)
        except (LookupError, TypeError, ValueError, AttributeError):
            return False
        return True

    def learn(self, chunk: Object, slots: Callable[[int], dict[str, Any] | None]) -> None:
        """Remember a chunk that was just taken in; `slots` finds those of a choice's delta."""
        shape, index = _shape(chunk)
        found = None if shape is None else slots(index)
        if shape is None or found is None:
            if self._shape is not None:
                self.__init__()  # type: ignore[misc]
            return
        if shape != self._shape:
            names, _, others = self._shape = shape
            self._rest, self._beside = itemgetter(*names), itemgetter(*others)
            self._known, self._nulls = self._rest(chunk), self._beside(chunk["choices"][0])
            self._count, self._width = len(names) + 1, len(others) + 2
            self._slots = {}
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
    rest = {name: value for name, value in chunk.items() if name not in _FREE}
    others = tuple(name for name in choice if name not in _OWN)
    # Only texts and nulls: True == 1 == 1.0, and they are not the same. Of `created` the first
    # counts anyway.
    plain = all(
        value is None or type(value) is str or name == "created" for name, value in rest.items()
    )
    if not plain or not rest or not others or any(choice[name] is not None for name in others):
        return nothing
    return (tuple(rest), tuple(rest.values()), others), index
