"""Any bytes, at any split, are messages of a binary event stream up to where it is broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import BUDGET, bounded, keeps
from tests.fuzz.exchanges import messages
from tests.fuzz.mutate import damaged
from tests.fuzz.seeds import BINARY
from tests.wire import cut
from tokentape import eventstream
from tokentape.errors import FormatError


def law(stream: bytes, places: tuple[int, ...] = (1, 2, 3)) -> None:
    with bounded():
        reader = eventstream.MessageReader()
        found = [each for read in cut(stream, list(places)) for each in reader.feed(read)]
        assert all(0 <= each.start < each.end <= len(stream) for each in found)
        assert eventstream.count(stream) >= len(found)
        if reader.broken is None and not reader.pending:
            assert eventstream.messages(stream) == found
        else:
            with pytest.raises(FormatError):
                eventstream.messages(stream)


@BUDGET
@given(
    damaged(BINARY) | messages() | st.binary(),
    st.lists(st.integers(0, 1 << 16), max_size=5).map(tuple),
)
def test_streams(stream: bytes, places: tuple[int, ...]) -> None:
    law(stream, places)


def test_what_was_found() -> None:
    keeps(law, "eventstream")
