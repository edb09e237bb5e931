"""What a file is that no format knows: a refusal that names it."""

import json
import re

from tokentape.errors import RefusedError

_MAGIC = (
    (b"\x89PNG", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"%PDF", "PDF document"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"SQLite format 3", "SQLite database"),
    (b"PAR1", "Parquet file"),
    (b"\x7fELF", "program"),
)
_YAML = re.compile(rb"\A(?:%YAML.*\n|---.*\n|#.*\n|\s*\n)*[\w\"'.-]+:(?:\s|\Z)")
_AIMOCK = re.compile(rb'\A\s*\{\s*(?:"\$schema"\s*:\s*"[^"]*"\s*,\s*)?"fixtures"\s*:')
# Longer texts are not parsed only to be refused.
_PARSED = 1 << 20


def refusal(data: bytes) -> RefusedError:
    """The refusal of these bytes; `what` names what they are."""
    what, why = _named(data)
    return RefusedError(what, why)


def _named(data: bytes) -> tuple[str, str]:
    if not data.strip():
        return "empty file", "it holds no exchange"
    for magic, what in _MAGIC:
        if data.startswith(magic):
            return what, "it holds no HTTP exchange"
    if _AIMOCK.match(data):
        return "aimock fixture", "it holds answers without their bytes and without requests"
    known = "expected a tape, a go-vcr, vcrpy or llama-stack recording, HAR, SSE or a log of reprs"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "binary data, not a recording", known
    if b"\0" in data:
        return "binary data, not a recording", known
    if data.lstrip()[:1] in (b"{", b"["):
        return _json(data), known
    if _YAML.match(data):
        return "YAML, not a recording", known
    return "text, not a recording", known


def _json(data: bytes) -> str:
    if len(data) > _PARSED:
        return "JSON, not a recording"
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return "text, not a recording"
    return "JSON, not a recording"
