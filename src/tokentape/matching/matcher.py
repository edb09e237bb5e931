"""From a request to the recorded exchange that answers it, in recorded order."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from tokentape.matching.operation import CHAT

Exhausted = Literal["last", "cycle", "error"]


class Candidate(Protocol):
    """What matching needs to know of an exchange. `body_key` None: its request is not known."""

    @property
    def path(self) -> str: ...
    @property
    def exchange(self) -> int: ...
    @property
    def scope(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def body_key(self) -> bytes | None: ...
    @property
    def model(self) -> str: ...
    @property
    def streaming(self) -> bool: ...


C = TypeVar("C", bound=Candidate)


class Reason(StrEnum):
    """Why no recording answers."""

    EMPTY = "no exchange is recorded"
    SCOPE = "no such scope"
    EXHAUSTED = "all recorded answers are used up"
    UNMATCHED = "no recording matches"


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """A request that no recording answers. `scope` is the one asked for, None for everywhere."""

    reason: Reason
    method: str
    operation: str
    key: bytes
    scope: str | None = None
    model: str = ""
    streaming: bool = False
    recorded: int = 0


class _Cursor(Generic[C]):
    """The answers to one request, in recorded order, and how many are used.

    `fits` says which exchanges may be among them, None: all that answer it.
    """

    __slots__ = ("answers", "fits", "used")

    def __init__(self, answers: list[C], fits: Callable[[C], bool] | None = None) -> None:
        self.answers = answers
        self.fits = fits
        self.used = 0


class Matcher(Generic[C]):
    """Answers identical requests in recorded order, apart for each scope that is asked for.

    When the answers run out: `last` repeats the last one, `cycle` begins again, `error` is a miss.
    """

    def __init__(self, entries: Sequence[C], exhausted: Exhausted = "last") -> None:
        self.entries = list(entries)
        self.scopes = {entry.scope for entry in entries}
        self._exhausted = exhausted
        # A request is mostly recorded once: a list for each would double what matching keeps.
        self._known: dict[tuple[str, str, bytes], C | list[C]] = {}
        self._unknown: list[C] = []
        self._scopes_with_known: set[str] = set()
        self._cursors: dict[tuple[str | None, str, str, bytes], _Cursor[C]] = {}
        for entry in entries:
            if entry.body_key is None:
                self._unknown.append(entry)
                continue
            self._scopes_with_known.add(entry.scope)
            key = (entry.method, entry.operation, entry.body_key)
            before = self._known.setdefault(key, entry)
            if isinstance(before, list):
                before.append(entry)
            elif before is not entry:
                self._known[key] = [before, entry]

    def add(self, entry: C) -> None:
        """Let an exchange that was recorded meanwhile answer too; it knows its request.

        It takes its place in the order of its tape, whenever it ended.
        """
        assert entry.body_key is not None
        self.entries.append(entry)
        self.scopes.add(entry.scope)
        self._scopes_with_known.add(entry.scope)
        key = (entry.method, entry.operation, entry.body_key)
        before = self._known.get(key)
        if before is None:
            self._known[key] = entry
        elif isinstance(before, list):
            _insert(before, entry)
        else:
            self._known[key] = both = [before]
            _insert(both, entry)
        for scope in (None, entry.scope):
            for place in (key, _aside(key)):
                cursor = self._cursors.get((scope, *place))
                if cursor is None or not (cursor.fits is None or cursor.fits(entry)):
                    continue
                if _insert(cursor.answers, entry) < cursor.used:
                    cursor.used += 1

    def find(
        self,
        method: str,
        operation: str,
        key: bytes,
        scope: str | None = None,
        model: str = "",
        streaming: bool = False,
    ) -> C | Miss:
        """The next exchange that answers this request, or why there is none."""
        cursor = self._cursors.get((scope, method, operation, key))
        if cursor is None:
            cursor = self._search(method, operation, key, scope, model, streaming)
        if cursor is not None:
            # Not by a call of `_take`: every request comes through here.
            answers = cursor.answers
            used = cursor.used
            if used < len(answers):
                cursor.used = used + 1
                return answers[used]
            if self._exhausted == "last":
                return answers[-1]
            if (found := self._take(cursor)) is not None:
                return found
        if cursor is not None:
            reason = Reason.EXHAUSTED
        elif not self.entries:
            reason = Reason.EMPTY
        elif scope is not None and scope not in self.scopes:
            reason = Reason.SCOPE
        else:
            reason = Reason.UNMATCHED
        return Miss(
            reason=reason,
            method=method,
            operation=operation,
            key=key,
            scope=scope,
            model=model,
            streaming=streaming,
            recorded=len(cursor.answers) if cursor is not None else 0,
        )

    def find_aside(
        self,
        method: str,
        operation: str,
        key: bytes,
        scope: str | None,
        model: str,
        streaming: bool,
        fits: Callable[[C], bool],
    ) -> C | None:
        """The next exchange that fits and answers another request than the one that came.

        These answers are counted apart: they use up none of those that `find` gives.
        """
        place = _aside((method, operation, key))
        cursor = self._cursors.get((scope, *place))
        if cursor is None:
            answers = self._recorded((method, operation, key), scope)
            answers = answers or self._guess(method, operation, scope, model, streaming)
            answers = [entry for entry in answers if fits(entry)]
            if not answers:
                return None
            cursor = self._cursors.setdefault((scope, *place), _Cursor(answers, fits))
        return self._take(cursor)

    def _take(self, cursor: _Cursor[C]) -> C | None:
        """The next of these answers, None where they are used up."""
        answers = cursor.answers
        used = cursor.used
        if used < len(answers):
            cursor.used = used + 1
            return answers[used]
        if self._exhausted == "last":
            return answers[-1]
        if self._exhausted == "cycle":
            cursor.used = 1
            return answers[0]
        return None

    def _recorded(self, key: tuple[str, str, bytes], scope: str | None) -> list[C]:
        """The exchanges of this request, in recorded order."""
        found = self._known.get(key)
        known = found if isinstance(found, list) else [found] if found is not None else []
        return [entry for entry in known if scope is None or entry.scope == scope]

    def _search(
        self,
        method: str,
        operation: str,
        key: bytes,
        scope: str | None,
        model: str,
        streaming: bool,
    ) -> _Cursor[C] | None:
        answers = self._recorded((method, operation, key), scope)
        place = (scope, method, operation, key)
        if not answers:
            answers = self._guess(method, operation, scope, model, streaming)
            # Requests that differ only in what such a recording does not know share one order.
            # A key is never the name of entries, so the two kinds of cursor can't meet.
            names = repr([(entry.path, entry.exchange) for entry in answers]).encode(
                "utf-8", "surrogatepass"
            )
            place = (scope, method, operation, names)
        if not answers:
            return None
        return self._cursors.setdefault(place, _Cursor(answers))

    def _guess(
        self, method: str, operation: str, scope: str | None, model: str, streaming: bool
    ) -> list[C]:
        """The exchanges that do not know their request and may answer this one."""
        if scope is None:
            any_model = not self._scopes_with_known
        else:
            any_model = scope not in self._scopes_with_known
        return [
            entry
            for entry in self._unknown
            if (scope is None or entry.scope == scope)
            and entry.method == method
            and (entry.operation or CHAT) == operation
            and entry.streaming == streaming
            and (any_model or _is_model(entry.model, model))
        ]


def _aside(key: tuple[str, str, bytes]) -> tuple[str, str, bytes]:
    """Where the cursor of `find_aside` is kept: no key of a body is that long."""
    method, operation, body_key = key
    return method, operation, b"aside " + body_key


def _insert(answers: list[C], entry: C) -> int:
    """Put an entry behind those before it on its tape, and all of other tapes; where it is now."""
    at = len(answers)
    while at and answers[at - 1].path == entry.path and answers[at - 1].exchange > entry.exchange:
        at -= 1
    answers.insert(at, entry)
    return at


def _is_model(recorded: str, asked: str) -> bool:
    """Whether a response's model (`gpt-4o-2024-08-06`) is the one asked for (`gpt-4o`)."""
    return bool(asked) and (recorded == asked or recorded.startswith(asked + "-"))
