"""Any two exchanges differ in something or nothing, and none from itself."""

from hypothesis import given

from tests.fuzz.budget import BUDGET, bounded, found_exchanges
from tests.fuzz.exchanges import exchanges
from tokentape.differences import diff
from tokentape.model import Exchange, Tape


def law(a: Exchange, b: Exchange) -> None:
    with bounded():
        assert diff(a, a, timing=0.0) == ()
        assert bool(diff(a, b)) == bool(diff(b, a))
        both = Tape(exchanges=(a, b)), Tape(exchanges=(b, a))
        assert len(diff(*both, timing=0.1)) <= 4


@BUDGET
@given(exchanges(), exchanges())
def test_exchanges(a: Exchange, b: Exchange) -> None:
    law(a, b)


def test_what_was_found() -> None:
    kept = found_exchanges("exchanges")
    for a in kept:
        for b in kept:
            law(a, b)
