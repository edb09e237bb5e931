"""Every rule against its cases, and the cases against every way to cut them into reads."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.linting import cases
from tests.wire import cut
from tokentape import sse, view
from tokentape.linting import RULES, lint
from tokentape.linting.base import SECTIONS
from tokentape.model import Exchange, Read

PATHS = sorted(cases.FOLDER.glob("*.yaml"))
CASES = [
    (path.stem, kind, number, case)
    for path in PATHS
    for kind, listed in cases.load(path).items()
    for number, case in enumerate(listed)
]
IDS = [f"{code}-{kind}-{number}" for code, kind, number, _ in CASES]


def test_every_rule_has_cases_and_every_case_a_rule() -> None:
    assert [path.stem for path in PATHS] == sorted(rule.code for rule in RULES)
    for path in PATHS:
        loaded = cases.load(path)
        assert loaded["pass"], path
        assert loaded["fail"], path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule: Any) -> None:
    assert tuple(rule.sections) == SECTIONS
    assert all(len(text) > 8 for text in rule.sections.values())
    assert rule.title.endswith(".")
    told = rule.explain()
    assert told.startswith(f"# {rule.code} {rule.name} ({rule.severity.value})")
    assert all(f"## {section}" in told for section in SECTIONS)


def test_codes_and_names_are_said_once_and_in_order() -> None:
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({rule.name for rule in RULES}) == len(RULES)
    groups = ["SSE1", "CHK2", "CHO3", "DEL4", "TOL5", "USG6", "LGP7", "REQ8", "TIM9"]
    order = [(groups.index(rule.code[:4]), rule.code) for rule in RULES]
    assert order == sorted(order)


@pytest.mark.parametrize(("code", "kind", "number", "case"), CASES, ids=IDS)
def test_case(code: str, kind: str, number: int, case: dict[str, Any]) -> None:
    exchange = cases.exchange(case)
    found = {finding.rule: finding for finding in lint(exchange)}
    if kind == "pass":
        assert code not in found
        return
    finding = found[code]
    assert (finding.event, finding.json_path) == (case.get("event"), case.get("json_path"))
    assert finding.count == case.get("count", 1)
    assert case.get("message", "") in finding.message
    rule = next(rule for rule in RULES if rule.code == code)
    assert finding.severity is rule.severity
    if "byte" in case:
        assert finding.offset == case["byte"]
    elif finding.event is not None and code != "SSE109":
        assert finding.offset == view.events(exchange)[finding.event].start
    assert code not in {f.rule for f in lint(exchange, codes={r.code for r in RULES} - {code})}
    assert {f.rule for f in lint(exchange, codes={code})} == {code}


def _cut(exchange: Exchange, pieces: list[bytes]) -> Exchange:
    assert exchange.response is not None
    response = msgspec.structs.replace(exchange.response, reads=tuple(map(Read, pieces)))
    return msgspec.structs.replace(exchange, response=response)


STREAMS = [case for *_, case in CASES if "stream" in case and not case.get("coded")]
FRAMES = [b"".join(map(cases.frame, case["stream"])) for case in STREAMS]


FAILING = [c for _, kind, _, c in CASES if kind == "fail" and c in STREAMS]


@pytest.mark.parametrize("case", FAILING, ids=range(len(FAILING)))
def test_reads_of_one_byte_change_nothing(case: dict[str, Any]) -> None:
    exchange = cases.exchange(case)
    bytewise = [exchange.body[i : i + 1] for i in range(len(exchange.body))]
    assert lint(_cut(exchange, bytewise)) == lint(exchange) != []


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_way_to_cut_the_stream_changes_the_findings(data: st.DataObject) -> None:
    streams = data.draw(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=4))
    ends = data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    body = b"".join(streams).replace(b"\n", ends)
    exchange = cases.exchange({"stream": []})
    places = data.draw(st.lists(st.integers(0, len(body)), max_size=12))
    whole = lint(_cut(exchange, [body]))
    assert lint(_cut(exchange, cut(body, places))) == whole
    starts = {event.start for event in sse.events(body)}
    for finding in whole:
        if finding.event is not None and finding.rule[:3] != "SSE":
            assert finding.offset in starts
