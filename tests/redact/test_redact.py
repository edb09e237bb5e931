"""No secret gets through: in headers, URLs, bodies, and streams cut anywhere."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.redact.looks import KEYS, PHRASES
from tests.wire import cut
from tokentape.errors import UsageError
from tokentape.model import Read
from tokentape.redact import DEFAULT_PATTERNS, Paths, Pattern, Patterns, ReadRedactor, Redaction

PATTERNS = Patterns()

# One made-up secret for every pattern: its beginning, then characters of its class.
SECRETS = {
    pattern.name: pattern.begin.encode()
    + "".join(c for c in "A1B2C3D4E5F6G7H8J9K0L1M2N3P4Q5R6" if re.match(f"[{pattern.chars}]", c))
    .encode()
    .ljust(pattern.least, b"7")
    for pattern in DEFAULT_PATTERNS
}


@pytest.mark.parametrize("name", SECRETS)
def test_every_pattern_finds_its_secret(name: str) -> None:
    secret = SECRETS[name]
    begin = next(p.begin for p in DEFAULT_PATTERNS if p.name == name).encode()
    body = b'{"note":"key\\n' + secret + b'","n":1}'
    assert PATTERNS.redact(body) == b'{"note":"key\\n' + begin + b'REDACTED","n":1}'
    assert PATTERNS.redact(secret) == begin + b"REDACTED"


# (what it is, the text, what becomes of it)
TEXTS: list[tuple[str, bytes, bytes]] = [
    ("a word is no secret", b"task-management-software-here", b"task-management-software-here"),
    ("too short", b"sk-short", b"sk-short"),
    ("behind an escaped letter", rb'"\u0041sk-ABCDEFGHIJKLMNOPQ"', rb'"\u0041sk-REDACTED"'),
    ("a scheme in any case", b"bEARER abcdefgh1j", b"bEARER REDACTED"),
    ("words behind a key's beginning", b"sk-some-words.Not1Here", b"sk-some-words.Not1Here"),
    ("a key among words", b"sk-a-few-words-x7f3b", b"sk-REDACTED"),
    ("a word longer than any", b"sk-" + b"a" * 26, b"sk-REDACTED"),
    ("more words than any name has", b"sk-" + b"word-" * 52, b"sk-REDACTED"),
    ("a key in words", b"sk-my-words-hf_" + b"a" * 20, b"sk-my-words-hf_REDACTED"),
    ("one in another", b"Bearer sk-ABCDEFGHIJKLMNOPQR", b"Bearer REDACTED"),
    ("two that touch", b"Bearer A1B2C3D4-bEARER 5E6F7G8H", b"Bearer REDACTED REDACTED"),
    ("two", b"hf_ABCDEFGHIJKLMNOPQRSTU,AKIAABCDEFGHIJKLMNOP", b"hf_REDACTED,AKIAREDACTED"),
    ("nothing", b"", b""),
]


@pytest.mark.parametrize(("text", "left"), [t[1:] for t in TEXTS], ids=[t[0] for t in TEXTS])
def test_texts(text: bytes, left: bytes) -> None:
    assert PATTERNS.redact(text) == left


@pytest.mark.parametrize(("begin", "rest"), KEYS)
def test_what_keys_look_like(begin: str, rest: str) -> None:
    body = f'{{"note":"it is {begin}{rest}","n":1}}'.encode()
    clean = f'{{"note":"it is {begin}REDACTED","n":1}}'.encode()
    assert PATTERNS.redact(body) == clean
    for at in range(body.index(begin.encode()), len(body)):
        assert b"".join(read.data for read in through(body, [at])) == clean


@pytest.mark.parametrize("phrase", PHRASES)
def test_what_people_write_stays(phrase: str) -> None:
    body = f'{{"content":"{phrase}\\nThen {phrase}"}}'.encode()
    assert PATTERNS.redact(body) == body
    for at in range(len(body)):
        assert b"".join(read.data for read in through(body, [at])) == body


@pytest.mark.parametrize("begin", [b"/AKIA/ASIA/hf_/", b"/bearer !"])
def test_a_beginning_by_chance_is_no_secret(begin: bytes) -> None:
    """As it stands in a large picture."""
    body = b"iVBORw0KGgoA" * 20_000 + begin + b"iVBORw0KGgoA" * 20_000
    assert PATTERNS.redact(body) == body


def test_a_pattern_of_ones_own_takes_words_too() -> None:
    own = Patterns([Pattern("own", "acme-", "a-z-", 8)])
    assert own.redact(b"acme-some-words") == b"acme-REDACTED"


def through(body: bytes, places: list[int]) -> list[Read]:
    """A body through the reads' redactor, cut at these places."""
    redactor = ReadRedactor(PATTERNS)
    out: list[Read] = []
    for offset, data in enumerate(cut(body, places)):
        out += redactor.feed(Read(data, offset))
    return out + redactor.flush()


texts = st.lists(
    st.sampled_from(
        [
            *(*SECRETS.values(), b"Bearer ", b"sk-", b"s", b" ", b"\n", b'"', b"\\n", b"abc"),
            *(b"Basic requirements", b"sk-some-more-words", b"-word" * 30, b"-", b"X", b"7"),
            *(b"hf_", b"a" * 20, b"REDACTED"),
        ]
    )
    | st.binary(max_size=5),
    max_size=8,
).map(b"".join)


@given(texts, st.lists(st.integers(0, 400), max_size=10))
@example(b"Bearer A1B2C3D4E5-Bearer F6G7H8J9", [17])
def test_a_stream_is_redacted_alike_wherever_it_is_cut(body: bytes, places: list[int]) -> None:
    out = through(body, places)
    assert b"".join(read.data for read in out) == PATTERNS.redact(body)
    assert [read.offset_us for read in out] == list(range(len(places) + 1))


@given(texts, st.lists(st.integers(0, 400), max_size=10))
def test_whole_clear_lines_may_pass_unsearched(body: bytes, places: list[int]) -> None:
    """What is looked at together with other streams gives what each alone gives."""
    reads = [Read(piece, n) for n, piece in enumerate(cut(body, places))]
    alone, together = ReadRedactor(PATTERNS), ReadRedactor(PATTERNS)
    expected = [out for read in reads for out in alone.feed(read)] + alone.flush()
    found: list[Read] = []
    for read in reads:
        alone_in_lines = read.data.endswith(b"\n") and together.at_line()
        if alone_in_lines and PATTERNS.is_clear(b"another stream\n" + read.data):
            found.append(read)
        else:
            found += together.feed(read)
    assert found + together.flush() == expected


@given(texts)
def test_what_is_redacted_twice_is_redacted_once(body: bytes) -> None:
    once = PATTERNS.redact(body)
    assert PATTERNS.redact(once) == once


def test_only_what_may_be_a_secret_is_held_back() -> None:
    redactor = ReadRedactor(PATTERNS)
    assert redactor.feed(Read(b"data: {}\n\n", 1)) == [Read(b"data: {}\n\n", 1)]
    assert redactor.feed(Read(b'data: "sk-', 2)) == []
    assert redactor.feed(Read(b'nothing"\n\n', 3)) == [
        Read(b'data: "sk-', 2),
        Read(b'nothing"\n\n', 3),
    ]


def test_a_secret_without_end_is_held_back_within_bounds() -> None:
    redactor = ReadRedactor(PATTERNS)
    held = 0
    out: list[Read] = []
    for offset in range(1000):
        out += redactor.feed(Read(b"sk-" * (offset == 0) + b"A" * 100, offset))
        held = max(held, offset + 1 - len(out))
    out += redactor.feed(Read(b" and on", 1000)) + redactor.flush()
    assert held <= 42
    assert b"".join(read.data for read in out) == b"sk-REDACTED and on"


# Characters that may begin a secret within one that is longer than is waited for.
LONG = b"sk-" + b"A" * 4090 + b"-s" + b"A" * 900 + b"_Bearer"


@given(st.lists(st.integers(4080, 5020), max_size=12))
@example([4000, 4096 - 1, 4096 + 4])
@example([4100, 4995])
@example([4500, 4999, 5002])
def test_a_secret_longer_than_is_waited_for_is_redacted_to_its_end(places: list[int]) -> None:
    out = through(b'"' + LONG + b' AAAAAAA1" and on', places)
    assert b"".join(read.data for read in out) == b'"sk-REDACTED REDACTED" and on'
    assert [read.offset_us for read in out] == list(range(len(places) + 1))


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://h/v1/x?model=m", "https://h/v1/x?model=m"),
        ("https://user:pass@h:8/x", "https://h:8/x"),
        ("https://h/x?api_key=abc&b=1", "https://h/x?api_key=REDACTED&b=1"),
        (
            "https://h/x?X-Amz-Signature=abc;key=2",
            "https://h/x?X-Amz-Signature=REDACTED;key=REDACTED",
        ),
        ("/v1/x?key=AIza&alt=sse", "/v1/x?key=REDACTED&alt=sse"),
        ("https://h/sk-ABCDEFGHIJKLMNOPQ", "https://h/sk-REDACTED"),
        ("http://[oops", "http://[oops"),
        ("https://h/x?api%5Fk%65y=abc&b=%31", "https://h/x?api%5Fk%65y=REDACTED&b=%31"),
        ("https://h/x?b=sk%2DABCDEFGHIJKLMNOPQ&c=%2D", "https://h/x?b=sk-REDACTED&c=%2D"),
        ("https://h/x?b=Bearer+abcdefgh1j", "https://h/x?b=Bearer%20REDACTED"),
        ("https://h/x?authorization=abc", "https://h/x?authorization=REDACTED"),
        (
            "/x?pass=a&db.pw=b&pwd=c&jwt=d&session=e&bypass=f",
            "/x?pass=REDACTED&db.pw=REDACTED&pwd=REDACTED&jwt=REDACTED&session=REDACTED&bypass=f",
        ),
        ("https://h/cb#access_token=abc&n=1", "https://h/cb#access_token=REDACTED&n=1"),
        ("https://h/x?#", "https://h/x?#"),
        ("http://[oops?key=abc&n=1", "http://[oops?key=REDACTED&n=1"),
        ("https://h/a%2Fb/sk%2dABCDEFGHIJKLMNOPQ", "https://h/a%2Fb/sk-REDACTED"),
    ],
)
def test_urls(url: str, left: str) -> None:
    redaction = Redaction()
    assert redaction.url(url) == left
    assert redaction.url(left) == left


def test_headers_are_kept_by_an_allow_list() -> None:
    headers = (
        ("Content-Type", "text/event-stream"),
        ("Authorization", "Bearer abc"),
        ("Set-Cookie", "session=abc"),
        ("OpenAI-Organization", "org-abc"),
        ("X-RateLimit-Limit-Requests", "5"),
        ("Via", "org-ABCDEFGHIJKLMNOPQ"),
        ("X-Mine", "1"),
    )
    kept = Redaction(safe_headers=["x-mine"]).headers(headers)
    assert kept == (headers[0], headers[4], ("Via", "org-REDACTED"), headers[6])


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("Location", "https://me:pw@h/x?token=abc123&n=1", "https://h/x?token=REDACTED&n=1"),
        ("location", "/x?api_key=abc", "/x?api_key=REDACTED"),
        ("location", "/x?", "/x?"),
        (
            "Link",
            '</n?token=abc&n=1>; rel="next", <https://h/?key=abc>; rel="last"',
            '</n?token=REDACTED&n=1>; rel="next", <https://h/?key=REDACTED>; rel="last"',
        ),
        ("link", "nothing", "nothing"),
        ("content-location", "/x?sig=abc", "/x?sig=REDACTED"),
    ],
)
def test_urls_in_headers(name: str, value: str, left: str) -> None:
    redaction = Redaction(safe_headers=["content-location"])
    assert redaction.headers(((name, value),)) == ((name, left),)
    assert redaction.headers(((name, left),)) == ((name, left),)


def test_values_are_taken_out_by_path() -> None:
    redaction = Redaction(
        paths=Paths(["$.user", "$..email", "$.messages[*].content", "$.messages"])
    )
    body = b'{"user":"me","a":{"email":1},"messages":[{"content":[1]}],"n":1.0}'
    assert redaction.body(body) == (
        b'{"user":"REDACTED","a":{"email":"REDACTED"},"messages":"REDACTED","n":1.0}'
    )
    assert redaction.body(b'{"n": 1}') == b'{"n": 1}'
    assert redaction.body(b"not JSON") == b"not JSON"
    assert Redaction(paths=Paths(["$"])).body(b"[1]") == b'"REDACTED"'


# (what it is, the paths, the document, what becomes of it)
VERBATIM: list[tuple[str, list[str], bytes, bytes]] = [
    (
        "all else stays as written",
        ["$.a"],
        b' {"a": 1, "b": 5.22e-06, "d": "\\u0100", "d": 2, "n": 1.0}\n',
        b' {"a": "REDACTED", "b": 5.22e-06, "d": "\\u0100", "d": 2, "n": 1.0}\n',
    ),
    ("a key twice", ["$.a"], b'{"a":{"b":[1]},"a":2}', b'{"a":"REDACTED","a":"REDACTED"}'),
    ("a key in escapes", ["$.user"], b'{"\\u0075ser":1}', b'{"\\u0075ser":"REDACTED"}'),
    (
        "brackets in texts",
        ["$.b"],
        b'{"a":"]}\\"{","b":"[","c":[]}',
        b'{"a":"]}\\"{","b":"REDACTED","c":[]}',
    ),
    ("elements", ["$[1:]"], b"[ 1 , 2,[3] ]", b'[ 1 , "REDACTED","REDACTED" ]'),
    ("all of it", ["$"], b' {"a":1} ', b' "REDACTED" '),
    ("one below another", ["$.a.b", "$.a"], b'{"a":{"b":1}}', b'{"a":"REDACTED"}'),
    (
        "many",
        ["$..c"],
        b'{"a":[{"c":1},{"c":{"c":2}}],"c":null}',
        b'{"a":[{"c":"REDACTED"},{"c":"REDACTED"}],"c":"REDACTED"}',
    ),
    ("a lone surrogate", ["$.a"], b'{"a":1,"b":"\\ud800"}', b'{"a":"REDACTED","b":"\\ud800"}'),
    ("not a number", ["$.a"], b'{"a":1,"b":NaN}', b'{"a":"REDACTED","b":NaN}'),
    ("broken UTF-8", ["$.a"], b'{"a":1,"b":"\xff"}', b'{"a":"REDACTED","b":"\xff"}'),
    ("a byte order mark", ["$.a"], b'\xef\xbb\xbf{"a":1}', b'\xef\xbb\xbf{"a":"REDACTED"}'),
    ("UTF-16", ["$.a"], '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-16")),
    ("none", ["$.x"], b'{"a":1}', b'{"a":1}'),
]


@pytest.mark.parametrize(
    ("paths", "document", "left"), [v[1:] for v in VERBATIM], ids=[v[0] for v in VERBATIM]
)
def test_only_the_values_of_a_path_are_replaced(
    paths: list[str], document: bytes, left: bytes
) -> None:
    assert Paths(paths).redact(document) == left


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (b'{"a":1}\n{"a":2,"b":1.0}\r\n', b'{"a":"REDACTED"}\n{"a":"REDACTED","b":1.0}\r\n'),
        (b'\xef\xbb\xbf{"a":1}\n{"b":1}', b'\xef\xbb\xbf{"a":"REDACTED"}\n{"b":1}'),
        (b' {"a":1}\nnot JSON\n{"a":1,}\n', b' {"a":"REDACTED"}\nnot JSON\n{"a":1,}\n'),
        (b'{"b":[\n{"a":1}\n]}', b'{"b":[\n{"a":1}\n]}'),
    ],
)
def test_json_by_lines_is_redacted_in_each(body: bytes, left: bytes) -> None:
    redaction = Redaction(paths=Paths(["$.a"]))
    assert redaction.body(body) == left
    assert redaction.body(left) == left


documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", 'c"', "]"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(documents, st.sampled_from([None, 1]), st.booleans())
def test_a_document_is_redacted_as_its_value_is(
    value: Any, indent: int | None, ascii: bool
) -> None:
    def taken_out(inner: Any) -> Any:
        if isinstance(inner, dict):
            return {k: "REDACTED" if k == "a" else taken_out(v) for k, v in inner.items()}
        return [taken_out(v) for v in inner] if isinstance(inner, list) else inner

    document = json.dumps(value, indent=indent, ensure_ascii=ascii).encode("utf-8", "replace")
    expected = taken_out(json.loads(document))
    assert json.loads(Paths(["$..a"]).redact(document)) == expected


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Paths(["$.["]), "--redact"),
        (lambda: Patterns([Pattern("x", "", "a", 1)]), "expected `begin`"),
        (lambda: Patterns([Pattern("x", "k", "z-a", 1)]), "bad character range"),
        (lambda: Patterns([Pattern("x", "k", "a", 0)]), "at least 1"),
        (lambda: Patterns([Pattern("x", "é", "a", 1)]), "ascii"),
    ],
)
def test_bad_rules_are_said(make: Callable[[], object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make()


def test_no_patterns_at_all() -> None:
    nothing = Patterns([])
    assert nothing.redact(SECRETS["bearer token"]) == SECRETS["bearer token"]
    assert ReadRedactor(nothing).feed(Read(b"sk-", 0)) == [Read(b"sk-", 0)]
