"""JSON, and reprs of the same data, to plain data and back; what JSON does not have as JSON."""

import ast
import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any

from tokentape.errors import FormatError, LimitError
from tokentape.formats.plain_yaml import Timestamp
from tokentape.limits import Limits

_INT64 = 1 << 63


def load(data: bytes | str, limits: Limits) -> Any:
    """The value of a JSON text; NaN and Infinity are read too, of doubled keys the last counts.

    Raises FormatError for what is not JSON, LimitError beyond `limits.max_depth` levels.
    """
    try:
        value = json.loads(data)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"expected JSON, got a text that is not ({error.msg})", line=error.lineno
        ) from None
    except UnicodeDecodeError:
        raise FormatError("expected JSON in UTF-8, got other bytes") from None
    except ValueError:
        raise FormatError("expected JSON, got a number of more than 4,300 digits") from None
    except RecursionError:
        raise _too_deep(limits) from None
    level = [value] if isinstance(value, (dict, list)) else []
    depth = 0
    while level:
        depth += 1
        if depth > limits.max_depth:
            raise _too_deep(limits)
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
    return value


def _too_deep(limits: Limits) -> LimitError:
    return LimitError(f"nested deeper than {limits.max_depth} levels")


def compact(value: Any) -> bytes:
    """JSON as servers send it: no blanks, characters raw.

    Lone surrogates, which UTF-8 does not have, make the whole text ASCII with escapes.
    """
    try:
        return _COMPACT.encode(value).encode()
    except UnicodeEncodeError:
        return _COMPACT_ASCII.encode(value).encode()
    except TypeError:
        raise FormatError("expected text keys in a JSON object, got others") from None


def spaced(value: Any) -> bytes:
    """JSON as Python's json.dumps writes it by default: a blank behind `,` and `:`, ASCII."""
    try:
        return json.dumps(value, default=_foreign).encode()
    except TypeError:
        raise FormatError("expected text keys in a JSON object, got others") from None


def indented(value: Any, indent: int) -> bytes:
    """JSON as Python's json.dumps writes it with this indentation, and a line end."""
    try:
        return (json.dumps(value, indent=indent, default=_foreign) + "\n").encode()
    except TypeError:
        raise FormatError("expected text keys in a JSON object, got others") from None


def from_repr(text: str) -> dict[str, Any] | None:
    """The dict that a text is the Python repr of; None where it is none, or JSON can't hold it."""
    try:
        value = ast.literal_eval(text)
        compact(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, FormatError):
        return None
    return value if isinstance(value, dict) else None


def _foreign(value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return base64.b64encode(value).decode()
    raise TypeError


_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=_foreign)
_COMPACT_ASCII = json.JSONEncoder(separators=(",", ":"), default=_foreign)


def keep(value: Any) -> Any:
    """The value in JSON's own types, so that it can be kept in `extra`; `restore` undoes it."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return value if _is_utf8(value) else {"$json": json.dumps(value)}
    if kind is int:
        return value if -_INT64 <= value < _INT64 else {"$int": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        return [keep(item) for item in value]
    if kind is dict:
        if all(type(key) is str and key[:1] != "$" and _is_utf8(key) for key in value):
            return {key: keep(item) for key, item in value.items()}
        return {"$pairs": [[keep(key), keep(item)] for key, item in value.items()]}
    if kind is bytes:
        return {"$base64": base64.b64encode(value).decode()}
    if kind is Timestamp:
        return {"$timestamp": str(value)}
    raise TypeError(f"not plain data: {kind}")


def _is_utf8(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def kept(extra: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a format's reader kept in this `extra`, restored; {} where it kept nothing."""
    found = restore(extra.get(name, {}))
    if not isinstance(found, dict):
        raise FormatError(f"expected a mapping in `extra`, got another value as {name!r}")
    return found


def restore(value: Any) -> Any:
    """The value that `keep` was given. Raises FormatError where it never gave such a one."""
    if isinstance(value, list):
        return [restore(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, item), *_ = value.items()
        if key.startswith("$"):
            return _restore_marked(key, item)
    return {key: restore(item) for key, item in value.items()}


def _restore_marked(key: str, item: Any) -> Any:
    try:
        match key:
            case "$base64":
                return base64.b64decode(item, validate=True)
            case "$json":
                return json.loads(item)
            case "$timestamp":
                return Timestamp(item)
            case "$int":
                return int(item)
            case "$float":
                return float(item)
            case "$pairs":
                return {restore(name): restore(value) for name, value in item}
    except (TypeError, ValueError, binascii.Error):
        pass
    raise FormatError(f"expected what {key} stands for in `extra`, got another value")
