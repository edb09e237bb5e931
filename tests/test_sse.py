"""The event stream: the standard's vectors, and losslessness at every split."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire import same_whole_and_bytewise, splits
from tokentape import sse

# Bytes that look enough like an event stream for every branch to be reached.
streams = st.lists(
    st.sampled_from(
        [
            b"data: ",
            b"data:",
            b"event: x",
            b"id: 7",
            b"id",
            b"retry: 10",
            b":",
            b"\n",
            b"\r",
            b"\r\n",
            b"\xef\xbb\xbf",
            b"a",
            b"\xe2\x98",
            b"\x83",
            b"\xff",
            b"\0",
            b" ",
            b"{}",
            b"[DONE]",
        ]
    ),
    max_size=40,
).map(b"".join)


def parse(reads: list[bytes]) -> list[sse.Event]:
    return sse.events(reads)


def load_vectors(shared: Path) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads((shared / "facts/sse_vectors.json").read_text())
    assert len(vectors) > 30
    return vectors


def wire_of(vector: dict[str, Any]) -> bytes:
    if "wire_hex" in vector:
        return bytes.fromhex(str(vector["wire_hex"]))
    return str(vector["wire"]).encode()


def test_the_vectors_hold_whole_and_byte_by_byte(shared: Path) -> None:
    for vector in load_vectors(shared):
        found = same_whole_and_bytewise(parse, wire_of(vector))
        as_data = [{"event": event.type, "data": event.data, "id": event.id} for event in found]
        assert as_data == vector["events"], vector["name"]


@given(st.data())
def test_the_vectors_hold_at_random_splits(shared: Path, data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(load_vectors(shared)))
    found = sse.events(data.draw(splits(wire_of(vector))))
    assert [event.data for event in found] == [e["data"] for e in vector["events"]]


@given(st.data(), streams)
def test_splits_never_change_the_events(data: st.DataObject, stream: bytes) -> None:
    assert sse.events(data.draw(splits(stream))) == sse.events(stream)


@given(streams | st.binary(max_size=200))
def test_frames_joined_are_the_stream(stream: bytes) -> None:
    found = sse.frames(stream)
    assert b"".join(found) == stream
    assert all(found)


@given(streams)
def test_offsets_cover_the_bytes_of_each_event(stream: bytes) -> None:
    position = 0
    for event in sse.events(stream):
        assert position <= event.start < event.end <= len(stream)
        assert stream[event.end - 1 : event.end] in (b"\n", b"\r")
        position = event.end


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"]),
        (b"data: 1\r\ndata: 2\r\n\r\n", [b"data: 1\r\ndata: 2\r\n\r\n"]),
        (b": hi\n\n\ndata: 1", [b": hi\n\n\n", b"data: 1"]),
        (b"", []),
    ],
)
def test_frames(stream: bytes, frames: list[bytes]) -> None:
    assert sse.frames(stream) == frames


def test_what_no_blank_line_closes_is_pending() -> None:
    reader = sse.EventReader()
    assert reader.feed(b"data: 1\n") == []
    assert reader.pending
    assert [event.data for event in reader.feed(b"\n")] == ["1"]
    assert not reader.pending


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")))
def test_a_rendered_frame_dispatches_its_data(text: str) -> None:
    assert [event.data for event in sse.events(sse.render(text))] == [text]


def test_a_retry_of_any_length_is_read() -> None:
    reader = sse.EventReader()
    reader.feed(b"retry: 2500\n\n")
    assert reader.retry_ms == 2500
    reader.feed(b"retry: " + b"9" * 5000 + b"\n")
    assert reader.retry_ms == 10**18 - 1
