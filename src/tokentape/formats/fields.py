"""Fields of parsed recordings as the values of the model, with errors that name the field."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from tokentape.errors import FormatError
from tokentape.model import Headers, Read


def mapping(value: Any, what: str) -> dict[str, Any]:
    """The value as a mapping with text keys, {} where it is null."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unexpected("a mapping", value, what)
    if all(type(key) is str and key.isascii() for key in value):
        return value
    return {as_text(key): item for key, item in value.items()}


def sequence(value: Any, what: str) -> list[Any]:
    """The value as a list, [] where it is null."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise _unexpected("a list", value, what)
    return value


def text(value: Any, what: str) -> str:
    """The value as text; numbers and bytes are what they look like."""
    if isinstance(value, (dict, list)) or value is None:
        raise _unexpected("a text", value, what)
    return as_text(value)


def status(value: Any, what: str) -> int:
    """An HTTP status code, 0 to 999."""
    try:
        code = int(value)
    except (TypeError, ValueError, OverflowError):
        raise _unexpected("a status code", value, what) from None
    if not 0 <= code <= 999:
        raise _unexpected("a status code", value, what)
    return code


def http_version(value: Any) -> str | None:
    """`1.1` for `HTTP/1.1`; another text (`h2`) as it is, None for none."""
    text = as_text(value)
    return (text.removeprefix("HTTP/") if text[5:6].isdigit() else text) or None


def protocol(version: str | None) -> str:
    """The other way: `HTTP/1.1` for `1.1`, "" where it is not known."""
    return f"HTTP/{version}" if version and version[0].isdigit() else version or ""


def as_text(value: Any) -> str:
    """A scalar as the text it is written as; bytes as ISO-8859-1, like header values.

    Lone surrogates, which no UTF-8 text has, become U+FFFD.
    """
    if isinstance(value, str):
        if value.isascii():
            return str(value)
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def moment(text: str) -> str | None:
    """A date and time as RFC 3339 in UTC, None where it is none; UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found.isoformat(timespec="auto").replace("+00:00", "Z")


def encode(value: str) -> bytes:
    """A body kept as text, as bytes: UTF-8, with lone surrogates passed through."""
    return value.encode("utf-8", "surrogatepass")


def decode(body: bytes) -> str | None:
    """The text that `encode` makes this body of, None where there is none in plain UTF-8."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def header_pairs(value: Any, what: str) -> Headers:
    """Headers from a mapping of names to a value or a list of values, in their order."""
    return tuple(
        (name, _header_value(item, f"{what}.{name}"))
        for name, values in mapping(value, what).items()
        for item in (values if isinstance(values, list) else [values])
    )


def _header_value(value: Any, what: str) -> str:
    found = text("" if value is None else value, what)
    try:
        found.encode("latin-1")
    except UnicodeEncodeError:
        # The wire holds one byte a character; what was decoded as UTF-8 is put back so.
        return encode(found).decode("latin-1")
    return found


def header_lists(headers: Headers) -> dict[str, list[str]]:
    """Headers as a mapping of names to their values, in the order the names first came."""
    found: dict[str, list[str]] = {}
    for name, value in headers:
        found.setdefault(name, []).append(value)
    return found


def put_headers(
    node: dict[str, Any],
    old: dict[str, Any],
    headers: Headers,
    read: Callable[[Any, str], Headers] = header_pairs,
) -> None:
    """Put headers into a node, as they stood in `old` where they `read` the same still."""
    if not old or read(old.get("headers"), "headers") != headers:
        node["headers"] = header_lists(headers)


def uncarried(node: dict[str, Any], headers: Headers, carried: Iterable[str]) -> dict[str, Any]:
    """The node less what a value of the model carries whole, so that nothing is kept twice:
    these keys, and headers that stand as lists of texts.
    """
    found = without(node, carried)
    standing = found.get("headers")
    if standing and standing == header_lists(headers) and _are_texts(standing):
        del found["headers"]
    return found


def _are_texts(headers: dict[str, list[str]]) -> bool:
    return all(type(value) is str for values in headers.values() for value in values)


def reads(body: bytes) -> tuple[Read, ...]:
    """A body that is known whole: one read without a time, none where it is empty."""
    return (Read(body),) if body else ()


def fingerprint(value: bytes | str | Headers | None) -> str:
    """A short digest, to see later whether a value is still the one that was read."""
    if isinstance(value, tuple):
        value = repr(value)
    data = encode(value) if isinstance(value, str) else value or b""
    return blake2b(data, digest_size=8).hexdigest()


def without(node: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The mapping less these keys."""
    left_out = frozenset(keys)
    return {key: value for key, value in node.items() if key not in left_out}


def _unexpected(expected: str, value: Any, what: str) -> FormatError:
    got = "null" if value is None else type(value).__name__
    return FormatError(f"expected {expected} as `{what}`, got {got}")
