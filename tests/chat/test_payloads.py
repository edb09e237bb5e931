"""The payloads of a stream: the short way for plain frames gives what the general one gives."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.samples import DONE, chunk
from tokentape import sse
from tokentape.chat import payloads
from tokentape.chat.payloads import NotJson, parse_json, stream_payloads


def by_events(body: bytes) -> list[Any]:
    """Each event's payload, one by one and as the standard reads them."""
    found = []
    for event in sse.events(body):
        value = parse_json(event.data)
        missing = value is None and event.data.strip() != "null"
        found.append(NotJson(event.data) if missing else value)
    return found


FRAMES = [
    chunk("Yes"),
    chunk("é"),
    DONE,
    *(b"data: %s\n\n" % data for data in (b"null", b"", b" 1", b'{"a":1}{"b":2}', b"[1", b"2]")),
    b'data: {"a":[1\n\n',
    b"data: 2]],[[3\n\n",
    b'data: "\xff"\n\n',
    b'data: "\\ud83d"\n\n',
    b'data: "\xed\xa0\xbd"\n\n',
    b'data: {"a":\ndata: 1}\n\n',
    b"data:1\n\n",
    b"data: 1\r\n\r\n",
    b"data: 1\r\r",
    b"data: 1\n\n\n",
    b"\n",
    b": ping\n\n",
    b"event: error\ndata: {}\n\n",
    b"data: data: 1\n\n",
    b"id: 1\n",
    b"\xef\xbb\xbf",
    b"data: 1",
    b"data: " + b"9" * 5000 + b"\n\n",
    b"data: " + b"[" * 2000 + b"]" * 2000 + b"\n\n",
]


def same(found: list[Any]) -> list[str]:
    return [repr(value) for value in found]


@pytest.mark.parametrize("size", [1, 7, 40, 1 << 16])
@settings(max_examples=60)
@given(frames=st.lists(st.sampled_from(FRAMES), max_size=12))
@example(frames=[chunk("a"), chunk("b"), DONE])
@example(frames=[b'data: {"a":[1\n\n', b"data: 2]],[[3\n\n"])
@example(frames=[chunk("a"), b"\xef\xbb\xbf", chunk("b"), DONE])
def test_frames_give_what_their_events_give(frames: list[bytes], size: int) -> None:
    body = b"".join(frames)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "_SLICE", size)
        assert same(list(stream_payloads(body))) == same(by_events(body))


@given(st.binary(max_size=60), st.integers(1, 30))
def test_any_bytes_give_what_their_events_give(body: bytes, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payloads, "_SLICE", size)
        assert same(list(stream_payloads(body))) == same(by_events(body))


def test_a_plain_stream_takes_the_short_way() -> None:
    frames = [chunk("Yes")] * 3
    assert payloads._plain(b"".join([*frames, DONE])) == [
        *(json.loads(frame[6:]) for frame in frames),
        NotJson("[DONE]"),
    ]
    for odd in (b": ping\n\n", b"data:1\n\n", b"data: 1\ndata: 2\n\n", b"data: 1\r\n\r\n"):
        assert payloads._plain(b"".join([*frames, odd, DONE])) == []


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'"\\ud83d"', "\ud83d"),
        (b'"\\uD83D\\uDE00"', "😀"),
        ('["\\uDE00", 1]', ["\ude00", 1]),
        (b'["\\ud83d", NaN]', None),
        (b'["\\ud83d", ' + b"9" * 5000 + b"]", None),
        (b'["\\ud83d", ' + b"[" * 100_000, None),
        (b'"\\ud83d" \xff', None),
        ("\ud83d", None),
        (b"NaN", None),
        (b"", None),
        (b"null", None),
        (b"12345678901234567890123", 12345678901234567890123),
    ],
)
def test_parse_json(data: str | bytes, value: Any) -> None:
    assert parse_json(data) == value
