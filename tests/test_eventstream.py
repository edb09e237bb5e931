"""Amazon's binary event stream: messages at every split, CRCs, and what is broken."""

import struct
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import same_whole_and_bytewise, splits
from tokentape import eventstream
from tokentape.errors import FormatError
from tokentape.eventstream import MAX_HEADERS, MAX_PAYLOAD, Message, MessageReader


def header(name: bytes, kind: int, value: bytes = b"") -> bytes:
    return bytes([len(name)]) + name + bytes([kind]) + value


def text(name: bytes, value: bytes) -> bytes:
    return header(name, 7, struct.pack(">H", len(value)) + value)


def lengths(total: int, headers: int) -> bytes:
    prelude = struct.pack(">II", total, headers)
    return prelude + struct.pack(">I", crc32(prelude))


def message(headers: bytes = b"", payload: bytes = b"{}") -> bytes:
    body = lengths(16 + len(headers) + len(payload), len(headers)) + headers + payload
    return body + struct.pack(">I", crc32(body))


ALL_TYPES = b"".join(
    (
        header(b"true", 0),
        header(b"false", 1),
        header(b"byte", 2, b"\xff"),
        header(b"short", 3, b"\xff\xfe"),
        header(b"integer", 4, b"\x00\x00\x01\x00"),
        header(b"long", 5, b"\x80" + bytes(7)),
        header(b"bytes", 6, b"\x00\x02\x00\xff"),
        text(b"text", "ü".encode()),
        header(b"timestamp", 8, struct.pack(">q", 1_600_000_000_000)),
        header(b"uuid", 9, bytes(range(16))),
    )
)
VALUES: dict[str, Any] = {
    "true": True,
    "false": False,
    "byte": -1,
    "short": -2,
    "integer": 256,
    "long": -(2**63),
    "bytes": b"\x00\xff",
    "text": "ü",
    "timestamp": 1_600_000_000_000,
    "uuid": UUID(bytes=bytes(range(16))),
}
STREAM = (
    message(ALL_TYPES, b"")
    + message()
    + message(text(b":event-type", b"chunk"), b'{"bytes":""}' * 20)
)


def read(reads: list[bytes]) -> tuple[list[Message], str, int]:
    """The messages, what is broken, and what is pending."""
    reader = MessageReader()
    found = [message for data in reads for message in reader.feed(data)]
    return found, str(reader.broken or ""), reader.pending


def test_messages_whole_and_byte_by_byte() -> None:
    found, broken, pending = same_whole_and_bytewise(read, STREAM)
    assert (broken, pending) == ("", 0)
    assert found[0].headers == VALUES
    assert [type(value) for value in found[0].headers.values()] == [*map(type, VALUES.values())]
    assert [message.payload for message in found] == [b"", b"{}", b'{"bytes":""}' * 20]
    assert found[2].text(":event-type") == "chunk"
    assert found[2].text("text") == found[0].text("byte") == ""
    assert [STREAM[m.start : m.end] for m in found] == [
        message(ALL_TYPES, b""),
        message(),
        STREAM[found[2].start :],
    ]
    assert eventstream.messages(STREAM) == found


@given(st.data(), st.integers(0, len(STREAM)))
def test_splits_never_change_the_messages(data: st.DataObject, end: int) -> None:
    cut = STREAM[:end]
    assert read(data.draw(splits(cut))) == read([cut])


HEADERS = st.dictionaries(
    st.text(st.characters(codec="ascii"), min_size=1, max_size=5),
    st.text(max_size=5),
    max_size=3,
)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=40)), max_size=4))
def test_it_reads_what_amazon_s_own_reader_reads(
    parts: list[tuple[dict[str, str], bytes]],
) -> None:
    stream = b"".join(
        message(b"".join(text(k.encode(), v.encode()) for k, v in headers.items()), payload)
        for headers, payload in parts
    )
    theirs = EventStreamBuffer()
    theirs.add_data(stream)
    ours = eventstream.messages(stream)
    assert [(m.headers, m.payload) for m in ours] == [(m.headers, m.payload) for m in theirs]
    assert eventstream.count(stream) == len(parts)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@given(st.integers(0, len(STREAM) - 1), st.data())
def test_a_flipped_bit_is_never_read_over(at: int, data: st.DataObject) -> None:
    damaged = flipped(STREAM, at)
    whole = eventstream.messages(STREAM)
    found, broken, _ = read(data.draw(splits(damaged)))
    before = [message for message in whole if message.end <= at]
    assert found == before
    assert "CRC" in broken
    assert eventstream.count(damaged) == len(before)
    with pytest.raises(FormatError, match="CRC"):
        eventstream.messages(damaged)


BROKEN = [
    (lengths(15, 0), "at byte 0, got one that says 0 and -1"),
    (lengths(MAX_PAYLOAD + 17, 0), f"at byte 0, got one that says 0 and {MAX_PAYLOAD + 1}"),
    (lengths(2**32 - 1, 0), "got one that says 0 and 4294967279"),
    (lengths(MAX_HEADERS + 17, MAX_HEADERS + 1), "got one that says 131073 and 0"),
    (lengths(16, 1), "got one that says 1 and -1"),
    (b"data: {}\n\n\n\n", "two lengths at byte 8, got 0x0a0a0a0a: damaged, or no vnd.amazon"),
    (message() + message(header(b"x", 10)), "header at byte 30, got a value of type 10"),
    (message(header(b"x", 4, b"\0")), "at byte 12, got one that needs 3 bytes more than there"),
    (message(header(b"x", 7, b"\0\x09abc")), "needs 6 bytes more"),
    (message(b"\x05ab"), "needs 3 bytes more"),
    (message(b"\x01a"), "needs 1 bytes more"),
    (message(text(b"x", b"\xff")), "UTF-8 in the header at byte 12"),
    (message(text(b"\xff", b"x")), "UTF-8 in the header at byte 12"),
    (message(text(b"a", b"1") + text(b"a", b"2")), "got 'a' again at byte 18"),
]


@pytest.mark.parametrize(("stream", "says"), BROKEN)
def test_what_is_broken_is_said_with_its_place(stream: bytes, says: str) -> None:
    _, broken, _ = same_whole_and_bytewise(read, stream)
    assert says in broken
    with pytest.raises(FormatError) as caught:
        eventstream.messages(stream)
    assert str(caught.value) == broken


def test_a_stream_that_was_cut_says_where() -> None:
    with pytest.raises(FormatError, match="at byte 18, but the stream ends 13 bytes into it"):
        eventstream.messages([message(), message()[:13]])
    assert eventstream.count(message() + message()[:13]) == 1


def test_nothing_is_read_behind_what_is_broken() -> None:
    reader = MessageReader()
    assert len(reader.feed(message() + flipped(message(), 3))) == 1
    assert reader.broken is not None
    assert reader.feed(message()) == []
    assert reader.pending == 0


@given(st.binary(max_size=200))
def test_any_bytes_give_messages_or_what_is_broken(data: bytes) -> None:
    found, _, _ = same_whole_and_bytewise(read, data)
    assert eventstream.count(data) == len(found)
