"""Values out of JSON by JSONPath (RFC 9535), for what no pattern can know.

Only the values are replaced: every other byte of the document stays as it is.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from tokentape.errors import UsageError
from tokentape.redact.patterns import MARK

BOM = b"\xef\xbb\xbf"  # which some write before JSON in UTF-8

_REPLACEMENT = b'"' + MARK + b'"'
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb"[^\s,\]}]+")
# What matters in a container that is passed over: strings, since brackets may stand in them.
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)

# The places to replace, by the first step to them; a place itself is an empty tree.
_Tree = dict[str | int, "_Tree"]


class Paths:
    """JSONPath expressions whose values become "REDACTED". Raises UsageError for a bad one."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.paths = tuple(paths)
        self._compiled: list[Any] = []
        if not self.paths:
            return
        # Few redact by path, and the package takes longer to import than all of ours.
        from jsonpath_rfc9535 import JSONPathError, compile

        for path in self.paths:
            try:
                self._compiled.append(compile(path))
            except JSONPathError as error:
                raise UsageError(f"--redact {path}: {error}") from None

    def __bool__(self) -> bool:
        return bool(self._compiled)

    def redact(self, data: bytes) -> bytes:
        """The JSON with those values replaced; what is not JSON, or has none of them, as it is."""
        if data.startswith(BOM):
            return BOM + self.redact(data[len(BOM) :])
        return self._redacted(data, _parsed(data))

    def redact_lines(self, data: bytes) -> bytes:
        """The same of a document, or of one in each line."""
        if data.startswith(BOM):
            return BOM + self.redact_lines(data[len(BOM) :])
        parsed = _parsed(data)
        if parsed is not None:
            return self._redacted(data, parsed)
        lines = data.split(b"\n")
        return b"\n".join(
            self.redact(line) if line.lstrip()[:1] in (b"{", b"[") else line for line in lines
        )

    def _redacted(self, data: bytes, parsed: tuple[Any] | None) -> bytes:
        if parsed is None:
            return data
        wanted = _tree(node.location for path in self._compiled for node in path.find(parsed[0]))
        if wanted is None:
            return data
        spans: list[tuple[int, int]] = []
        _walk(data, _past_space(data, 0), wanted, spans)
        pieces: list[bytes] = []
        position = 0
        for start, end in spans:
            pieces += (data[position:start], _REPLACEMENT)
            position = end
        return b"".join((*pieces, data[position:]))


def _parsed(data: bytes) -> tuple[Any] | None:
    """The value, None where this is no JSON. What strict parsers refuse, lone surrogates, NaN or
    broken UTF-8, must not keep a secret from being found."""
    for parse in (msgspec.json.decode, _tolerant, _lenient):
        try:
            return (parse(data),)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
            continue
    return None


def _tolerant(data: bytes) -> Any:
    # By itself it takes UTF-16 too, in which places are not found.
    return json.loads(data.decode("utf-8", "surrogatepass"))


def _lenient(data: bytes) -> Any:
    return json.loads(data.decode("latin-1"))


def _key(data: bytes) -> str:
    parsed = _parsed(data)
    assert parsed is not None
    return str(parsed[0])


def _tree(locations: Iterable[tuple[str | int, ...]]) -> _Tree | None:
    """The places as a tree, None where there are none. A place takes those below it with it."""
    root: _Tree | None = None
    for location in sorted(locations, key=len):
        if root is None:
            root = {}
            if not location:
                return root
        elif not root:
            return root
        tree = root
        for step in location[:-1]:
            if step in tree and not tree[step]:
                break
            tree = tree.setdefault(step, {})
        else:
            tree.setdefault(location[-1], {})
    return root


def _walk(data: bytes, start: int, wanted: _Tree, spans: list[tuple[int, int]]) -> int:
    """Note where the wanted values of the one that begins here lie; where this one ends."""
    if not wanted:
        end = _end(data, start)
        spans.append((start, end))
        return end
    is_object = data[start : start + 1] == b"{"
    position = _past_space(data, start + 1)
    index = 0
    while data[position : position + 1] not in (b"}", b"]"):
        step: str | int = index
        if is_object:
            key_end = _end(data, position)
            step = _key(data[position:key_end])
            position = _past_space(data, _past_space(data, key_end) + 1)
        inner = wanted.get(step)
        # A key that stands twice is replaced twice, whichever of them a reader takes.
        end = _end(data, position) if inner is None else _walk(data, position, inner, spans)
        position = _past_space(data, end)
        if data[position : position + 1] == b",":
            position = _past_space(data, position + 1)
        index += 1
    return position + 1


def _past_space(data: bytes, position: int) -> int:
    match = _SPACE.match(data, position)
    assert match is not None
    return match.end()


def _end(data: bytes, start: int) -> int:
    """Where the value that begins here ends, whatever it holds."""
    first = data[start : start + 1]
    if first not in (b"{", b"["):
        match = (_STRING if first == b'"' else _SCALAR).match(data, start)
        assert match is not None
        return match.end()
    depth = 0
    for match in _STRUCTURE.finditer(data, start):
        if match.group() in (b"{", b"["):
            depth += 1
        elif match.group() in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return match.end()
    raise AssertionError("a decoded document closes what it opens")
