"""Any exchange is served another way than it was recorded, or not at all with a reason."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import BUDGET, bounded, found_exchanges
from tests.fuzz.exchanges import exchanges
from tokentape import completions, synthesis, view
from tokentape.model import Exchange


def law(exchange: Exchange, usage: bool | None = True, obfuscation: bool = False) -> None:
    with bounded():
        found = synthesis.adapted(exchange, include_usage=usage, include_obfuscation=obfuscation)
        assert found is None or found.what
    with bounded():
        made = synthesis.turned(exchange, include_usage=True)
        assert made.what
        said, served = completions.completion(exchange), completions.completion(made.exchange)
        if view.is_event_stream(exchange):
            assert served == said
        else:
            assert len(served["choices"]) <= len(said["choices"])


@BUDGET
@given(exchanges(), st.none() | st.booleans(), st.booleans())
def test_exchanges(exchange: Exchange, usage: bool | None, obfuscation: bool) -> None:
    law(exchange, usage, obfuscation)


def test_what_was_found() -> None:
    for exchange in found_exchanges("exchanges"):
        law(exchange)
