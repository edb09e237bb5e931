"""Any bytes, at any split, are frames and events."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import BUDGET, bounded, keeps
from tests.fuzz.mutate import damaged, event_streams
from tests.fuzz.seeds import CHAT, STREAMS
from tests.wire import cut
from tokentape import sse
from tokentape.chat.payloads import stream_payloads
from tokentape.formats import repair


def law(stream: bytes, places: tuple[int, ...] = (1, 2, 3)) -> None:
    with bounded():
        events = sse.events(stream)
        assert sse.events(cut(stream, list(places))) == events
        assert b"".join(sse.frames(stream)) == stream
        assert sum(len(event.data) for event in events) <= len(stream)
        assert all(0 <= event.start < event.end <= len(stream) for event in events)
        assert len(list(stream_payloads(stream))) == len(events)
        repair.run_together(stream)
        repair.separated(stream)


@BUDGET
@given(
    event_streams(CHAT) | damaged(STREAMS) | st.binary(),
    st.lists(st.integers(0, 1 << 16), max_size=5).map(tuple),
)
def test_streams(stream: bytes, places: tuple[int, ...]) -> None:
    law(stream, places)


def test_what_was_found() -> None:
    keeps(law, "sse")
