"""A file's bytes to the recording in them: decompressed, byte order mark and line numbers gone."""

import re

import msgspec

from tokentape.content import GZIP_MAGIC, ZSTD_MAGIC, gunzip, unzstd
from tokentape.errors import LimitError
from tokentape.limits import Limits

_BOM = b"\xef\xbb\xbf"
# At most this many lines of title and blanks stand before line 1 of a listing.
_TITLE_LINES = 5
_SEPARATORS = ("\t", "→", "|", ":")
_FIRST = re.compile(rb"^[ \t]*1(?!\d)", re.MULTILINE)
_NUMBERED = re.compile(r"[ \t]*(\d+)")


class Unpacked(msgspec.Struct, frozen=True):
    """The bytes within; `ended` is False where a compressed stream stops early."""

    data: bytes
    ended: bool = True


def decompress(data: bytes, limits: Limits) -> Unpacked:
    """Undo gzip or zstd, known by their first bytes. Raises FormatError and LimitError."""
    if len(data) > limits.max_bytes:
        raise LimitError(f"larger than {limits.max_bytes} bytes; raise the limit if it is trusted")
    if data.startswith(GZIP_MAGIC):
        return Unpacked(*gunzip(data, limits))
    if data.startswith(ZSTD_MAGIC):
        return Unpacked(*unzstd(data, limits))
    return Unpacked(data)


def without_bom(data: bytes) -> bytes:
    """The text without its byte order mark."""
    return data.removeprefix(_BOM)


def unnumbered(data: bytes) -> bytes | None:
    """The text in a numbered listing (`cat -n` and its like), None where it is none.

    A few title lines may come first; then every line begins with its number, from 1 on, and
    perhaps a tab, `→`, `|` or `:` that separates it from the text.
    """
    head = data[:4096]
    first = _FIRST.search(head)
    if first is None or head.count(b"\n", 0, first.start()) > _TITLE_LINES:
        return None
    try:
        lines = data[first.start() :].decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    while lines and not lines[-1].strip():
        lines.pop()
    texts: list[str] = []
    for number, line in enumerate(lines, 1):
        found = _NUMBERED.match(line)
        wanted = str(number)
        # The text may begin with a digit itself, so only the expected number is taken off.
        if found is None or not found.group(1).startswith(wanted):
            return None
        texts.append(line[found.start(1) + len(wanted) :])
    if len(texts) < 2:
        return None
    return "\n".join((*_unseparated(texts), "")).encode()


def _unseparated(texts: list[str]) -> list[str]:
    for separator in _SEPARATORS:
        if all(text.startswith(separator) or not text.strip() for text in texts):
            texts = [text[1:] for text in texts]
            if separator in "|:" and all(text.startswith(" ") or not text for text in texts):
                texts = [text[1:] for text in texts]
            return texts
    return texts
