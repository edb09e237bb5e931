"""What differs between exchanges and tapes."""

import json
from typing import Any

import msgspec
import pytest

import tokentape
from tests.apis import cases
from tests.samples import DONE, chunk, streamed
from tokentape.differences import Change, Difference, compared, diff
from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response, Tape

CALLED = {"index": 0, "id": "c1", "function": {"name": "check", "arguments": '{"n": 1}'}}


def answered(
    body: bytes = b"{}", kind: str = "application/json", url: str = "https://h/v1/x", **fields: Any
) -> Exchange:
    return Exchange(
        request=Request(url=url, body=b"{}"),
        response=Response(headers=(("Content-Type", kind),), reads=(Read(body),), **fields),
    )


def calling(arguments: str, id: str = "c1") -> Exchange:
    function = {"name": "check", "arguments": arguments}
    return streamed(chunk(tool_calls=[CALLED | {"id": id, "function": function}]), DONE)


def usage(**counts: int) -> bytes:
    return b"data: " + json.dumps({"choices": [], "usage": counts}).encode() + b"\n\n"


PAIRS: list[tuple[str, Exchange, Exchange, list[Change]]] = [
    ("nothing", streamed(), streamed(), []),
    (
        "chunks, ids and times",
        streamed(chunk("Yes"), DONE),
        streamed(chunk("Y"), chunk("es"), DONE, gap_us=9000),
        [],
    ),
    (
        "a message",
        streamed(question="Are you well?"),
        streamed(question="Are you up?"),
        [Change("request", "$.messages[0].content", "changed", "Are you well?", "Are you up?")],
    ),
    (
        "a parameter",
        streamed(temperature=1),
        streamed(top_p=1.0),
        [
            Change("request", "$.temperature", "removed", 1),
            Change("request", "$.top_p", "added", None, 1.0),
        ],
    ),
    ("a number's form", streamed(temperature=1), streamed(temperature=1.0), []),
    (
        "a request that is not known",
        msgspec.structs.replace(streamed(), request=Request(method="GET", url="", body=None)),
        streamed(),
        [],
    ),
    (
        "the text",
        streamed(chunk("Yes"), DONE),
        streamed(chunk("No"), DONE),
        [Change("text", "$", "changed", "Yes", "No")],
    ),
    (
        "reasoning and refusal",
        streamed(chunk("Yes", reasoning="Hm"), DONE),
        streamed(chunk("Yes", refusal="No"), DONE),
        [
            Change("reasoning", "$", "removed", "Hm"),
            Change("refusal", "$", "added", None, "No"),
        ],
    ),
    ("the form of arguments and the id", calling('{"n": 1}'), calling('{"n":1.0}', id="c2"), []),
    (
        "arguments",
        calling('{"n": 1}'),
        calling('{"n": 2}'),
        [Change("tool_calls", "$[0].arguments.n", "changed", 1, 2)],
    ),
    (
        "arguments that are no JSON",
        calling('{"n": 1}'),
        calling('{"n": 1'),
        [Change("tool_calls", "$[0].arguments", "changed", {"n": 1}, '{"n": 1')],
    ),
    (
        "how it finished",
        streamed(chunk("a", finish="stop"), DONE),
        streamed(chunk("a", finish="length"), DONE),
        [Change("finish_reason", "$", "changed", "stop", "length")],
    ),
    (
        "the usage",
        streamed(chunk("a"), usage(total_tokens=3), DONE),
        streamed(chunk("a"), usage(total_tokens=4), DONE),
        [Change("usage", "$.total_tokens", "changed", 3, 4)],
    ),
    (
        "the ending",
        streamed(chunk("a")),
        streamed(chunk("a"), ending=Ending.CUT),
        [Change("ending", "$", "changed", "complete", "cut by the server")],
    ),
    (
        "the status",
        answered(b'{"error":{"code":1}}', url="https://h/v1/chat/completions", status=429),
        answered(b'{"error":{"code":2}}', url="https://h/v1/chat/completions", status=500),
        [
            Change("status", "$", "changed", 429, 500),
            Change("error", "$.code", "changed", 1, 2),
        ],
    ),
    (
        "another choice",
        answered(cases.sse(*cases.CHAT), "text/event-stream"),
        answered(cases.sse(*cases.CHAT).replace(b"Four", b"Five"), "text/event-stream"),
        [Change("choices", "$[0].text", "changed", "Four", "Five")],
    ),
    (
        "JSON of no API we know",
        answered(b'{"data":[{"embedding":[0.5,1]}]}'),
        answered(b'{"data":[{"embedding":[0.5,1.5]}]}'),
        [Change("body", "$.data[0].embedding[1]", "changed", 1, 1.5)],
    ),
    (
        "streams that say nothing",
        streamed(chunk(), DONE),
        streamed(chunk(role="assistant"), DONE),
        [],
    ),
    (
        "events of no API we know",
        answered(b'data: {"n":1}\n\n', "text/event-stream"),
        answered(b'data: {"n":2}\n\n', "text/event-stream"),
        [Change("body", "$", "changed", 'data: {"n":1}\n\n', 'data: {"n":2}\n\n')],
    ),
    (
        "bytes",
        answered(b"\xff\x00", "audio/mpeg"),
        answered(b"\xfe\x00", "audio/mpeg"),
        [Change("body", "$", "changed", "\\xff\x00", "\\xfe\x00")],
    ),
    (
        "no response",
        answered(b"", "text/plain"),
        Exchange(request=Request(url="https://h/v1/x", body=b"{}"), ending=Ending.CUT),
        [
            Change("status", "$", "removed", 200),
            Change("ending", "$", "changed", "complete", "cut by the server"),
        ],
    ),
    (
        "method and operation",
        answered(url="https://h/v1/x"),
        msgspec.structs.replace(answered(), request=Request(method="PUT", url="/v1/y", body=b"{}")),
        [
            Change("method", "$", "changed", "POST", "PUT"),
            Change("operation", "$", "changed", "/v1/x", "/v1/y"),
        ],
    ),
]


@pytest.mark.parametrize(
    ("a", "b", "changes"), [pair[1:] for pair in PAIRS], ids=[p[0] for p in PAIRS]
)
def test_what_differs_between_two(a: Exchange, b: Exchange, changes: list[Change]) -> None:
    found = diff(a, b)
    assert [list(each.changes) for each in found] == ([changes] if changes else [])


def test_two_apis_that_say_the_same_differ_in_what_was_asked() -> None:
    a = answered(cases.sse(*cases.MESSAGES), "text/event-stream", "https://h/v1/messages")
    b = answered(cases.binary(*map(cases.chunk, cases.MESSAGES)), *BEDROCK)
    (found,) = diff(a, b)
    assert [change.where for change in found.changes] == ["operation"]


BEDROCK = ("application/vnd.amazon.eventstream", "https://h/model/m/invoke-with-response-stream")


def tape(*exchanges: Exchange) -> Tape:
    return Tape(exchanges=exchanges)


def test_exchanges_are_paired_by_what_they_ask_then_by_what_they_ask_for_then_in_order() -> None:
    a, b, c = (streamed(question=question) for question in "abc")
    other, another = answered(), answered(url="https://h/v1/y")
    for first, second, pairs in [
        ([a, b, c], [c, a, b], [(0, 1), (1, 2), (2, 0)]),
        ([a, a], [a, a], [(0, 0), (1, 1)]),
        ([a, b], [b, c], [(0, 1), (1, 0)]),
        ([a, b, c], [a, c], [(0, 0), (1, None), (2, 1)]),
        ([a], [b, a], [(0, 1), (None, 0)]),
        ([other, a], [b, another], [(0, 1), (1, 0)]),
        ([], [a], [(None, 0)]),
        ([], [], []),
    ]:
        found = list(compared(tape(*first), tape(*second)))
        assert [(each.a, each.b) for each in found] == pairs


def test_one_without_another_is_told() -> None:
    assert diff(tape(streamed(), answered()), tape(streamed())) == (
        Difference(
            a=1,
            b=None,
            changes=(Change("exchange", "$", "removed", "POST https://h/v1/x"),),
        ),
    )
    (found,) = diff(tape(), streamed())
    assert (found.a, found.b, found.changes[0].kind) == (None, 0, "added")


def test_two_exchanges_are_compared_whatever_they_ask() -> None:
    (found,) = diff(streamed(), answered())
    assert (found.a, found.b) == (0, 0)


def test_times_count_only_when_asked() -> None:
    slow, fast = streamed(gap_us=2000), streamed(gap_us=1000)
    assert diff(slow, fast) == ()
    assert diff(slow, fast, timing=0.5) == ()
    (told,) = compared(slow, fast)
    assert [(c.path, c.a, c.b) for c in told.timing] == [
        ("$.ttft_us", 4000, 2000),
        ("$.end_to_end_us", 10000, 5000),
    ]
    (found,) = diff(slow, fast, timing=0.4)
    assert found.changes == found.timing == told.timing
    unknown = msgspec.structs.replace(fast, fidelity=Fidelity.BYTES)
    assert diff(slow, unknown, timing=0) == ()


def test_so_many_places_are_told_and_no_more() -> None:
    a, b = (streamed(many={f"k{n}": n + step for n in range(1001)}) for step in (0, 1))
    (found,) = diff(a, b)
    assert (len(found.changes), found.more) == (1000, True)
    (found,) = diff(*(streamed(many={f"k{n}": n + s for n in range(1000)}) for s in (0, 1)))
    assert (len(found.changes), found.more) == (1000, False)


def test_it_is_public() -> None:
    assert tokentape.diff is diff
