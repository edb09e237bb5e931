"""Any exchange has findings or none, however its bytes come."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import BUDGET, bounded, found_exchanges
from tests.fuzz.exchanges import exchanges
from tests.wire import cut
from tokentape import linting
from tokentape.model import Exchange


def law(exchange: Exchange, places: tuple[int, ...] = (1, 2, 3)) -> None:
    with bounded():
        for finding in linting.lint(exchange):
            assert finding.message.encode()
        linter = linting.Linter(exchange.request, fidelity=exchange.fidelity)
        for read in cut(exchange.body, list(places)):
            linter.feed(read)
        linter.end(exchange.ending)
        whole = linting.Linter(exchange.request, fidelity=exchange.fidelity)
        whole.feed(exchange.body)
        whole.end(exchange.ending)
        assert whole.findings() == linter.findings()


@BUDGET
@given(exchanges(), st.lists(st.integers(0, 1 << 16), max_size=5).map(tuple))
def test_exchanges(exchange: Exchange, places: tuple[int, ...]) -> None:
    law(exchange, places)


def test_what_was_found() -> None:
    for exchange in found_exchanges("exchanges"):
        law(exchange)
