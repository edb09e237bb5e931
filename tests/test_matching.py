"""Which recording answers a request, and what a miss says."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.errors import FormatError
from tokentape.matching import (
    UNOBSCURED,
    USAGE,
    Matcher,
    Miss,
    Reason,
    ask,
    body_key,
    canonical,
    explain,
    operation,
    toggled,
)
from tokentape.matching.explain import differences

CHAT = "/chat/completions"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.openai.com/v1/chat/completions", CHAT),
        ("/openai/v1/v1/chat/completions", CHAT),
        ("/api/v1/chat/completions?x=1", CHAT),
        ("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", CHAT),
        ("http://[::1]:80/chat/completions/", CHAT),
        ("/v1/chat/completions#there", CHAT),
        ("https://api.openai.com/v1/completions", "/completions"),
        ("/v1/responses", "/responses"),
        ("/v1/messages", "/messages"),
        ("/v1/messages?beta=true", "/messages"),
        ("/v1/messages/count_tokens", "/messages/count_tokens"),
        ("https://api.groq.com/openai/v1/files/a?y=2&x=1", "/v1/files/a?x=1&y=2"),
        ("/groq/v1/files/a?x=1&y=2", "/v1/files/a?x=1&y=2"),
        ("/v10/files", "/v10/files"),
        ("/v1/embeddings", "/embeddings"),
        ("/v1/models", "/models"),
        ("/v1/moderations", "/moderations"),
        ("/v2/rerank", "/rerank"),
        ("/v1/images/generations", "/images/generations"),
        ("/v1/audio/speech", "/audio/speech"),
        ("/v1/audio/transcriptions", "/audio/transcriptions"),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent",
            "/models/gemini-2.5-pro:generateContent",
        ),
        (
            "/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse",
            "/models/g:streamGenerateContent",
        ),
        ("/v1beta/models/g%3AgenerateContent", "/models/g:generateContent"),
        ("/v1/models/gpt-4o", "/v1/models/gpt-4o"),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/a.b-v1%3A0/converse-stream",
            "/model/a.b-v1:0/converse-stream",
        ),
        ("vertexai:///generate_content", "/generate_content"),
        ("vertexai:///generate_content_stream", "/generate_content_stream"),
        ("https://host/search?b=2&a=1", "/search?a=1&b=2"),
        ("/search?a=1&b=2", "/search?a=1&b=2"),
        ("https://host", "/"),
        ("https://host?b&a", "/?a&b"),
        ("/redirect?to=https://host/v1/models", "/redirect?to=https://host/v1/models"),
        ("/v1/xchat/completions", "/completions"),
        ("", "/"),
        ("*", "*"),
    ],
)
def test_operation(url: str, expected: str) -> None:
    assert operation(url) == expected


@given(st.text())
def test_any_path_asks_for_the_same_at_every_host(path: str) -> None:
    asked = operation("/" + path)
    assert asked.startswith("/")
    assert operation("https://host/" + path) == asked
    assert operation("/" + path + "#a fragment") == asked


@given(st.text())
def test_any_text_has_an_operation(url: str) -> None:
    assert operation(url)
    before = url.partition("#")[0].partition("?")[0]
    assert operation(before + "/chat/completions?" + url) == "/chat/completions"


SAME = [
    (b'{"a": 1, "b": [1, {"c": null}]}', b'{"b":[1,{"c":null}],\n"a":1}'),
    (b'{"a": 1}', b'{"a": 1.0}'),
    (b'{"a": 100}', b'{"a": 1e2}'),
    (b'{"a": 0}', b'{"a": -0.0}'),
    (b'{"a": 100000000000000000000}', b'{"a": 1e20}'),
    (b'{"a": 1}', b'{"a": 1, "stream": false}'),
    (b'{"a": 1}', b'{"a": 1, "stream": null}'),
    (b'{"stream": true}', b'{"stream": true, "stream_options": {"include_usage": true}}'),
    (b'{"a": 1, "k": 2}', b'{"a": 1, "extra_body": {"k": 2}}'),
    (b'{"a": 2}', b'{"a": 1, "extra_body": {"a": 2, "stream": false}}'),
    (b'{"a": "\xc3\xa9\\n"}', b'{"a": "\\u00e9\\u000a"}'),
    (b'{"a": "\\ud83d\\ude00"}', '{"a": "😀"}'.encode()),
]
DIFFERENT = [
    (b'{"a": 1}', b'{"a": "1"}'),
    (b'{"a": 1}', b'{"a": true}'),
    (b'{"a": 0}', b'{"a": false}'),
    (b'{"a": 1}', b'{"a": 1.5}'),
    (b'{"a": [1, 2]}', b'{"a": [2, 1]}'),
    (b'{"a": null}', b"{}"),
    (b'{"stream": true}', b"{}"),
    (b'{"a": {"stream": false}}', b'{"a": {}}'),
    (
        b'{"a": 123456789012345678901234567890}',
        b'{"a": 123456789012345678901234567891}',
    ),
    (b"", b"{}"),
    (b"{oh", b"{ oh"),
    (b'{"a": NaN}', b'{"a":NaN}'),
    (b'"\xff"', b'"\xfe"'),
    (b'"\\ud800"', b'"\\ud801"'),
    (b"[" * 5_000 + b"]" * 5_000, b"[" * 5_001 + b"]" * 5_001),
    (b"1" * 5_000, b"1" * 5_001),
    (b"1e999", b"1e998"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_bodies_that_ask_the_same(first: bytes, second: bytes) -> None:
    assert canonical(first) == canonical(second)
    assert body_key(first) == body_key(second) == ask(first).key == ask(second).key


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_bodies_that_do_not(first: bytes, second: bytes) -> None:
    assert body_key(first) != body_key(second)
    assert ask(first).key != ask(second).key


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def shuffled(value: Any, seed: Any) -> Any:
    if isinstance(value, dict):
        keys = list(value)
        seed.shuffle(keys)
        return {key: shuffled(value[key], seed) for key in keys}
    if isinstance(value, list):
        return [shuffled(one, seed) for one in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53:
        return float(value) if seed.random() < 0.5 else value
    return value


@given(st.dictionaries(st.text(max_size=4), JSON), st.randoms(use_true_random=False))
def test_order_white_space_and_the_way_of_numbers_do_not_count(
    value: dict[str, Any], seed: Any
) -> None:
    one = json.dumps(value).encode()
    other = json.dumps(
        shuffled(value, seed), indent=seed.choice([None, 1]), ensure_ascii=seed.random() < 0.5
    ).encode("utf-8", "surrogatepass")
    if b"\\ud" not in one:
        assert body_key(one) == body_key(other)


@given(st.binary())
def test_any_bytes_have_a_key(body: bytes) -> None:
    key = body_key(body)
    assert key is not None
    assert len(key) == 16
    assert ask(body).key == key


def test_an_unknown_body_has_no_key() -> None:
    assert body_key(None) is None


def test_what_is_asked() -> None:
    asked = ask(b'{"model": "m", "stream": true}')
    assert (asked.model, asked.streaming) == ("m", True)
    asked = ask(b'{"model": 3, "stream": 1}')
    assert (asked.model, asked.streaming) == ("", False)
    assert ask(b"[]").model == ask(b"{oh").model == ""


OPTIONS: list[tuple[Any, int]] = [
    ({}, 0),
    ({"include_usage": True}, USAGE),
    ({"include_usage": False, "include_obfuscation": True}, 0),
    ({"include_usage": True, "include_obfuscation": False}, USAGE | UNOBSCURED),
    ({"include_usage": 1, "include_obfuscation": None}, 0),
    (None, 0),
    ([True], 0),
]


@pytest.mark.parametrize(("given", "wanted"), OPTIONS)
def test_what_is_asked_of_a_stream(given: Any, wanted: int) -> None:
    def options(**body: Any) -> int:
        return ask(json.dumps(body).encode()).options

    assert options(stream=True, stream_options=given) == wanted
    assert options(stream=True, extra_body={"stream_options": given}) == wanted
    # Without a stream they ask for nothing.
    assert options(stream=False, stream_options=given) == options(stream_options=given) == 0


@dataclass(frozen=True)
class Entry:
    body: bytes | None = b"{}"
    path: str = "a.tape.jsonl"
    exchange: int = 0
    scope: str = "a"
    method: str = "POST"
    operation: str = CHAT
    model: str = ""
    streaming: bool = False

    @property
    def body_key(self) -> bytes | None:
        return body_key(self.body)


def found(matcher: Matcher[Entry], body: bytes = b"{}", **more: Any) -> int | Reason:
    asked = ask(body)
    answer = matcher.find(
        more.get("method", "POST"),
        more.get("operation", CHAT),
        asked.key,
        more.get("scope"),
        asked.model,
        asked.streaming,
    )
    return answer.reason if isinstance(answer, Miss) else answer.exchange


@pytest.mark.parametrize(
    ("exhausted", "expected"),
    [
        ("last", [0, 1, 2, 2, 2]),
        ("cycle", [0, 1, 2, 0, 1, 2, 0]),
        ("error", [0, 1, 2, Reason.EXHAUSTED, Reason.EXHAUSTED]),
    ],
)
def test_identical_requests_in_recorded_order(exhausted: Any, expected: list[int | Reason]) -> None:
    matcher = Matcher([Entry(exchange=number) for number in range(3)], exhausted)
    assert [found(matcher) for _ in expected] == expected


@pytest.mark.parametrize(
    ("exhausted", "expected"),
    [("last", [0, 2, 2]), ("cycle", [0, 2, 0]), ("error", [0, 2, None])],
)
def test_what_is_found_aside_uses_up_nothing(exhausted: Any, expected: list[int | None]) -> None:
    body = b'{"stream": true}'
    entries = [Entry(body, exchange=number, streaming=number != 1) for number in range(3)]
    matcher = Matcher(entries, exhausted)

    def aside(scope: str | None = None) -> int | None:
        key = toggled(b"{}")
        assert key is not None
        entry = matcher.find_aside("POST", CHAT, key, scope, "", True, lambda e: e.streaming)
        return None if entry is None else entry.exchange

    assert [aside() for _ in expected] == expected
    assert [found(matcher, body) for _ in range(3)] == [0, 1, 2]
    assert aside(scope="b") is None
    matcher.add(Entry(body, exchange=3))
    matcher.add(Entry(body, exchange=4, streaming=True))
    if exhausted != "cycle":
        assert aside() == 4


def test_a_recording_that_does_not_know_its_request_is_found_aside() -> None:
    entry = Entry(None, exchange=7, model="gpt-4o-2024-08-06", streaming=True, operation="")
    matcher = Matcher([entry])
    find = matcher.find_aside
    assert find("POST", CHAT, b"k", None, "gpt-4o", True, lambda e: True) is entry
    assert find("POST", CHAT, b"l", None, "gpt-4o", False, lambda e: True) is None
    assert find("POST", CHAT, b"m", None, "gpt-4o", True, lambda e: False) is None


def test_each_scope_has_an_order_of_its_own() -> None:
    matcher = Matcher([Entry(exchange=at, scope="ab"[at % 2]) for at in range(4)])
    assert [found(matcher, scope="b") for _ in range(3)] == [1, 3, 3]
    assert [found(matcher) for _ in range(5)] == [0, 1, 2, 3, 3]
    assert found(matcher, scope="a") == 0


def test_method_and_operation_count() -> None:
    matcher = Matcher([Entry()])
    assert found(matcher, method="GET") is Reason.UNMATCHED
    assert found(matcher, operation="/completions") is Reason.UNMATCHED
    assert found(matcher, scope="b") is Reason.SCOPE
    assert found(Matcher([])) is Reason.EMPTY


ASKED = b'{"model": "gpt-4o", "stream": true}'
UNKNOWN = Entry(None, exchange=7, model="gpt-4o-2024-08-06", streaming=True, operation="")


@pytest.mark.parametrize(
    ("others", "unknown", "body", "expected"),
    [
        ([Entry()], UNKNOWN, ASKED, 7),
        ([Entry(ASKED, exchange=1)], UNKNOWN, ASKED, 1),
        ([Entry()], UNKNOWN, b'{"model": "gpt-4", "stream": true}', Reason.UNMATCHED),
        ([Entry()], UNKNOWN, b'{"stream": true}', Reason.UNMATCHED),
        ([], UNKNOWN, b'{"model": "other", "stream": true}', 7),
        ([], UNKNOWN, b'{"model": "gpt-4o"}', Reason.UNMATCHED),
    ],
)
def test_a_recording_that_does_not_know_its_request(
    others: list[Entry], unknown: Entry, body: bytes, expected: int | Reason
) -> None:
    assert found(Matcher([unknown, *others]), body) == expected


def test_recordings_that_do_not_know_their_requests_share_one_order() -> None:
    unknown = [Entry(None, exchange=at, streaming=True) for at in range(2)]
    matcher = Matcher(unknown, "error")
    asked = [b'{"stream": true, "n": %d}' % number for number in range(3)]
    assert [found(matcher, body) for body in asked] == [0, 1, Reason.EXHAUSTED]


def test_a_scope_of_unknown_requests_answers_any_model() -> None:
    matcher = Matcher([UNKNOWN, Entry(scope="b")])
    body = b'{"model": "other", "stream": true}'
    assert found(matcher, body, scope="a") == 7
    assert found(matcher, body) is Reason.UNMATCHED


@pytest.mark.parametrize(
    ("expected", "got", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, ["a"]),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3, 4]}}, ["a.b[1]", "a.b[2]"]),
        ({"x y": 1, "b": 1}, {"b": 1}, ['["x y"]']),
        ({}, {"new": 1}, ["new"]),
        ([1], {"a": 1}, ["the whole body"]),
        ({"m": [{"c": "a"}]}, {"m": [{"c": "b"}]}, ["m[0].c"]),
    ],
)
def test_differences(expected: Any, got: Any, paths: list[str]) -> None:
    assert [path for path, _, _ in differences(expected, got)] == paths


def test_differences_of_deep_and_of_large_values_are_bounded() -> None:
    deep: Any = 1
    other: Any = 2
    for _ in range(20_000):
        deep, other = [deep], [other]
    assert len(differences(deep, other)) == 1
    assert len(differences([0] * 5_000, [1] * 5_000)) == 1_000


def why(entries: list[Entry], body: bytes, **more: Any) -> Any:
    asked = ask(body)
    matcher = Matcher(entries, more.pop("exhausted", "last"))
    place = {"method": "POST", "operation": CHAT, "scope": None, **more}
    for _ in range(more.get("times", 1)):
        miss = matcher.find(
            place["method"],
            place["operation"],
            asked.key,
            place["scope"],
            asked.model,
            asked.streaming,
        )
    assert isinstance(miss, Miss)
    return explain(entries, miss, body, "/v1/chat/completions", lambda entry: entry.body)


def chat(text: str, **more: Any) -> bytes:
    body = {"model": "m", "messages": [{"role": "user", "content": text}], **more}
    return json.dumps(body).encode()


def test_the_nearest_are_ranked_by_how_many_paths_differ() -> None:
    entries = [
        Entry(chat("far", temperature=1, top_p=1), exchange=0, model="m"),
        Entry(chat("near"), exchange=1, model="m"),
        Entry(chat("mid", temperature=1), exchange=2, model="m"),
        Entry(b'{"other": 1}', exchange=3, model="x", operation="/embeddings"),
    ]
    told = why(entries, chat("asked"))
    assert [near.exchange for near in told.nearest] == [1, 2, 0]
    assert [near.differences for near in told.nearest] == [1, 2, 3]
    (difference,) = told.differs
    assert (difference.path, difference.expected, difference.got) == (
        "messages[0].content",
        '"near"',
        '"asked"',
    )
    assert 'messages[0].content\n    recorded "near"\n    got      "asked"' in told.message


def test_long_texts_are_cut_to_where_they_part() -> None:
    told = why([Entry(chat("x" * 500 + "recorded"), model="m")], chat("x" * 500 + "got"))
    (difference,) = told.differs
    assert "recorded" in difference.expected
    assert "got" in difference.got
    assert len(difference.expected) < 80


def test_bodies_that_are_no_json_are_cut_to_where_they_part() -> None:
    told = why([Entry(b"x" * 500 + b"recorded\xff", model="")], b"x" * 500 + b"got\xff")
    (difference,) = told.differs
    assert difference.path == "the whole body"
    assert "recorded\ufffd" in difference.expected
    assert "got\ufffd" in difference.got
    assert len(difference.expected) < 80


def test_the_byte_that_is_not_utf_8_is_the_one_of_the_body() -> None:
    assert "byte 7 of 10" in why([Entry(b"{}")], b'{"ab":"\xff"}').message


def test_no_more_of_a_long_list_is_compared_than_is_told() -> None:
    class Counted(list[int]):
        asked = 0

        def __iter__(self) -> Iterator[int]:
            for item in super().__iter__():
                self.asked += 1
                yield item

    long = Counted(range(100_000))
    assert len(differences([], long)) == 1_000
    assert long.asked == 1_000


@pytest.mark.parametrize(
    ("entry", "asked", "says"),
    [
        (Entry(b"{}", method="PUT"), {}, "only this differs: recorded with method PUT"),
        (
            Entry(b"{}", operation="/completions"),
            {},
            "only this differs: recorded for /completions",
        ),
        (Entry(b'{"stream": true}'), {}, "differs only in `stream`"),
    ],
)
def test_when_only_one_thing_differs_the_miss_names_it(
    entry: Entry, asked: dict[str, Any], says: str
) -> None:
    near = why([Entry(chat("b"), exchange=1), entry], b"{}", **asked).nearest[0]
    assert near.exchange == 0
    assert near.says == says


def test_a_request_recorded_in_another_scope() -> None:
    entries = [Entry(scope="one"), Entry(chat("b"), scope="two")]
    told = why(entries, b"{}", scope="two")
    assert told.nearest[0].says == "only this differs: recorded in scope 'one'"


def test_a_scope_that_is_not_there_names_the_nearest() -> None:
    entries = [Entry(scope=f"tests/test_{name}") for name in ("chat", "tools", "errors")]
    told = why(entries, b"{}", scope="tests/test_tool")
    assert "'tests/test_tools'" in told.message
    assert [near.scope for near in told.nearest] == [entry.scope for entry in entries]
    assert told.nearest[0].says == "only this differs: recorded in scope 'tests/test_chat'"


def test_used_up_says_how_often() -> None:
    told = why([Entry()], b"{}", exhausted="error", times=2)
    assert "recorded 1 time(s)" in told.message
    assert "--exhausted last" in told.message
    assert [near.says for near in told.nearest] == ["the same request"]


def test_a_recording_that_can_not_be_read_is_named() -> None:
    def gone(entry: Entry) -> bytes | None:
        raise FormatError("it is gone")

    entries = [Entry()]
    miss = Matcher(entries).find("POST", CHAT, ask(b"[]").key)
    assert isinstance(miss, Miss)
    told = explain(entries, miss, b"[]", "/x", gone)
    assert told.nearest[0].says == "can't be read: it is gone"


@given(st.binary(max_size=60), st.lists(st.none() | st.binary(max_size=60), max_size=5))
def test_every_miss_explains_itself(body: bytes, recorded: list[bytes | None]) -> None:
    entries = [Entry(one, exchange=at) for at, one in enumerate(recorded)]
    miss = Matcher(entries).find("GET", "/x", ask(body).key)
    assert isinstance(miss, Miss)
    told = explain(entries, miss, body, "/x", lambda entry: entry.body)
    assert told.message
    assert len(told.nearest) == min(3, len(entries))
