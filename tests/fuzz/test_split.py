"""Any completion splits or is refused; one that chunks gave splits into chunks that give it."""

import json
from typing import Any

from hypothesis import given

from tests.fuzz.budget import BUDGET, bounded, keeps
from tests.fuzz.mutate import event_streams, odd_payloads
from tests.fuzz.seeds import ANSWERS, CHAT
from tokentape.chat.adapt import adapt
from tokentape.chat.assemble import assemble
from tokentape.chat.payloads import parse_json, stream_payloads
from tokentape.chat.split import frames, split
from tokentape.errors import UsageError


def told(value: Any) -> str:
    """A value as a text that tells 1, 1.0 and True apart, whatever the order of keys."""
    return json.dumps(value, sort_keys=True)


def assembled(body: bytes) -> None:
    completion = assemble(stream_payloads(body))
    before = repr(completion)
    if completion["object"] != "chat.completion":
        return
    with bounded():
        try:
            chunks = split(completion, include_usage=True)
        except UsageError:
            assert not all(isinstance(c.get("message"), dict) for c in completion["choices"])
            return
        assert told(assemble(chunks)) == told(completion)
        assert repr(completion) == before
        *read, done = stream_payloads(b"".join(frames(chunks)))
        assert done.data == "[DONE]"
        assert assemble(read) == completion


def whole(answer: bytes) -> None:
    with bounded():
        chunks = split(parse_json(answer), include_usage=True)
        assert b"".join(frames(chunks)).count(b"\n\n") == len(chunks) + 1
        # Whatever it was, what its chunks add up to is one that chunks can say.
        once = assemble(chunks)
        assert told(assemble(split(once, include_usage=True))) == told(once)


def adapted(body: bytes) -> None:
    payloads = list(stream_payloads(body))
    before = repr(payloads)
    with bounded():
        for asked in (True, False):
            found = adapt(payloads, include_usage=asked, include_obfuscation=asked)
            assert adapt(found, include_usage=asked, include_obfuscation=asked) == found
    assert repr(payloads) == before


@BUDGET
@given(event_streams(CHAT))
def test_what_chunks_gave(body: bytes) -> None:
    assembled(body)


@BUDGET
@given(odd_payloads(ANSWERS))
def test_whole_answers(answer: list[bytes]) -> None:
    whole(b"".join(answer))


@BUDGET
@given(event_streams(CHAT))
def test_stream_options(body: bytes) -> None:
    adapted(body)


def test_what_was_found() -> None:
    for law in (assembled, whole, adapted):
        keeps(law, "split")
