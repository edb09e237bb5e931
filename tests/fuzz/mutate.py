"""Real input, damaged: bytes, tokens, and JSON values."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from hypothesis import strategies as st

_MOST = 1 << 18

# What parsers trip over, put in anywhere.
TOKENS = (
    *(
        b"\0",
        b"\r",
        b"\n",
        b"\r\n",
        b"\n\n",
        b"\t",
        b" ",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
    ),
    *(b"data: ", b"data:", b"data", b"event: error\n", b"id: \0\n", b"retry: 99\n", b": x\n"),
    *(b"[DONE]", b"data: [DONE]\n\n", b'data: {"error": {"message": "x"}}\n\n'),
    *(b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"{}", b"[]"),
    *(b"\\ud800", b"\\ude00", b"\\u0000", b'"\\ud83d"', b"NaN", b"Infinity", b"-0", b"1e999"),
    *(b"-1", b"1000000000", b"9" * 5000, b"[" * 2000, b'{"a":' * 2000, b"]" * 2000),
    *(b"- ", b"? ", b"&a ", b"*a", b"<<: *a\n", b"!!python/name:os.system", b"!!binary ", b"|+\n"),
    *(b"---\n", b"...\n", b"%YAML 9\n", b"%00", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"),
)
# In the place of a JSON value, as JSON text: what no value of Python's encodes to is here too.
ODD = tuple(
    msgspec.Raw(text)
    for text in (
        *(b"null", b"true", b"false", b"0", b"-1", b"1.5", b"1000000000", b"1" + b"0" * 30),
        *(
            b"9" * 5000,
            b"1e999",
            b"-0.0",
            b"NaN",
            b'""',
            b'"a"',
            b'"0"',
            b'"\\ud800"',
            b'"\\ude00"',
        ),
        *(b'"\\u0000"', b'"\xff"', b'"' + b"x" * 5000 + b'"', b"[]", b"[[]]", b"[null]", b"[1]"),
        *(b"{}", b"[{}]", b'{"index": 0}', b'[{"index": -1}]', b'[{"index": 1e9}]', b'["a"]'),
        *(b'{"a": 1, "a": 2}', b"[" * 600 + b"]" * 600, b'{"a":' * 150 + b"1" + b"}" * 150),
    )
)
_KEYS = ("index", "id", "type", "delta", "content", "choices", "usage", "error", "role", "", "\0")
_place = st.integers(0, 1 << 16)


def _damage(data: bytes, how: str, at: int, length: int, token: bytes, other: bytes) -> bytes:
    at %= len(data) + 1
    end = min(at + length, len(data))
    match how:
        case "flip":
            return (
                data[:at] + bytes([data[at] ^ (1 << length % 8)]) + data[at + 1 :]
                if (at < len(data))
                else data
            )
        case "cut":
            return data[:at] + data[end:]
        case "end":
            return data[:at]
        case "duplicate":
            return data[:end] + data[at:end] + data[end:]
        case "splice":
            return data[:at] + other[at % (len(other) + 1) :]
        case _:
            return data[:at] + token + data[at:]


_damages = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", "flip", "cut", "end", "duplicate", "splice"]),
        _place,
        st.integers(0, 200),
        st.sampled_from(TOKENS),
    ),
    max_size=5,
)


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of these, with bytes flipped, cut, doubled, spliced with another, and tokens put in."""
    data = draw(st.sampled_from(seeds))
    for how, at, length, token in draw(_damages):
        other = draw(st.sampled_from(seeds)) if how == "splice" else b""
        data = _damage(data, how, at, length, token, other)[:_MOST]
    return data


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested lists and dicts, as a container and a key."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from _places(node[key])


def _change(values: list[Any], how: str, at: int, odd: msgspec.Raw, key: str) -> None:
    places = list(_places(values))
    if not places:
        return
    node, place = places[at % len(places)]
    match how:
        case "drop":
            del node[place]
        case "double" if isinstance(node, list):
            node.insert(place, copy.copy(node[place]))
        case "rename" if isinstance(node, dict):
            node[key] = node.pop(place)
        case "wrap":
            node[place] = [node[place]]
        case "take":
            # A value from elsewhere: of a type that is right somewhere.
            other, otherwhere = places[at // 7 % len(places)]
            node[place] = copy.deepcopy(other[otherwhere])
        case _:
            node[place] = odd


_changes = st.lists(
    st.tuples(
        st.sampled_from(["odd", "odd", "odd", "drop", "double", "rename", "wrap", "take"]),
        _place,
        st.sampled_from(ODD),
        st.sampled_from(_KEYS),
    ),
    max_size=5,
)


@st.composite
def odd_payloads(draw: st.DrawFn, seeds: Sequence[Sequence[Any]]) -> list[bytes]:
    """One of these streams of JSON values, with values of it dropped, doubled, moved, made odd."""
    values: list[Any] = copy.deepcopy(list(draw(st.sampled_from(seeds))))
    for how, at, odd, key in draw(_changes):
        _change(values, how, at, odd, key)
    return [msgspec.json.encode(value) for value in values]


@st.composite
def event_streams(draw: st.DrawFn, seeds: Sequence[Sequence[Any]]) -> bytes:
    """An event stream of odd payloads, framed in one of the ways there are."""
    payloads = draw(odd_payloads(seeds))
    end = draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b"\r"]))
    field = draw(st.sampled_from([b"data: ", b"data: ", b"data:", b"event: x" + end + b"data: "]))
    last = draw(st.sampled_from([b"data: [DONE]" + end * 2, b"", b"data: [DONE]", b": bye" + end]))
    return b"".join(field + payload + end * 2 for payload in payloads) + last
