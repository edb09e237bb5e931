"""Text that JSON, a file in UTF-8 or one line of a terminal can hold."""

import json

import msgspec


def escaped(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates, such as a file's name may have, stand escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def one_line(text: str) -> str:
    """Text for one line of a terminal: what is no character to print stands escaped."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def json_bytes(value: object) -> bytes:
    """A value as JSON on one line; numbers that are not finite are null.

    Raises TypeError, ValueError, OverflowError or RecursionError for what JSON can't hold.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Half a surrogate pair can stand in JSON as an escape only.
        text = json.dumps(msgspec.to_builtins(value))
        finite = json.loads(text, parse_constant=lambda _: None)
        return json.dumps(finite, separators=(",", ":")).encode()
