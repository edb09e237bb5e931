"""TTFT, ITL, TPOT, end-to-end and tokens per second, by each definition."""

import zlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measure.streams import at, choice, role, usage
from tests.samples import DONE, chunk, streamed
from tests.wire import splits
from tokentape import UsageError, timing
from tokentape.measure import DEFINITIONS, quantiles
from tokentape.measure.definitions import MEASURES
from tokentape.model import Ending, Exchange, Fidelity, Read

# A role at 10 ms, reasoning at 20, text at 30, 50 and 60, the usage at 70, [DONE] at 80.
STREAM = at(
    (10, role()),
    (20, chunk(reasoning_content="Hm")),
    (30, chunk("It ")),
    (50, chunk("is ")),
    (60, chunk("late", finish="stop")),
    (70, usage(completion=6)),
    (80, DONE),
)
# definition -> TTFT, ITL, TPOT, end-to-end (ms), tokens per second, reckoned by hand.
BY_HAND: dict[str, tuple[float, list[float], float | None, float, float]] = {
    "tokentape": (20, [10, 20, 10], 40 / 5, 81, 6 / 0.081),
    "aiperf": (20, [40 / 5], None, 60, 1 / 0.008),
    "vllm": (10, [10, 10, 20, 10], 60 / 5, 70, 6 / 0.070),
    "guidellm": (20, [40 / 5], 60 / 6, 81, 6 / 0.081),
    "llmperf": (30, [60 / 6], None, 81, 6 / 0.081),
}


def test_there_is_a_case_for_each_definition() -> None:
    assert list(BY_HAND) == [definition.name for definition in DEFINITIONS]


@pytest.mark.parametrize("name", BY_HAND)
def test_a_definition_gives_what_its_formulas_say(name: str) -> None:
    found = timing(STREAM, name)
    ttft, itl, tpot, end_to_end, rate = BY_HAND[name]
    assert found.definition == name
    assert found.ttft_us == ttft * 1000
    assert found.itl_us == pytest.approx([gap * 1000 for gap in itl])
    assert found.tpot_us == (None if tpot is None else pytest.approx(tpot * 1000))
    assert found.end_to_end_us == end_to_end * 1000
    assert found.tokens_per_second == pytest.approx(rate)
    assert set(found.unknown) == ({"tpot_us"} if tpot is None else set())


def test_a_name_that_no_definition_has_is_refused_with_the_names() -> None:
    with pytest.raises(UsageError, match="expected one of tokentape, aiperf, vllm, guidellm"):
        timing(STREAM, "p50")


def test_aiperf_takes_the_tokens_of_the_first_chunk_from_the_usage_on_it() -> None:
    first = {"index": 0, "delta": {"content": "It is"}, "finish_reason": None}
    stream = at(
        (10, usage(completion=3, choices=[first])),
        (30, chunk("late")),
        (40, usage(completion=7)),
    )
    assert timing(stream, "aiperf").itl_us == (20_000 / (7 - 3),)
    # A count that leaves nothing for the rest can't be right: one token, as AIPerf does.
    broken = at((10, usage(completion=7, choices=[first])), (30, chunk("l")), (40, usage()))
    assert timing(broken, "aiperf").itl_us == (20_000 / (4 - 1),)


def test_what_counts_as_the_first_token_differs() -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    stream = at((10, role()), (20, chunk(tool_calls=[call])), (30, usage()))
    ttfts = {d.name: timing(stream, d.name).ttft_us for d in DEFINITIONS}
    assert ttfts == {
        "tokentape": 20_000,
        "aiperf": 20_000,
        "vllm": 10_000,
        "guidellm": 20_000,
        "llmperf": None,
    }
    reason = timing(stream, "llmperf").unknown["ttft_us"]
    assert reason == "nothing that it is measured by came"


def test_events_of_one_read_share_its_time_and_an_event_has_that_of_its_last_byte() -> None:
    first, second, third = chunk("a"), chunk("b"), chunk("c")
    stream = at((10, first[:20]), (20, first[20:] + second), (30, third[:-1]), (40, third[-1:]))
    found = timing(stream)
    assert found.ttft_us == 20_000
    assert found.itl_us == (0, 20_000)
    assert found.reads == 4
    assert found.chunks == 3


@given(data=st.data())
def test_however_it_was_read_the_last_byte_of_an_event_gives_its_time(data: st.DataObject) -> None:
    frames = [role(), chunk("a"), chunk("b"), usage(), DONE]
    cuts = data.draw(splits(b"".join(frames)))
    found = timing(at(*((10 * number, part) for number, part in enumerate(cuts, 1))))
    ends = [sum(map(len, frames[: number + 1])) for number in (1, 2)]
    reads = [sum(map(len, cuts[:number])) for number in range(1, len(cuts) + 1)]
    times = [next(10 * n for n, size in enumerate(reads, 1) if size >= end) for end in ends]
    assert found.ttft_us == times[0] * 1000
    assert found.itl_us == ((times[1] - times[0]) * 1000,)


def test_each_choice_is_timed_by_itself() -> None:
    stream = at(
        (10, choice(0, content="a")),
        (20, choice(1, content="b")),
        (40, choice(0, content="c")),
        (45, choice(1, content="d")),
        (50, usage(completion=4)),
    )
    found = timing(stream)
    assert [(each.choice, each.ttft_us, each.itl_us) for each in found.choices] == [
        (0, 10_000, (30_000,)),
        (1, 20_000, (25_000,)),
    ]
    assert found.ttft_us == 10_000
    assert found.itl_us == (30_000, 25_000)
    # The tokens belong to both, so what needs those of one is not known.
    assert found.tpot_us is None
    assert found.unknown["tpot_us"] == "2 choices share one usage"
    assert found.tokens_per_second is not None
    for name in ("aiperf", "guidellm", "llmperf"):
        assert timing(stream, name).itl_us is None


def without_times(fidelity: Fidelity) -> Exchange:
    assert STREAM.response is not None
    response = msgspec.structs.replace(STREAM.response, reads=(Read(STREAM.body),), offset_us=None)
    return msgspec.structs.replace(STREAM, response=response, fidelity=fidelity, end_offset_us=None)


def status(code: int) -> Exchange:
    assert STREAM.response is not None
    response = msgspec.structs.replace(
        STREAM.response,
        status=code,
        headers=(("content-type", "application/json"),),
        reads=(Read(b'{"error": {"message": "slow down"}}', 9000),),
    )
    return msgspec.structs.replace(STREAM, response=response)


def document() -> Exchange:
    assert STREAM.response is not None
    body = b'{"choices":[{"message":{"content":"Yes"}}],"usage":{"completion_tokens":81}}'
    response = msgspec.structs.replace(
        STREAM.response,
        headers=(("content-type", "application/json"),),
        reads=(Read(body, 80_000),),
    )
    return msgspec.structs.replace(STREAM, response=response)


ERROR = b'data: {"error": {"message": "overloaded"}}\n\n'
ALL = set(MEASURES)
PACE = {"ttft_us", "itl_us", "tpot_us"}
ENDS = {"end_to_end_us", "tokens_per_second"}
# what -> the exchange, what is not known of it by our own definition, and a reason.
UNKNOWN: dict[str, tuple[Exchange, set[str], str]] = {
    "bytes": (without_times(Fidelity.BYTES), ALL, "holds no times (fidelity bytes)"),
    "events": (without_times(Fidelity.EVENTS), ALL, "holds no times (fidelity events)"),
    "no response": (msgspec.structs.replace(STREAM, response=None), ALL, "no response"),
    "an error status": (status(429), ALL, "status 429"),
    "no stream": (document(), PACE, "no event stream"),
    "no content": (at((10, role()), (20, usage())), PACE, "no content came"),
    "no usage": (
        at((10, chunk("a")), (20, chunk("b"))),
        {"tpot_us", "tokens_per_second"},
        "no out",
    ),
    "cut": (at((10, chunk("a")), (20, usage()), ending=Ending.CUT), {"tpot_us", *ENDS}, "cut by"),
    "stopped": (at((10, chunk("a")), ending=Ending.STOPPED), {"tpot_us", *ENDS}, "recorder stop"),
    "left": (at((10, chunk("a")), ending=Ending.LEFT), {"tpot_us", *ENDS}, "left by the client"),
    "an error in it": (at((10, chunk("a")), (20, ERROR)), {"tpot_us", *ENDS}, "an error came"),
    "one read": (at((10, chunk("a") + chunk("b") + usage())), {"tpot_us"}, "holds no such span"),
    "one token": (at((10, chunk("a")), (20, usage(completion=1))), {"tpot_us"}, "no such span"),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_what_a_recording_does_not_hold_is_unknown_and_why(what: str) -> None:
    exchange, unknown, why = UNKNOWN[what]
    found = timing(exchange)
    assert {name for name in MEASURES if getattr(found, name) is None} == unknown
    no_gaps = {"itl_us"} if found.itl_us == () else set()
    assert set(found.unknown) == unknown | no_gaps
    assert any(why in reason for reason in found.unknown.values())


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("what", UNKNOWN)
def test_no_definition_makes_a_measure_of_nothing(what: str, name: str) -> None:
    exchange, _, _ = UNKNOWN[what]
    found = timing(exchange, name)
    for measure in ("ttft_us", "tpot_us", "end_to_end_us", "tokens_per_second"):
        assert getattr(found, measure) != 0
    if exchange.fidelity is not Fidelity.WIRE:
        assert all(getattr(found, measure) is None for measure in MEASURES)
    if exchange.ending is not Ending.COMPLETE:
        assert found.end_to_end_us is None


def test_a_read_without_a_time_gives_no_times() -> None:
    assert STREAM.response is not None
    reads = [msgspec.structs.replace(read, offset_us=None) for read in STREAM.response.reads]
    response = msgspec.structs.replace(STREAM.response, reads=tuple(reads))
    found = timing(msgspec.structs.replace(STREAM, response=response))
    assert found.ttft_us is None
    assert found.itl_us is None
    assert found.unknown["ttft_us"] == "a read has no time"


def test_a_stream_that_was_cut_says_when_it_ended() -> None:
    assert timing(UNKNOWN["cut"][0]).ended_us == 21_000


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_coded_stream_has_the_times_of_its_reads(coding: str) -> None:
    packer = zlib.compressobj(wbits=31)
    frames = [role(), chunk("a"), chunk("b"), usage(), DONE]
    reads = [
        packer.compress(frame) + packer.flush(zlib.Z_SYNC_FLUSH) if coding == "gzip" else frame
        for frame in frames
    ]
    exchange = at(*((10 * number, data) for number, data in enumerate(reads, 1)))
    assert exchange.response is not None
    headers = (*exchange.response.headers, ("content-encoding", coding))
    response = msgspec.structs.replace(exchange.response, headers=headers)
    found = timing(msgspec.structs.replace(exchange, response=response))
    assert (found.ttft_us, found.itl_us) == (20_000, (10_000,))


def frame(value: str, event: str = "") -> bytes:
    return (f"event: {event}\n" if event else "").encode() + f"data: {value}\n\n".encode()


OTHERS: dict[str, tuple[str, list[bytes]]] = {
    "responses": (
        "/v1/responses",
        [
            frame('{"type":"response.created","response":{"usage":null}}', "response.created"),
            frame(
                '{"type":"response.output_text.delta","item_id":"m","output_index":0,'
                '"content_index":0,"delta":"Yes"}',
                "response.output_text.delta",
            ),
            frame(
                '{"type":"response.completed","response":{"output":[],'
                '"usage":{"input_tokens":3,"output_tokens":5,"total_tokens":8}}}',
                "response.completed",
            ),
        ],
    ),
    "messages": (
        "/v1/messages",
        [
            frame(
                '{"type":"message_start","message":{"model":"claude","usage":{"input_tokens":3,'
                '"output_tokens":1}}}',
                "message_start",
            ),
            frame(
                '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Y"}}',
                "content_block_delta",
            ),
            frame('{"type":"message_delta","usage":{"output_tokens":5}}', "message_delta"),
        ],
    ),
    "gemini": (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        [
            frame('{"candidates":[{"index":0}],"usageMetadata":{"promptTokenCount":3}}'),
            frame('{"candidates":[{"content":{"parts":[{"text":"Yes"}]}}]}'),
            frame('{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5}}'),
        ],
    ),
}


@pytest.mark.parametrize("api", OTHERS)
def test_other_apis_have_times_and_tokens_too(api: str) -> None:
    path, frames = OTHERS[api]
    exchange = at(*((10 * number, data) for number, data in enumerate(frames, 1)))
    request: Any = msgspec.structs.replace(exchange.request, url=f"https://h{path}")
    found = timing(msgspec.structs.replace(exchange, request=request))
    assert (found.ttft_us, found.end_to_end_us, found.tokens) == (20_000, 31_000, 5)
    assert timing(msgspec.structs.replace(exchange, request=request), "vllm").ttft_us is None


def test_the_quantiles_of_the_gaps_are_those_of_the_nearest_rank() -> None:
    found = timing(streamed(*map(chunk, "abcdef"), DONE), "tokentape")
    assert found.itl == quantiles(found.itl_us or ())
    assert found.itl is not None
    assert (found.itl.count, found.itl.p50) == (5, 1000)
