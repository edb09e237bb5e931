"""Values out of JSON by JSONPath (RFC 9535), for what no pattern can know."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tokentape.errors import UsageError
from tokentape.redact.patterns import MARK

_MARK = MARK.decode()


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
        try:
            value = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError, ValueError):
            return data
        found = [node.location for path in self._compiled for node in path.find(value)]
        if not found:
            return data
        holder = {"root": value}
        for location in found:
            _replace(holder, ("root", *location))
        return msgspec.json.encode(holder["root"])


def _replace(holder: Any, location: tuple[str | int, ...]) -> None:
    *way, last = location
    for step in way:
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return  # A path above it was replaced already.
    if isinstance(holder, dict | list):
        holder[last] = _MARK  # type: ignore[index]
