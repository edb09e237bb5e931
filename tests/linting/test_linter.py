"""The linter while a stream runs: findings as they come, few questions for a plain chunk."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokentape
from tests.linting import cases
from tests.samples import DONE, chunk, streamed
from tokentape.errors import UsageError
from tokentape.linting import (
    RULES,
    Finding,
    Linter,
    Thresholds,
    linter,
    rule,
    select,
)
from tokentape.linting.plain import Plain
from tokentape.linting.questions import check_chunk
from tokentape.model import Ending, Fidelity, Request, Tape

ROLE = chunk(role="assistant")
REQUEST = Request(url=cases.URL, body=json.dumps({"model": "m", "stream": True}).encode())


def codes(found: list[Finding]) -> list[str]:
    return [finding.rule for finding in found]


def test_a_finding_is_told_when_it_happens_and_once() -> None:
    watching = Linter(REQUEST)
    assert codes(watching.feed(ROLE, 1000)) == ["REQ805"]
    assert codes(watching.feed(chunk("Yes"), 2000)) == []
    again = watching.feed(chunk("!", role="assistant"), 3000)
    assert [(f.rule, f.event, f.offset) for f in again] == [
        ("DEL402", 2, len(ROLE) + len(chunk("Yes")))
    ]
    assert watching.feed(chunk("!", role="assistant"), 4000) == []
    assert codes(watching.end(Ending.CUT)) == ["SSE101", "CHO307"]
    assert [(f.rule, f.count) for f in watching.findings()] == [
        ("REQ805", 1),
        ("DEL402", 2),
        ("CHO307", 1),
        ("SSE101", 1),
    ]


def test_half_an_event_waits_for_the_rest() -> None:
    watching = Linter(REQUEST, codes={"DEL401"})
    frame = chunk("Yes")
    assert watching.feed(frame[:50]) == []
    assert watching.feed(frame[50:-1]) == []
    assert codes(watching.feed(frame[-1:])) == ["DEL401"]


def test_what_the_client_or_the_recorder_ended_has_no_end_to_blame() -> None:
    for ending in (Ending.LEFT, Ending.STOPPED):
        watching = Linter(REQUEST, codes=select(ignored=["REQ"]))
        watching.feed(ROLE + b"data: {")
        assert watching.end(ending) == []


def test_payloads_are_handed_on_so_that_one_decoding_serves_all() -> None:
    given_on: list[Any] = []
    watching = Linter(REQUEST, chunks=given_on.append)
    watching.feed(ROLE + chunk("a") + chunk("b") + b"data: oops\n\ndata: [1]\n\n" + DONE)
    assert [p if isinstance(p, list) else p["choices"][0]["delta"] for p in given_on] == [
        {"role": "assistant"},
        {"content": "a"},
        {"content": "b"},
        [1],
    ]


@pytest.mark.parametrize(
    ("part", "code", "count"),
    [
        (b": " + b"wait" * 100 + b"\n", "SSE110", 400),
        (b": " + b"wait" * 100 + b"\r\n\r\n", "SSE110", 400),
        # The event without data at the end is one more.
        (b"event: " + b"wait" * 100 + b"\n\n", "SSE109", 401),
    ],
)
def test_what_brings_no_event_is_let_go_of_and_counted(part: bytes, code: str, count: int) -> None:
    watching = Linter(REQUEST, codes={"SSE109", "SSE110", "SSE107"})
    body = part * 400 + b"\n" + chunk("Yes") + b"id: \xff\n\n" + chunk("Yes")
    for start in range(0, len(body), 300):
        watching.feed(body[start : start + 300])
    found = {f.rule: (f.offset, f.count) for f in watching.findings()}
    expected = {"SSE109": (body.index(b"id:"), 1), "SSE107": (body.index(b"\xff"), 1)}
    assert found == expected | {code: (0, count)}


def test_thresholds_move_the_lines() -> None:
    reads = [(100, ROLE), (200, chunk("a")), (700, chunk("b")), (800, chunk(finish="stop") + DONE)]
    for limits, expected in ((Thresholds(stall_ms=499), ["TIM902"]), (Thresholds(), [])):
        watching = Linter(REQUEST, thresholds=limits, codes={"TIM902"})
        assert codes([f for ms, data in reads for f in watching.feed(data, ms * 1000)]) == expected
    burst = Thresholds(burst_events=2, burst_wait_ms=0, burst_rate=1)
    watching = Linter(REQUEST, thresholds=burst, codes={"TIM901"})
    for ms, data in reads:
        watching.feed(data, ms * 1000)
    assert codes(watching.end()) == ["TIM901"]


def test_times_that_are_not_known_are_not_judged() -> None:
    watching = Linter(REQUEST, thresholds=Thresholds(stall_ms=1), codes={"TIM901", "TIM902"})
    for data in (ROLE, *[chunk("a")] * 40):
        assert watching.feed(data, None) == []
    assert watching.end() == []


def test_lint_takes_an_exchange_or_a_tape() -> None:
    good, bad = streamed(ROLE, chunk("a"), chunk(finish="stop"), DONE), streamed(ROLE, chunk("a"))
    wanted = {"SSE101"}
    from_tape = tokentape.lint(Tape(exchanges=(good, bad)), codes=wanted)
    assert [(f.exchange, f.rule) for f in from_tape] == [(1, "SSE101")]
    assert [(f.exchange, f.rule) for f in tokentape.lint(bad, codes=wanted)] == [(None, "SSE101")]


def test_rules_are_chosen_by_code_beginning_or_name() -> None:
    every = {rule.code for rule in RULES}
    assert select() == every
    assert select(["SSE"]) == {code for code in every if code.startswith("SSE")}
    assert select(["cho306, role-repeated", "USG60"], ["USG601"]) == {
        *("CHO306", "DEL402"),
        *(code for code in every if code.startswith("USG60") and code != "USG601"),
    }
    assert rule("del402").name == "role-repeated"
    for wrong in ("CHO399", "nothing"):
        with pytest.raises(UsageError, match="expected the code or name of a rule"):
            select([wrong])


# What differs from one plain chunk to the next; each may make it one that has to be looked at.
CHANGES: list[dict[str, Any]] = [
    {},
    {"top": {"usage": None}},
    {"top": {"usage": cases.USAGE}},
    {"top": {"id": "other"}},
    {"top": {"created": 7}},
    {"top": {"model": "other"}},
    {"top": {"service_tier": "on_demand"}},
    {"top": {"error": None}},
    {"top": {"error": {"message": "x"}}},
    {"top": {"provider": "p"}},
    {"top": {"choices": []}},
    {"without": ["model"]},
    {"finish": "stop"},
    {"delta": {"content": ""}},
    {"delta": {"content": None}},
    {"delta": {"content": "<think>a</think>"}},
    {"delta": {"content": ["a"]}},
    {"delta": {"role": "assistant"}},
    {"delta": {"role": "assistant", "content": "a"}},
    {"delta": {"reasoning": "a"}},
    {"delta": {}},
    {"delta": None},
    {"choices": [{"index": 1, "delta": {"content": "a"}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None, "seed": 1}]},
    {"choices": [{"index": 0, "delta": {"content": "a"}}]},
    {"choices": [{"index": False, "delta": {"content": "a"}, "finish_reason": None}]},
]


@settings(max_examples=120)
@given(
    st.lists(
        st.one_of(st.just({}), st.sampled_from(CHANGES), st.just({"sse": ": ping\n\n"})),
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
)
def test_the_short_way_for_plain_chunks_finds_what_the_long_way_finds(
    changes: list[dict[str, Any]], role: bool, include_usage: bool
) -> None:
    items = [{"delta": {"content": "a"}} | change for change in changes]
    frames = [cases.frame(item) for item in (["role"] if role else []) + items + ["done"]]
    request = cases.exchange(
        {"request": {"stream_options": {"include_usage": include_usage}}, "stream": []}
    ).request

    def found(short: bool) -> list[Finding]:
        with pytest.MonkeyPatch.context() as patch:
            if not short:
                patch.setattr(Plain, "like", lambda *_: None)
            watching = Linter(request, fidelity=Fidelity.WIRE)
            for number, frame in enumerate(frames):
                watching.feed(frame, number * 1000)
            watching.end()
            return watching.findings()

    assert found(short=True) == found(short=False)


def test_plain_chunks_take_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Any] = []

    def look(*args: Any) -> Any:
        looked.append(args)
        return check_chunk(*args)

    monkeypatch.setattr(linter, "check_chunk", look)
    watching = Linter(REQUEST)
    for frame in (ROLE, *[chunk("a")] * 100, chunk(finish="stop"), DONE):
        watching.feed(frame, 0)
    assert len(looked) == 3
