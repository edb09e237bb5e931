"""Any exchange is served another way than it was recorded, or not at all with a reason."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import BUDGET, bounded, found_exchanges
from tests.fuzz.exchanges import exchanges
from tests.fuzz.mutate import event_streams, odd_payloads
from tests.fuzz.seeds import ANSWERS, CHAT, Seeds
from tests.samples import as_served
from tests.wire import cut
from tokentape import completions, sse, synthesis, view
from tokentape.chat.adapt import adapt
from tokentape.model import Exchange, Fidelity, Read, Request, Response

CHAT_ANSWERS = Seeds(answer for answer in ANSWERS if "choices" in answer[0])


def turned(exchange: Exchange) -> None:
    """The answer as a stream, or the stream as an answer, says the same."""
    made = synthesis.turned(exchange, include_usage=True)
    assert made.what
    said, served = completions.completion(exchange), completions.completion(made.exchange)
    if view.is_event_stream(exchange):
        assert served == as_served(said)
        return
    indexes = [choice.get("index") for choice in said["choices"]]
    if len({index for index in indexes if type(index) is int}) < len(indexes):
        return  # Two of one index are one choice of a stream.
    assert [choice["index"] for choice in served["choices"]] == sorted(indexes)
    by_index = dict(zip(indexes, said["choices"], strict=True))
    for choice in served["choices"]:
        told = by_index[choice["index"]]
        wanted, found = heard(told), heard(choice)
        assert {name: found.get(name) for name in wanted} == wanted
    assert served.get("usage") == said.get("usage")


def heard(choice: dict[str, Any]) -> dict[str, Any]:
    """The texts of a choice, and why it ended."""
    message = choice["message"]
    names = ("content", "refusal", "reasoning", "reasoning_content")
    found = {name: message[name] for name in names if isinstance(message.get(name), str)}
    calls = message.get("tool_calls")
    if isinstance(calls, list) and all(isinstance(call, dict) for call in calls):
        found["calls"] = [call.get("function") for call in calls]
    return found | {"finish_reason": choice.get("finish_reason")}


def adapted(exchange: Exchange, usage: bool | None, obfuscation: bool) -> None:
    """With other stream options the same comes, but for what they ask for."""
    made = synthesis.adapted(exchange, include_usage=usage, include_obfuscation=obfuscation)
    if made is None:
        return
    added = synthesis.USAGE_ADDED in made.what
    before, after = view.decoded_body(exchange), view.decoded_body(made.exchange)
    # Usage that comes in a chunk of its own already is left as it is.
    asked = True if added else False if usage is False else None
    wanted = adapt(chunks(before), include_usage=asked, include_obfuscation=obfuscation)
    # The chunk with the usage comes before `[DONE]`, wherever that is.
    assert sorted(map(repr, chunks(after))) == sorted(map(repr, wanted))
    told = [chunk for chunk in chunks(after) if isinstance(chunk, dict)]
    told = [chunk for chunk in told if isinstance(chunk.get("choices"), list)]
    assert usage is not False or not any("usage" in chunk for chunk in told)
    assert obfuscation or not any("obfuscation" in chunk for chunk in told)
    # What neither option is about comes byte for byte, in order.
    served = iter(sse.frames(after))
    for frame in sse.frames(before):
        if not added and not any(word in frame for word in (b"usage", b"obfuscation", b"\\")):
            assert frame in served, frame
    times = iter(offsets(exchange))
    assert all(offset in times for offset in offsets(made.exchange))


def chunks(body: bytes) -> list[Any]:
    return [view.parse_json(event.data) for event in sse.events(body)]


def offsets(exchange: Exchange) -> list[int | None]:
    return [read.offset_us for read in exchange.response.reads] if exchange.response else []


def law(exchange: Exchange, usage: bool | None = True, obfuscation: bool = False) -> None:
    with bounded():
        adapted(exchange, usage, obfuscation)
    with bounded():
        turned(exchange)


@BUDGET
@given(exchanges(), st.none() | st.booleans(), st.booleans())
def test_exchanges(exchange: Exchange, usage: bool | None, obfuscation: bool) -> None:
    law(exchange, usage, obfuscation)


def clean(body: bytes, type: str, places: list[int]) -> Exchange:
    """A chat completion that came to its end: what is odd is the body alone."""
    response = Response(
        headers=(("content-type", type),),
        reads=tuple(Read(piece, at) for at, piece in enumerate(cut(body, places))),
    )
    url = "https://api.example.com/v1/chat/completions"
    return Exchange(request=Request(url=url), response=response, fidelity=Fidelity.WIRE)


places = st.lists(st.integers(0, 1 << 16), max_size=4)


@BUDGET
@given(odd_payloads(CHAT_ANSWERS).map(b"".join), places)
def test_answers(body: bytes, places: list[int]) -> None:
    law(clean(body, "application/json", places))


@BUDGET
@given(event_streams(CHAT), places, st.none() | st.booleans(), st.booleans())
def test_streams(body: bytes, places: list[int], usage: bool | None, obfuscation: bool) -> None:
    law(clean(body, "text/event-stream", places), usage, obfuscation)


def test_what_was_found() -> None:
    for exchange in found_exchanges("exchanges"):
        law(exchange)
