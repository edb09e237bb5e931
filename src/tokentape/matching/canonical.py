"""One form for all bodies that ask the same, and a short key for it."""

from hashlib import blake2b
from typing import Any

import msgspec


def _number(text: str) -> float | int:
    """A JSON number with a fraction or an exponent: 1.0 is 1, since JavaScript writes it so."""
    value = float(text)
    if value.is_integer():
        return int(value)
    if value - value != 0:
        raise ValueError("no finite number")
    return value


_DECODER = msgspec.json.Decoder(float_hook=_number)
_ENCODER = msgspec.json.Encoder(order="deterministic")
# What msgspec raises for bytes that are no JSON, text with lone surrogates, numbers out of range
# and nesting without end. Such bodies are compared as bytes.
NOT_JSON = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)


# What a request may want of a stream: the usage in a chunk, and no obfuscation.
USAGE, UNOBSCURED = 1, 2


class Asked(msgspec.Struct, frozen=True, gc=False):
    """What matching needs of a request body. `model` is "" where the body names none.

    `options` is the sum of USAGE and UNOBSCURED, as far as the body's `stream_options` ask for it.
    """

    key: bytes
    model: str = ""
    streaming: bool = False
    options: int = 0


def asked_of(asked: Asked, origin: int) -> Asked:
    """The same, asked of the server of this number: those of different ones have other keys."""
    return msgspec.structs.replace(asked, key=b"%b@%d" % (asked.key, origin)) if origin else asked


def folded(value: Any) -> Any:
    """A decoded body without what does not change the answer.

    `extra_body` is folded into the root, where the SDKs put it on the wire; `stream_options` goes;
    a `stream` that is false or null is absent.
    """
    return _folded(value)[0]


def _folded(value: Any) -> tuple[Any, int]:
    """The folded body, and what its `stream_options` want."""
    if not isinstance(value, dict):
        return value, 0
    extra = value.get("extra_body")
    if isinstance(extra, dict):
        value = {**value, **extra}
        if "extra_body" not in extra:
            del value["extra_body"]
    given = value.pop("stream_options", None)
    if value.get("stream", True) in (False, None):
        del value["stream"]
    if not isinstance(given, dict) or value.get("stream") is not True:
        return value, 0
    wanted = USAGE if given.get("include_usage") is True else 0
    return value, wanted | (UNOBSCURED if given.get("include_obfuscation") is False else 0)


def decoded(body: bytes) -> Any:
    """The folded JSON value of a body; raises one of NOT_JSON."""
    return folded(_DECODER.decode(body))


def _hash(form: bytes) -> bytes:
    return blake2b(form, digest_size=16).digest()


def canonical(body: bytes) -> bytes:
    """The canonical JSON of a body, keys sorted; the body itself where it is no JSON."""
    try:
        return _ENCODER.encode(decoded(body))
    except NOT_JSON:
        return body


def body_key(body: bytes | None) -> bytes | None:
    """16 bytes that are equal for bodies that ask the same; None where the body is not known."""
    return None if body is None else _hash(canonical(body))


def ask(body: bytes) -> Asked:
    """What matching needs of this body, any bytes."""
    try:
        value, options = _folded(_DECODER.decode(body))
        key = _hash(_ENCODER.encode(value))
    except NOT_JSON:
        return Asked(_hash(body))
    if not isinstance(value, dict):
        return Asked(key)
    model = value.get("model")
    model = model if isinstance(model, str) else ""
    return Asked(key, model, value.get("stream") is True, options)


def toggled(body: bytes) -> bytes | None:
    """The key this body would have were `stream` the other way; None where it is no object."""
    try:
        value = decoded(body)
        if not isinstance(value, dict):
            return None
        if value.pop("stream", None) is None:
            value["stream"] = True
        return _hash(_ENCODER.encode(value))
    except NOT_JSON:
        return None
