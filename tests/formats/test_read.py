"""Every variant of every format reads as what it holds."""

import pytest

from tests.formats.cases import CASES, Case
from tokentape import formats
from tokentape.model import header


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format}: {case.what}")
def test_a_recording_reads_as_what_it_holds(case: Case) -> None:
    reading = formats.read(case.data, case.name)
    assert reading.format == case.format
    assert reading.repairs == ()
    exchanges = reading.tape.exchanges
    assert tuple(exchange.body for exchange in exchanges) == case.bodies
    requests = [exchange.request for exchange in exchanges]
    assert tuple((each.method, each.url, each.body) for each in requests) == case.requests
    for exchange, status in zip(exchanges, case.statuses, strict=False):
        assert exchange.response is not None
        assert exchange.response.status == status
        assert exchange.fidelity is case.fidelity
        assert exchange.ending is case.ending
        assert exchange.scope == case.scope
        if case.content_type is not None:
            assert header(exchange.response.headers, "Content-Type") == case.content_type
        if case.note is not None:
            assert case.note in exchange.notes


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format}: {case.what}")
def test_the_format_can_be_named(case: Case) -> None:
    assert formats.read(case.data, case.name, format=case.format) == formats.read(
        case.data, case.name
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format}: {case.what}")
def test_the_native_tape_holds_all_of_it(case: Case) -> None:
    tape = formats.read(case.data, case.name).tape
    assert formats.read(formats.write(tape, "tape"), "a.tape.jsonl").tape == tape
