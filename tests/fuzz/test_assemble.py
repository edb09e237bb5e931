"""Any JSON values add up to a completion, whichever they are, and none of them is changed."""

from hypothesis import given

from tests.fuzz.budget import BUDGET, bounded, keeps
from tests.fuzz.mutate import event_streams
from tests.fuzz.seeds import CHAT, OTHERS
from tokentape.chat.assemble import Assembler, assemble
from tokentape.chat.payloads import stream_payloads


def assembling(body: bytes) -> None:
    payloads = list(stream_payloads(body))
    before = repr(payloads)  # a text tells NaN, -0.0, 1 and True apart
    assembler = Assembler()
    with bounded():
        for payload in payloads:
            assembler.feed(payload)
            assembler.completion()
        completion = assembler.completion()
        assert repr(completion) == repr(assemble(payloads))
        assert isinstance(completion["choices"], list)
        indexes = [choice["index"] for choice in completion["choices"]]
        assert indexes == sorted(set(indexes))
        assert repr(payloads) == before


@BUDGET
@given(event_streams(CHAT) | event_streams(OTHERS))
def test_chunks_add_up(body: bytes) -> None:
    assembling(body)


def test_what_was_found() -> None:
    keeps(assembling, "assemble")
