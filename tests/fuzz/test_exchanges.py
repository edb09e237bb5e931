"""What is told of any exchange: a listing, a completion, what was said, took and cost."""

from collections.abc import Callable, Iterable

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
    """What is printed while it comes is what it says in the end, however its bytes come."""
    fold = apis.fold(exchange)
    pieces = [
        piece for event in apis.decoded(exchange) for piece in fold.feed(event.type, event.payload)
    ]
    said = apis.said(exchange)
    assert msgspec.structs.replace(fold.said(), api=said.api, error=said.error) == said
    for kind, texts in (
        ("content", (said.text, *(choice.text for choice in said.choices))),
        ("refusal", (said.refusal, *(choice.refusal for choice in said.choices))),
    ):
        printed: dict[int, str] = {}
        for piece in pieces:
            if piece.kind == kind:
                printed[piece.choice] = printed.get(piece.choice, "") + piece.value
        assert letters(map(paired, printed.values())) == letters(texts), kind
    told = [piece.value for piece in pieces if piece.kind == "error"]
    assert said.error == told[0] if told else True


def letters(texts: Iterable[str]) -> list[str]:
    """The letters of texts, whose parts may come in another order than they stand in."""
    return sorted("".join(texts))


def paired(text: str) -> str:
    """Half of a surrogate pair is no letter."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


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
