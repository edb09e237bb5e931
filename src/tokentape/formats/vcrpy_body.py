"""A body of a vcrpy interaction: its bytes, and the shape it stands in, to be put back so.

Besides vcrpy's `body` and `body.string` these are `content` (httpx before vcrpy 6), `parsed_body`
(pydantic-ai), `{type, content}` (cassetter, which stores bodies with their content coding undone)
and the bare object that aiohttp was given as `json=` or `data=`, which vcrpy keeps as it was.
"""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tokentape.errors import FormatError
from tokentape.formats import plain_json, yaml_body

# A shape is one of these, or one of yaml_body's, where need be behind the place it stands in.
PARSED, EMPTY = "parsed", "empty"
JSON, FORM, PAIRS = "json", "form", "pairs"
STRING, CONTENT, TYPED = "string", "content", "typed"
# As vcrpy writes a response.
RESPONSE = f"{STRING} {yaml_body.TEXT}"
# The keys of a request or response that hold its body.
KEYS = ("body", "parsed_body", "content")

_EMPTY = (EMPTY, yaml_body.NULL, yaml_body.MISSING)
_TYPES = ("json", "text", "binary", "none")
_RENDERED = frozenset({PARSED, JSON, FORM, PAIRS, f"{TYPED} json"})
_FORM = "application/x-www-form-urlencoded"


def is_rendered(shape: str) -> bool:
    """Whether the bytes of such a body were rendered from parsed values."""
    return shape in _RENDERED


def read_request(node: dict[str, Any], media: str, cassetter: bool) -> tuple[bytes, str]:
    """The body of a request of this media type ("" where it is not known), and its shape."""
    value = node.get("body")
    if "parsed_body" in node:
        return plain_json.spaced(node["parsed_body"]), PARSED
    if not isinstance(value, (dict, list)):
        return yaml_body.read(value, "request.body"), yaml_body.shape(node, "body")
    if isinstance(value, dict):
        if cassetter and _is_typed(value):
            return _read_typed(value, "request.body")
        if value.keys() == {"string"} and not isinstance(value["string"], (dict, list)):
            return _read_string(value, "request.body.string")
    parts = _pickled(value)
    # JSON has lists of texts too, but no bytes.
    if parts is not None and (isinstance(value, dict) or any(type(p) is bytes for p in parts)):
        return _joined(parts), yaml_body.TEXT
    if media.lower().startswith(_FORM):
        if isinstance(value, dict):
            return _form(value), FORM
        if all(isinstance(item, list) and len(item) == 2 for item in value):
            return _form(value), PAIRS
    return plain_json.spaced(value), JSON


def read_response(node: dict[str, Any], cassetter: bool) -> tuple[bytes, str]:
    """The body of a response, and its shape."""
    value = node.get("body")
    if "parsed_body" in node:
        return plain_json.spaced(node["parsed_body"]), PARSED
    if "content" in node and "body" not in node:
        body = yaml_body.read(node["content"], "response.content")
        return body, f"{CONTENT} {yaml_body.shape(node, 'content')}"
    if not isinstance(value, dict):
        return yaml_body.read(value, "response.body"), yaml_body.shape(node, "body")
    if cassetter and _is_typed(value):
        return _read_typed(value, "response.body")
    if not value:
        return b"", EMPTY
    if "string" not in value:
        keys = ", ".join(map(str, value))[:200]
        raise FormatError(f"expected the key `string` in `response.body`, got {keys}")
    parts = _pickled(value["string"])
    if parts is not None:
        return _joined(parts), RESPONSE
    return _read_string(value, "response.body.string")


def put_request(node: dict[str, Any], body: bytes, shape: str, media: str) -> None:
    """Put a body into a request of this media type, in its shape where that still can hold it."""
    if shape in (JSON, FORM, PAIRS):
        found = _object(body, shape)
        # An object may look like another shape, or like what another media type has.
        if found is not None and read_request({"body": found}, media, False) == (body, shape):
            node["body"] = found
            return
        shape = yaml_body.TEXT
    _put(node, body, shape, yaml_body.TEXT)


def beside(node: dict[str, Any]) -> dict[str, Any]:
    """What a response's `body` holds beside its `string`."""
    value = node.get("body")
    if not isinstance(value, dict) or "string" not in value:
        return {}
    return {key: item for key, item in value.items() if key != "string"}


def put_response(
    node: dict[str, Any], body: bytes, shape: str, beside: dict[str, Any] | None = None
) -> None:
    """Put a body into a response, in its shape where that still can hold it."""
    _put(node, body, shape, RESPONSE)
    if beside and isinstance(node.get("body"), dict):
        node["body"] = beside | node["body"]


def _put(node: dict[str, Any], body: bytes, shape: str, otherwise: str) -> None:
    if shape == PARSED and (parsed := _parsed(body)) is not None:
        node["parsed_body"] = parsed[0]
        return
    if shape == PARSED or (body and shape in _EMPTY):
        shape = otherwise
    where, _, shaped = shape.rpartition(" ")
    if where == TYPED:
        node["body"] = _typed(body, shaped)
    elif where == STRING:
        node["body"] = {}
        yaml_body.write(node["body"], "string", body, shaped)
    elif shape == EMPTY:
        node["body"] = {}
    else:
        yaml_body.write(node, "content" if where == CONTENT else "body", body, shaped)


def _read_string(value: dict[str, Any], what: str) -> tuple[bytes, str]:
    return yaml_body.read(value["string"], what), f"{STRING} {yaml_body.shape(value, 'string')}"


def _pickled(value: Any) -> list[Any] | None:
    """The parts in what Python's pickling tags leave of an io.BytesIO or an iterator, else None."""
    match value:
        case {"state": [bytes() | str() as data, int(), None | {}]} if len(value) == 1:
            # The bytes, the position in them, and attributes.
            return [data]
        case {"args": [[*parts]], "state": int()} if len(value) == 2:
            pass
        case [[*parts]] | [*parts]:
            pass
        case _:
            return None
    return parts if all(isinstance(part, (bytes, str)) for part in parts) else None


def _joined(parts: list[Any]) -> bytes:
    return b"".join(yaml_body.read(part, "body") for part in parts)


def _form(value: dict[str, Any] | list[list[Any]]) -> bytes:
    pairs = value.items() if isinstance(value, dict) else map(tuple, value)
    return urlencode(list(pairs), doseq=True, errors="surrogatepass").encode()


def _object(body: bytes, shape: str) -> dict[str, Any] | list[Any] | None:
    """The object that a client may have made this body of, None where there is none."""
    try:
        if shape == JSON:
            value = json.loads(body)
            return value if isinstance(value, (dict, list)) else None
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="surrogatepass")
        return _mapping(pairs) if shape == FORM else [list(pair) for pair in pairs]
    except (ValueError, RecursionError):
        return None


def _parsed(body: bytes) -> tuple[Any] | None:
    """The value whose rendering this body is, None where it is none."""
    try:
        value = json.loads(body)
        return (value,) if plain_json.spaced(value) == body else None
    except (ValueError, RecursionError):
        return None


def _mapping(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: each if len(each) > 1 else each[0] for name, each in found.items()}


def _is_typed(value: dict[str, Any]) -> bool:
    return value.keys() <= {"type", "content"} and value.get("type") in _TYPES


def _read_typed(value: dict[str, Any], what: str) -> tuple[bytes, str]:
    kind, content = value["type"], value.get("content")
    if kind == "none" or "content" not in value:
        body = b""
    elif kind == "json":
        body = plain_json.spaced(content)
    elif kind == "text":
        body = yaml_body.read(content, f"{what}.content")
    else:
        body = _unhexed(content, f"{what}.content")
    return body, f"{TYPED} {kind}"


def _unhexed(value: Any, what: str) -> bytes:
    # Digits without quotes are a number to YAML, which loses their zeros in front.
    if not isinstance(value, str):
        raise FormatError(f"expected hex in quotes as `{what}`, got {type(value).__name__}")
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise FormatError(f"expected hex as `{what}`, got {value[:40]!r}") from None


def _typed(body: bytes, kind: str) -> dict[str, Any]:
    if not body and kind in ("json", "none"):
        return {"type": kind}
    if kind == "json" and (parsed := _parsed(body)) is not None:
        return {"type": "json", "content": parsed[0]}
    node: dict[str, Any] = {}
    if kind != "binary":
        yaml_body.write(node, "content", body, yaml_body.TEXT)
    if isinstance(node.get("content"), str):
        return {"type": "text"} | node
    return {"type": "binary", "content": body.hex()}
