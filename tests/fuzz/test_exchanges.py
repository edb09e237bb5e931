"""What is told of any exchange: a listing, a completion, what was said, took and cost."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given

from tests.fuzz.budget import BUDGET, bounded, found_exchanges
from tests.fuzz.exchanges import exchanges
from tokentape import apis, completions, measure, view
from tokentape.errors import UsageError
from tokentape.model import Exchange


def viewing(exchange: Exchange) -> None:
    row = view.row(exchange, path="x", number=0, format="tape", needs_repair=False)
    assert row.events == len(view.events(exchange)) or not view.is_event_stream(exchange)
    msgspec.json.encode(row)
    view.model(exchange)
    list(view.payloads(exchange))
    view.request_json(exchange)
    view.decoded_body(exchange)


def completing(exchange: Exchange) -> None:
    found = completions.assembled(exchange)
    assert (found.completion is None) == (found.skipped is not None)
    if found.completion is None:
        with pytest.raises(UsageError):
            completions.completion(exchange)
    assert all(isinstance(chunk, dict) for chunk in completions.chunks(exchange))


def saying(exchange: Exchange) -> None:
    said = apis.said(exchange)
    assert isinstance(said.text, str)
    assert all(isinstance(call, apis.ToolCall) for call in said.tool_calls)


def measuring(exchange: Exchange) -> None:
    measure.usage(exchange)
    measure.cost(exchange)
    for definition in measure.DEFINITIONS:
        measure.timing(exchange, definition.name)


LAWS = {
    "view": viewing,
    "completions": completing,
    "apis": saying,
    "measure": measuring,
}


@pytest.mark.parametrize("target", LAWS)
@BUDGET
@given(exchange=exchanges())
def test_exchanges(target: str, exchange: Exchange) -> None:
    with bounded():
        LAWS[target](exchange)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_what_was_found(law: Callable[[Exchange], None]) -> None:
    for exchange in found_exchanges("exchanges"):
        with bounded():
            law(exchange)
