"""Body bytes in a YAML cassette: a text where YAML can hold them as one, else `!!binary`."""

from typing import Any

from tokentape.errors import FormatError
from tokentape.formats.fields import decode, encode
from tokentape.formats.plain_yaml import Block, Timestamp, plain

TEXT, BINARY, NULL, MISSING = "text", "binary", "null", "missing"
BARE = "bare"  # what YAML takes for a number, a truth value or a date: 123, yes


def shape(node: dict[str, Any], key: str) -> str:
    """How the body stands in this node, so that it can be written the same way again."""
    if key not in node:
        return MISSING
    value = node[key]
    if value is None:
        return NULL
    if isinstance(value, bytes):
        return BINARY
    return BARE if isinstance(value, (bool, int, float, Timestamp)) else TEXT


def read(value: Any, what: str) -> bytes:
    """The bytes of a body; a number is the text it looks like. Raises FormatError for others."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return encode(value)
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, (int, float)):
        return str(value).encode()
    raise FormatError(f"expected a text or bytes as `{what}`, got {type(value).__name__}")


def write(node: dict[str, Any], key: str, body: bytes, shaped: str) -> None:
    """Put a body into a node, in its earlier shape where that still can hold it."""
    if not body and shaped in (NULL, MISSING):
        if shaped == NULL:
            node[key] = None
        return
    text = None if shaped == BINARY else decode(body)
    if text is None:
        node[key] = body
        return
    bare = plain(text) if shaped == BARE else text
    node[key] = Block(text) if type(bare) is str else bare
