"""Bytes to messages: Amazon's binary event stream (`application/vnd.amazon.eventstream`).

A message is its length, the length of its headers and a CRC of the two, then headers, payload and
a CRC of all before it; integers are big-endian.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html; the limits are botocore's.
"""

import struct
from collections.abc import Iterable
from uuid import UUID
from zlib import crc32

import msgspec

from tokentape.errors import FormatError

HeaderValue = bool | int | str | bytes | UUID

MAX_HEADERS = 128 * 1024
MAX_PAYLOAD = 24 * 1024 * 1024

_NAME = "vnd.amazon.eventstream"
_PRELUDE = 12
_AROUND = _PRELUDE + 4  # prelude and message CRC: the length of an empty message
_LENGTHS = struct.Struct(">III")
# Of the header types, those of one size. The others are 0 and 1, true and false, which have no
# bytes, and 6 and 7, bytes and text, which say their length.
_INTEGERS = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8}
_BYTES, _TEXT, _UUID = 6, 7, 9


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message. `start` and `end` are byte offsets into the stream.

    A timestamp among the headers is an integer, milliseconds since 1970 in UTC.
    """

    headers: dict[str, HeaderValue]
    payload: bytes
    start: int = 0
    end: int = 0

    def text(self, name: str) -> str:
        """A header that holds text, such as `:event-type`; "" where there is none."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class MessageReader:
    """Feed bytes as they come; get the messages they complete.

    `broken` says what is wrong where the bytes stopped being such a stream: nothing behind that
    place is read, since no message there has a known beginning.
    """

    def __init__(self) -> None:
        self.broken: FormatError | None = None
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte in the stream
        self._wanted = _PRELUDE

    @property
    def pending(self) -> int:
        """How many bytes came of a message that is not whole yet; 0 in a stream that is broken."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that these bytes complete, in order, up to the place that is broken."""
        found: list[Message] = []
        if self.broken is not None:
            return found
        self._buffer += data
        if len(self._buffer) < self._wanted:
            return found
        whole = bytes(self._buffer)
        position = 0
        try:
            while True:
                offset = self._offset + position
                self._wanted = _PRELUDE
                if len(whole) - position < _PRELUDE:
                    break
                self._wanted = _length(whole, position, offset)
                if len(whole) - position < self._wanted:
                    break
                found.append(_message(whole, position, self._wanted, offset))
                position += self._wanted
        except FormatError as error:
            self.broken = error
            position = len(whole)
        del self._buffer[:position]
        self._offset += position
        return found


def messages(chunks: bytes | Iterable[bytes]) -> list[Message]:
    """All messages of a whole stream, given as one body or as its reads.

    Raises FormatError, with the offset, where the stream is broken or ends within a message.
    """
    reader = MessageReader()
    found: list[Message] = []
    for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
        found += reader.feed(chunk)
    if reader.broken is not None:
        raise reader.broken
    if reader.pending:
        at = found[-1].end if found else 0
        raise FormatError(
            f"expected a whole message of an event stream at byte {at}, "
            f"but the stream ends {reader.pending} bytes into it; it was cut"
        )
    return found


def count(body: bytes) -> int:
    """How many whole messages these bytes begin with, CRCs checked, headers not looked into."""
    found = position = 0
    try:
        while position + _PRELUDE <= len(body):
            length = _length(body, position, position)
            if position + length > len(body):
                break
            _check_message(body, position, length, position)
            position += length
            found += 1
    except FormatError:
        pass
    return found


def _length(data: bytes, at: int, offset: int) -> int:
    """The length of the message that begins here, at `offset` in the stream."""
    length, headers, crc = _LENGTHS.unpack_from(data, at)
    found = crc32(data[at : at + 8])
    if found != crc:
        raise FormatError(
            f"expected the CRC {found:#010x} of a message's two lengths at byte {offset + 8}, "
            f"got {crc:#010x}: damaged, or no {_NAME}"
        )
    payload = length - headers - _AROUND
    if payload < 0 or headers > MAX_HEADERS or payload > MAX_PAYLOAD:
        raise FormatError(
            f"expected a message of at most {MAX_HEADERS} bytes of headers and {MAX_PAYLOAD} of "
            f"payload at byte {offset}, got one that says {headers} and {payload}"
        )
    return int(length)


def _check_message(data: bytes, at: int, length: int, offset: int) -> None:
    end = at + length - 4
    crc = int.from_bytes(data[end : end + 4], "big")
    found = crc32(memoryview(data)[at:end])
    if found != crc:
        raise FormatError(
            f"expected the CRC {found:#010x} of the message of bytes {offset} to "
            f"{offset + length} at its end, got {crc:#010x}: it is damaged"
        )


def _message(data: bytes, at: int, length: int, offset: int) -> Message:
    _check_message(data, at, length, offset)
    headers_end = at + _PRELUDE + int.from_bytes(data[at + 4 : at + 8], "big")
    return Message(
        headers=_headers(data[at + _PRELUDE : headers_end], offset + _PRELUDE),
        payload=data[headers_end : at + length - 4],
        start=offset,
        end=offset + length,
    )


def _headers(data: bytes, offset: int) -> dict[str, HeaderValue]:
    found: dict[str, HeaderValue] = {}
    position = 0
    while position < len(data):
        began = position
        try:
            name, position = _sized(data, position, 1)
            kind, position = _taken(data, position, 1)
            value, position = _value(data, position, kind[0])
            key = name.decode("utf-8")
        except UnicodeDecodeError:
            raise FormatError(
                f"expected UTF-8 in the header at byte {offset + began}, got other bytes"
            ) from None
        except _HeaderError as error:
            raise FormatError(f"expected a header at byte {offset + began}, got {error}") from None
        if key in found:
            raise FormatError(
                f"expected each header once, got {key!r} again at byte {offset + began}"
            )
        found[key] = value
    return found


class _HeaderError(Exception):
    """What is wrong with a header, for the one who knows where it stands."""


def _value(data: bytes, at: int, kind: int) -> tuple[HeaderValue, int]:
    if kind in (0, 1):
        return kind == 0, at
    if kind in (_BYTES, _TEXT):
        value, at = _sized(data, at, 2)
        return (value if kind == _BYTES else value.decode("utf-8")), at
    if kind == _UUID:
        value, at = _taken(data, at, 16)
        return UUID(bytes=value), at
    if kind not in _INTEGERS:
        raise _HeaderError(f"a value of type {kind}, where 0 to 9 are known")
    value, at = _taken(data, at, _INTEGERS[kind])
    return int.from_bytes(value, "big", signed=True), at


def _sized(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Bytes behind their length, an integer of `size` bytes; and the place behind them."""
    length, at = _taken(data, at, size)
    return _taken(data, at, int.from_bytes(length, "big"))


def _taken(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if at + size > len(data):
        raise _HeaderError(f"one that needs {at + size - len(data)} bytes more than there are")
    return data[at : at + size], at + size
