"""Undo content codings and whole-file compression, bounded in size.

Source: RFC 9110, 8.4 (gzip, deflate), RFC 7932 (br), RFC 9659 (zstd).
"""

import io
import zlib
from collections.abc import Callable
from typing import IO, cast

import brotli
import zstandard

from tokentape.errors import FormatError, LimitError
from tokentape.limits import DEFAULT_LIMITS, Limits

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"

_STEP = 1 << 20
_ZLIB, _RAW_DEFLATE, _GZIP = 15, -15, 31
# RFC 9659 caps the window of the zstd coding at 8 MiB; files may be packed with more.
_ZSTD_WINDOW = 1 << 27


def decode(body: bytes, content_encoding: str | None, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The body without its content codings, undone from the last to the first.

    A body that plainly is not encoded is given back as it is: cassettes often keep the header
    beside a decoded body. A stream that was cut gives what can be decoded. Raises FormatError for
    damaged data and for codings that can't be undone, LimitError beyond `limits.max_bytes`.
    """
    for coding in reversed((content_encoding or "").lower().split(",")):
        body = _undo(body, coding.strip(), limits)
    return body


def is_encoded(body: bytes, content_encoding: str | None) -> bool:
    """Whether the body still is in the last of these codings, as far as its bytes tell."""
    coding = (content_encoding or "").lower().split(",")[-1].strip()
    if coding in ("gzip", "x-gzip"):
        return body.startswith(GZIP_MAGIC)
    if coding == "zstd":
        return body.startswith(ZSTD_MAGIC)
    if coding == "deflate":
        return _has_zlib_header(body)
    return coding not in ("", "identity") and not _is_text(body)


class Decoder:
    """Undoes one content coding as the bytes of a body come: joined, it gives what `decode` gives.

    Takes the whole body to tell whether it is encoded at all. Raises FormatError for damaged data
    and for what can't be undone read by read, LimitError beyond `limits.max_bytes`.
    """

    def __init__(
        self, body: bytes, content_encoding: str | None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        coding = (content_encoding or "").strip().lower()
        self._limits = limits
        self._size = 0
        self._found: list[bytes] = []
        self._undo: Callable[[bytes], object] | None = None
        if coding in ("gzip", "x-gzip", "deflate"):
            encoded = is_encoded(body, coding)
            if encoded or (coding == "deflate" and not _is_text(body)):
                self._window = _GZIP if coding != "deflate" else _ZLIB if encoded else _RAW_DEFLATE
                self._member = zlib.decompressobj(self._window)
                self._undo = self._inflate
        elif is_encoded(body, coding):
            if coding == "br":
                self._brotli = brotli.Decompressor()
                self._undo = self._unbrotli
            elif coding == "zstd":
                zstd = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
                self._undo = zstd.stream_writer(cast("IO[bytes]", self)).write
            else:
                raise FormatError(
                    f"expected one content coding (gzip, deflate, br, zstd), got {coding[:99]!r}"
                )

    def feed(self, data: bytes) -> bytes:
        """What these bytes decode to."""
        if self._undo is None:
            return data
        try:
            self._undo(data)
        except (zlib.error, brotli.error, zstandard.ZstdError) as error:
            raise FormatError(f"expected compressed data, but it is damaged ({error})") from None
        found = b"".join(self._found)
        self._found.clear()
        return found

    def write(self, part: bytes) -> int:
        """Take a decoded part; zstandard calls it."""
        self._size += len(part)
        _check(self._size, self._limits)
        self._found.append(bytes(part))
        return len(part)

    def _inflate(self, data: bytes) -> None:
        part = b""
        # A part as large as it may be leaves more to take, though all the input is taken.
        while data or len(part) == _STEP:
            if self._member.eof:
                if self._window != _GZIP or not data.startswith(GZIP_MAGIC):
                    return
                self._member = zlib.decompressobj(self._window)
            part = self._member.decompress(data, _STEP)
            self.write(part)
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def _unbrotli(self, data: bytes) -> None:
        part = self._brotli.process(data, output_buffer_limit=_STEP)
        while part:
            self.write(part)
            finished = self._brotli.is_finished()
            part = b"" if finished else self._brotli.process(b"", output_buffer_limit=_STEP)


def gunzip(data: bytes, limits: Limits) -> tuple[bytes, bool]:
    """All members of a gzip file, and whether the last one ended."""
    return _inflate(data, _GZIP, limits)


def unzstd(data: bytes, limits: Limits) -> tuple[bytes, bool]:
    """All frames of a zstd file, and whether the last one ended."""
    found: list[bytes] = []
    size = 0
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(
            io.BytesIO(data), read_across_frames=True
        )
        while part := reader.read(_STEP):
            size += len(part)
            _check(size, limits)
            found.append(part)
    except zstandard.ZstdError as error:
        raise FormatError(f"expected zstd data, but it is damaged ({error})") from None
    return b"".join(found), _zstd_ended(data)


def _zstd_ended(data: bytes) -> bool:
    """Whether the last frame is whole: the reader gives a cut one without a word.

    Source: RFC 8878, 3.1.1.
    """
    position = 0
    while data.startswith(ZSTD_MAGIC, position):
        descriptor = data[position + 4] if position + 4 < len(data) else 0
        single = descriptor >> 5 & 1
        content_size = (single, 2, 4, 8)[descriptor >> 6]
        position += 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + content_size
        last = 0
        while not last:
            header = data[position : position + 3]
            if len(header) < 3:
                return False
            value = int.from_bytes(header, "little")
            last = value & 1
            # A run-length block (type 1) stores one byte, whatever its size says.
            position += 3 + (1 if value >> 1 & 3 == 1 else value >> 3)
        position += 4 * (descriptor >> 2 & 1)
    return position <= len(data)


def _undo(body: bytes, coding: str, limits: Limits) -> bytes:
    if coding in ("", "identity") or not body:
        return body
    if coding in ("gzip", "x-gzip"):
        return gunzip(body, limits)[0] if body.startswith(GZIP_MAGIC) else body
    if coding == "zstd":
        return unzstd(body, limits)[0] if body.startswith(ZSTD_MAGIC) else body
    if coding == "deflate":
        if _has_zlib_header(body):
            return _inflate(body, _ZLIB, limits)[0]
        if _is_text(body):
            return body
        # Some servers send deflate without the zlib wrapper that RFC 9110, 8.4.1.2 asks for.
        return _inflate(body, _RAW_DEFLATE, limits)[0]
    if _is_text(body):
        return body
    if coding == "br":
        return _unbrotli(body, limits)
    raise FormatError(
        f"the body is in the content coding {coding!r}, which can't be undone here; "
        "record with accept-encoding: gzip, br, zstd or identity"
    )


def _unbrotli(data: bytes, limits: Limits) -> bytes:
    reader = brotli.Decompressor()
    found: list[bytes] = []
    size = 0
    try:
        part = reader.process(data, output_buffer_limit=_STEP)
        while part:
            size += len(part)
            _check(size, limits)
            found.append(part)
            # What is left is given without new input, until it is taken or was cut.
            part = b"" if reader.is_finished() else reader.process(b"", output_buffer_limit=_STEP)
    except brotli.error as error:
        raise FormatError(f"expected brotli data, but it is damaged ({error})") from None
    return b"".join(found)


def _inflate(data: bytes, window: int, limits: Limits) -> tuple[bytes, bool]:
    found: list[bytes] = []
    size = 0
    ended = False
    try:
        while data:
            member = zlib.decompressobj(window)
            while data and not member.eof:
                part = member.decompress(data, _STEP)
                data = member.unconsumed_tail
                size += len(part)
                _check(size, limits)
                found.append(part)
            if part := member.flush(_STEP):
                size += len(part)
                _check(size, limits)
                found.append(part)
            ended = member.eof
            # Zeros behind a member are padding, other bytes that begin none are not ours.
            data = member.unused_data if window == _GZIP else b""
            if not data.startswith(GZIP_MAGIC):
                break
    except zlib.error as error:
        raise FormatError(f"expected compressed data, but it is damaged ({error})") from None
    return b"".join(found), ended


def _check(size: int, limits: Limits) -> None:
    if size > limits.max_bytes:
        raise LimitError(
            f"decompresses to more than {limits.max_bytes} bytes; raise the limit if it is trusted"
        )


def _has_zlib_header(body: bytes) -> bool:
    return len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _is_text(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
