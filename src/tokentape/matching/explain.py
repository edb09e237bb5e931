"""Why a request missed: the nearest exchanges, and where the nearest one differs."""

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from heapq import nsmallest
from itertools import zip_longest
from typing import Any

import msgspec

from tokentape.errors import TokenTapeError
from tokentape.matching.canonical import NOT_JSON, decoded, toggled
from tokentape.matching.matcher import Candidate, Miss, Reason

_LOADED = 16  # recordings read from disk to explain one miss
_NEAREST = 3
_SHOWN = 12  # differences shown of the nearest
_COUNTED = 1000  # differences counted at most
_WIDTH = 60  # characters of a value shown
_ABSENT = object()
_WHOLE = "the whole body"


class Difference(msgspec.Struct, frozen=True):
    """One JSON path where recording and request differ; values are short JSON texts."""

    path: str
    expected: str
    got: str


class Near(msgspec.Struct, frozen=True):
    """An exchange near to the request. `differences` is None where they can't be counted."""

    path: str
    exchange: int
    scope: str
    differences: int | None
    says: str


class Explanation(msgspec.Struct, frozen=True):
    """`message` is for people, several lines; the rest says the same to programs."""

    message: str
    nearest: tuple[Near, ...] = ()
    differs: tuple[Difference, ...] = ()


def _step(path: str, key: object) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    text = str(key)
    if text.isidentifier():
        return f"{path}.{text}" if path else text
    return f"{path}[{_json(text)}]"


def _json(value: object) -> str:
    if value is _ABSENT:
        return "absent"
    return msgspec.json.encode(value).decode()


def _cut(text: str, start: int = 0) -> str:
    start = max(0, start)
    head = "…" if start else ""
    tail = "…" if len(text) > start + _WIDTH else ""
    return head + text[start : start + _WIDTH] + tail


def _as_text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _parting(first: str, second: str) -> int:
    """How many characters two texts begin with alike."""
    alike, limit = 0, min(len(first), len(second))
    while alike < limit:
        middle = (alike + limit + 1) // 2
        if first[alike:middle] == second[alike:middle]:
            alike = middle
        else:
            limit = middle - 1
    return alike


def _shown(expected: object, got: object) -> tuple[str, str]:
    """Two values as short text, cut so that the place where they part is in sight."""
    expected, got = _as_text(expected), _as_text(got)
    first, second = _json(expected), _json(got)
    parting = 0
    if isinstance(expected, str) and isinstance(got, str):
        parting = _parting(first, second)
    start = parting - _WIDTH // 3 if parting > _WIDTH * 2 // 3 else 0
    return _cut(first, start), _cut(second, start)


def differences(expected: Any, got: Any, limit: int = _COUNTED) -> list[tuple[str, Any, Any]]:
    """The JSON paths where two decoded values differ, in document order, at most `limit`.

    Looks at no more of the values than it takes to find them.
    """
    found: list[tuple[str, Any, Any]] = []
    # A stack of our own: a value may be nested deeper than Python may call.
    todo: list[Iterator[tuple[str, Any, Any]]] = [iter([("", expected, got)])]
    while todo and len(found) < limit:
        pair = next(todo[-1], None)
        if pair is None:
            todo.pop()
            continue
        path, first, second = pair
        if isinstance(first, dict) and isinstance(second, dict):
            todo.append(_members(path, first, second))
        elif isinstance(first, list) and isinstance(second, list):
            todo.append(_items(path, first, second))
        elif type(first) is not type(second) or first != second:
            found.append((path or _WHOLE, first, second))
    return found


def _members(
    path: str, first: dict[str, Any], second: dict[str, Any]
) -> Iterator[tuple[str, Any, Any]]:
    for key, value in first.items():
        yield _step(path, key), value, second.get(key, _ABSENT)
    for key, value in second.items():
        if key not in first:
            yield _step(path, key), _ABSENT, value


def _items(path: str, first: list[Any], second: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    for at, (value, other) in enumerate(zip_longest(first, second, fillvalue=_ABSENT)):
        yield _step(path, at), value, other


def _rank(miss: Miss, same_body: bytes, other_stream: bytes | None) -> Callable[[Candidate], Any]:
    def distance(entry: Candidate) -> tuple[bool, ...]:
        key = entry.body_key
        return (
            key is None or key not in (same_body, other_stream),
            entry.operation != miss.operation,
            miss.scope is not None and entry.scope != miss.scope,
            entry.method != miss.method,
            entry.model != miss.model,
            entry.streaming != miss.streaming,
            key is None,
        )

    return distance


def _apart(entry: Candidate, miss: Miss) -> list[str]:
    """What differs outside the body."""
    found = []
    if miss.scope is not None and entry.scope != miss.scope:
        found.append(f"recorded in scope {entry.scope!r}")
    if entry.method != miss.method:
        found.append(f"recorded with method {entry.method}")
    if entry.operation != miss.operation:
        found.append(f"recorded for {_cut(entry.operation or '/chat/completions')}")
    return found


def explain(
    entries: Sequence[Candidate],
    miss: Miss,
    body: bytes,
    target: str,
    recorded_body: Callable[[Any], bytes | None],
    unturned: Callable[[Any], str] = lambda entry: "",
) -> Explanation:
    """Why `miss` is one, with the nearest exchanges.

    `target` is the request target as it came. `recorded_body(entry)` gives a recorded request's
    body, None where it is unknown; a TokenTapeError from it leaves that exchange uncompared.
    `unturned(entry)` says why an exchange that differs in nothing but `stream` is not served.
    """
    asked = f"{miss.method} {_cut(target)}"
    about = f"model {_cut(miss.model) or 'unknown'}, {'stream' if miss.streaming else 'no stream'}"
    lines = [f"{miss.reason}: {asked} ({about})"]
    if miss.reason is Reason.EMPTY:
        return Explanation(lines[0] + "\nServe a folder or a file that holds recordings.")
    if miss.reason is Reason.SCOPE:
        lines.append(_scopes(miss.scope or "", entries))
    if miss.reason is Reason.EXHAUSTED:
        lines.append(
            f"recorded {miss.recorded} time(s), asked once more; "
            "`--exhausted last` or `--exhausted cycle` would answer again"
        )
    value, problem = _read(body)
    if problem:
        lines.append(problem)
    ranked = _compare(entries, miss, body, value, recorded_body, unturned)
    lines.append("nearest recordings:")
    lines += [
        f"  {at}. {_place(near)}: {near.says}" for at, (near, _) in enumerate(ranked[:_NEAREST], 1)
    ]
    differs = tuple(
        Difference(path, *_shown(first, second)) for path, first, second in ranked[0][1][:_SHOWN]
    )
    if differs:
        lines.append("the nearest differs at:")
        for difference in differs:
            lines.append(f"  {difference.path}")
            lines.append(f"    recorded {difference.expected}")
            lines.append(f"    got      {difference.got}")
        more = len(ranked[0][1]) - len(differs)
        if more:
            lines.append(f"  and {more} more")
    return Explanation("\n".join(lines), tuple(near for near, _ in ranked[:_NEAREST]), differs)


def _place(near: Near) -> str:
    return f"{near.path}, exchange {near.exchange}"


def _read(body: bytes) -> tuple[Any, str]:
    if not body:
        return _ABSENT, "the request has no body"
    try:
        return decoded(body), ""
    except UnicodeDecodeError:
        return _ABSENT, f"the request's body is not UTF-8: byte {_not_utf8(body)} of {len(body)}"
    except NOT_JSON as error:
        return _ABSENT, f"the request's body is not JSON: {error}"


def _not_utf8(body: bytes) -> int:
    """The first byte, counted from 0, that is not UTF-8; the decoder of JSON counts in a text."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(body)


def _scopes(asked: str, entries: Sequence[Candidate]) -> str:
    scopes = sorted({entry.scope for entry in entries})
    near = get_close_matches(asked, scopes, n=5, cutoff=0.3) or scopes[:5]
    names = ", ".join(repr(name) for name in near)
    return f"x-tokentape-scope is {_cut(asked)!r}; of {len(scopes)} scopes the nearest are: {names}"


def _compare(
    entries: Sequence[Candidate],
    miss: Miss,
    body: bytes,
    value: Any,
    recorded_body: Callable[[Any], bytes | None],
    unturned: Callable[[Any], str],
) -> list[tuple[Near, list[tuple[str, Any, Any]]]]:
    other_stream = toggled(body)
    found: list[tuple[int, Near, list[tuple[str, Any, Any]]]] = []
    for entry in nsmallest(_LOADED, entries, key=_rank(miss, miss.key, other_stream)):
        says = _apart(entry, miss)
        parts: list[tuple[str, Any, Any]] = []
        count: int | None = None
        if entry.body_key is None:
            says.append("its request is not known" + _unlike(entry, miss))
        elif entry.body_key == miss.key:
            says = ["only this differs: " + "; ".join(says)] if says else ["the same request"]
            count = 0
        else:
            try:
                parts = _differences(recorded_body(entry), body, value)
                count = len(parts)
                if entry.body_key != other_stream:
                    says.append(f"{count} path(s) differ")
                elif says:
                    says.append("differs in `stream`")
                else:
                    says.append(
                        "; ".join(filter(None, ("differs only in `stream`", unturned(entry))))
                    )
            except TokenTapeError as error:
                says.append(f"can't be read: {error.message}")
        near = Near(entry.path, entry.exchange, entry.scope, count, "; ".join(says))
        found.append((_COUNTED + 1 if count is None else count + len(says) - 1, near, parts))
    found.sort(key=lambda item: item[0])
    return [(near, parts) for _, near, parts in found]


def _unlike(entry: Candidate, miss: Miss) -> str:
    found = []
    if entry.model != miss.model:
        found.append(f"model {_cut(entry.model) or 'unknown'}")
    if entry.streaming != miss.streaming:
        found.append("stream" if entry.streaming else "no stream")
    return f" ({', '.join(found)})" if found else ""


def _differences(recorded: bytes | None, body: bytes, value: Any) -> list[tuple[str, Any, Any]]:
    if value is not _ABSENT:
        try:
            return differences(decoded(recorded or b""), value)
        except NOT_JSON:
            pass
    return [(_WHOLE, recorded or _ABSENT, body or _ABSENT)]
