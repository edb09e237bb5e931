"""What was recorded one way, served another way: what changes, what stays, what is refused."""

import gzip
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.samples import DONE, chunk, streamed
from tests.server.tapes import JSON, asked, exchange
from tests.wire import splits
from tokentape import sse
from tokentape.chat.adapt import adapt
from tokentape.chat.assemble import assemble
from tokentape.completions import completion
from tokentape.model import Ending, Exchange, Fidelity, Response, header
from tokentape.synthesis import HEADER, Made, Unmade, adapted, turned
from tokentape.view import parse_json

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
ANSWER = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-test",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there 😀", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": USAGE,
}


def frame(**fields: Any) -> bytes:
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test"}
    return b"data: " + json.dumps(head | fields).encode() + b"\n\n"


def said(text: str | None = None, finish: str | None = None, **fields: Any) -> bytes:
    delta = {} if text is None else {"content": text}
    return frame(choices=[{"index": 0, "delta": delta, "finish_reason": finish}], **fields)


WITH_USAGE = [
    said("Hel", usage=None, obfuscation="x"),
    said("lo", usage=None, obfuscation="yy"),
    said(finish="stop", usage=None, obfuscation="z"),
    frame(choices=[], usage=USAGE),
    DONE,
]


def answered(value: Any = ANSWER, **fields: Any) -> Exchange:
    body = json.dumps(value).encode()
    return exchange([body[:20], body[20:]], headers=JSON, body=asked(stream=False), **fields)


def payloads(made: Exchange) -> list[Any]:
    return [parse_json(event.data) for event in sse.events([made.body])]


def told(made: Made) -> str:
    response = made.exchange.response
    assert response is not None
    assert header(response.headers, HEADER) == made.what
    return made.what


def kind(made: Exchange) -> str | None:
    assert made.response is not None
    return header(made.response.headers, "content-type")


def test_a_stream_is_assembled() -> None:
    recorded = streamed(*WITH_USAGE)
    made = turned(recorded, include_usage=False)
    assert told(made) == "assembled from a stream"
    whole = completion(recorded)
    whole["choices"][0]["message"]["refusal"] = None
    assert json.loads(made.exchange.body) == whole
    assert json.loads(made.exchange.body)["usage"] == USAGE
    assert b"obfuscation" not in made.exchange.body
    assert kind(made.exchange) == "application/json"
    response = made.exchange.response
    assert response is not None
    assert response.offset_us is None
    assert [read.offset_us for read in response.reads] == [recorded.end_offset_us]


def test_json_of_tool_calls_has_the_content_and_refusal_that_clients_look_for() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    recorded = streamed(
        chunk(tool_calls=[{"index": 0} | call], role="assistant"), chunk(finish="tool_calls"), DONE
    )
    (choice,) = json.loads(turned(recorded, include_usage=False).exchange.body)["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [call],
    }
    assert list(choice["message"])[:2] == ["role", "content"]
    # Assembling adds nothing that did not come.
    assert set(completion(recorded)["choices"][0]["message"]) == {"role", "tool_calls"}


def test_json_of_a_refusal_keeps_it() -> None:
    recorded = streamed(chunk(refusal="No.", role="assistant"), chunk(finish="stop"), DONE)
    (choice,) = json.loads(turned(recorded, include_usage=False).exchange.body)["choices"]
    assert choice["message"] == {"role": "assistant", "content": None, "refusal": "No."}


@pytest.mark.parametrize(
    ("usage", "what"),
    [(True, "split from a JSON answer"), (False, "split from a JSON answer, usage dropped")],
)
def test_a_json_answer_is_split(usage: bool, what: str) -> None:
    made = turned(answered(), include_usage=usage)
    assert told(made) == what
    assert kind(made.exchange) == "text/event-stream"
    assert made.exchange.body.endswith(DONE)
    found = payloads(made.exchange)[:-1]
    assert assemble(found) == (ANSWER if usage else {k: ANSWER[k] for k in ANSWER if k != "usage"})
    assert (found[-1]["choices"] == []) is usage
    response = made.exchange.response
    assert response is not None
    # When the answer was there whole; the time of no part is invented.
    assert {read.offset_us for read in response.reads} == {20_000}
    assert len(response.reads) == len(found) + 1


def test_a_usage_that_is_not_known_is_not_invented() -> None:
    answer = {name: ANSWER[name] for name in ANSWER if name != "usage"}
    made = turned(answered(answer), include_usage=True)
    assert told(made) == "split from a JSON answer"
    assert b"usage" not in made.exchange.body
    assert adapted(streamed(said("a"), DONE), include_usage=True, include_obfuscation=True) is None


CUT = streamed(said("a"), ending=Ending.CUT)
UNMADE: list[tuple[str, Exchange, str]] = [
    ("cut", CUT, "cut by the server"),
    ("no end in it", streamed(said("a")), "neither [DONE] nor a finish_reason"),
    ("an error in it", streamed(said("a"), frame(error={"message": "no"}), DONE), "an error"),
    ("an error status", answered({"error": {"message": "slow"}}, status=429), "HTTP status 429"),
    ("not 200", answered(status=201), "HTTP status 201"),
    ("cut JSON", answered(ending=Ending.CUT), "cut by the server"),
    ("no completion", answered({"data": []}), "no list of choices"),
    ("chunks as JSON", answered({"choices": [{"delta": {}}]}), "a `delta`"),
    ("another API", answered(url="https://x/v1/completions"), "another API"),
    ("no response", msgspec.structs.replace(CUT, response=None), "no response"),
    ("no body", streamed(b""), "an empty body"),
]


@pytest.mark.parametrize(("recorded", "says"), [u[1:] for u in UNMADE], ids=[u[0] for u in UNMADE])
def test_what_can_not_be_made_says_why(recorded: Exchange, says: str) -> None:
    with pytest.raises(Unmade) as why:
        turned(recorded, include_usage=True)
    assert says in why.value.message


def test_usage_is_dropped_and_times_stay() -> None:
    recorded = streamed(*WITH_USAGE)
    made = adapted(recorded, include_usage=False, include_obfuscation=True)
    assert made is not None
    assert told(made) == "usage dropped"
    assert b"usage" not in made.exchange.body
    assert b'"obfuscation":"yy"' in made.exchange.body
    assert made.exchange.response is not None
    assert recorded.response is not None
    times = [read.offset_us for read in recorded.response.reads]
    # The read that held nothing but the usage is gone, with its time.
    assert [read.offset_us for read in made.exchange.response.reads] == times[:3] + times[4:]
    assert made.exchange.response.reads[-1].data == DONE


def test_obfuscation_is_dropped_and_usage_kept() -> None:
    made = adapted(streamed(*WITH_USAGE), include_usage=None, include_obfuscation=False)
    assert made is not None
    assert told(made) == "obfuscation dropped"
    assert b"obfuscation" not in made.exchange.body
    # The frame without any keeps its bytes.
    assert WITH_USAGE[3] in made.exchange.body


def test_usage_that_stood_in_the_last_chunk_comes_in_one_of_its_own() -> None:
    frames = [said("a"), said(finish="stop", usage=USAGE, obfuscation="x"), DONE]
    made = adapted(streamed(*frames), include_usage=True, include_obfuscation=False)
    assert made is not None
    assert told(made) == "obfuscation dropped, usage added"
    *chunks, last, done = payloads(made.exchange)
    assert [chunk["usage"] for chunk in chunks] == [None, None]
    assert (last["choices"], last["usage"], done) == ([], USAGE, None)
    assert made.exchange.response is not None
    assert made.exchange.response.reads[-1].data.endswith(DONE)
    assert len(made.exchange.response.reads) == 3


def test_usage_that_comes_unasked_in_a_chunk_of_its_own_is_as_it_should_be() -> None:
    frames = [said("a"), said(finish="stop"), frame(choices=[], usage=USAGE), DONE]
    assert adapted(streamed(*frames), include_usage=True, include_obfuscation=True) is None


def test_options_that_change_nothing_make_nothing() -> None:
    recorded = streamed(said("a"), said(finish="stop"), DONE)
    for usage in (None, False, True):
        assert adapted(recorded, include_usage=usage, include_obfuscation=False) is None
    assert adapted(answered(), include_usage=False, include_obfuscation=False) is None


def test_what_else_a_frame_says_stays() -> None:
    body = (
        b"\xef\xbb\xbf: hello\r\nid: 7\r\nevent: message\r\n"
        + said("a", obfuscation="x").replace(b"data: {", b"data: {\r\ndata:", 1).rstrip(b"\n")
        + b"\r\nretry: 5\r\n\r\n: bye\r\n\r\n"
        + DONE
    )
    made = adapted(streamed(body), include_usage=None, include_obfuscation=False)
    assert made is not None
    before, _, after = made.exchange.body.partition(b"data: ")
    assert before == b"\xef\xbb\xbf: hello\r\nid: 7\r\nevent: message\r\n"
    _, _, after = after.partition(b"\r\n")
    assert after == b"retry: 5\r\n\r\n: bye\r\n\r\n" + DONE
    assert payloads(made.exchange)[0]["choices"][0]["delta"] == {"content": "a"}


def test_a_compressed_stream_is_served_plain_at_its_times() -> None:
    packed = gzip.compress(b"".join(WITH_USAGE))
    reads = [packed[:30], packed[30:]]
    headers = (("Content-Type", "text/event-stream; charset=utf-8"), ("Content-Encoding", "gzip"))
    made = adapted(exchange(reads, headers=headers), include_usage=False, include_obfuscation=False)
    assert made is not None
    assert told(made) == "obfuscation dropped, usage dropped"
    response = made.exchange.response
    assert response is not None
    assert header(response.headers, "content-encoding") is None
    assert kind(made.exchange) == "text/event-stream; charset=utf-8"
    assert response.reads[-1].offset_us == 20_000
    assert assemble(payloads(made.exchange))["choices"][0]["message"]["content"] == "Hello"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_frame_goes_with_all_of_its_line_ends(end: bytes) -> None:
    first, usage_chunk, done = (
        frame.replace(b"\n", end)
        for frame in (chunk("a"), b'data: {"choices":[],"usage":{"a":1}}\n\n', DONE)
    )
    made = adapted(
        streamed(first, usage_chunk, done), include_usage=False, include_obfuscation=True
    )
    assert made is not None
    assert made.exchange.body == first + done


def test_what_can_not_be_read_is_served_as_it_is() -> None:
    headers = (("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip"))
    damaged = exchange([gzip.compress(b"x")[:10] + b"\xff" * 9], headers=headers)
    assert adapted(damaged, include_usage=False, include_obfuscation=False) is None


def test_a_lone_surrogate_stays_an_escape() -> None:
    raw = b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}],"obfuscation":"x"}\n\n'
    made = adapted(streamed(raw), include_usage=None, include_obfuscation=False)
    assert made is not None
    assert rb"\ud83d" in made.exchange.body
    ended = streamed(raw, said(finish="stop"), DONE)
    assert rb"\ud83d" in turned(ended, include_usage=False).exchange.body


PARTS = [
    *WITH_USAGE[:4],
    said(finish="stop", usage=USAGE),
    chunk("b"),
    DONE,
    b": comment\n\n",
    b"\n",
    b"data: not json\n\n",
    b"data: {}\n\n",
    b'data: {"choices": null, "usage": 5}\n\n',
    b'data: {"choices": [3, null], "obfuscation": []}\r\n\r\n',
    b"data: [1]\r\r",
    b"event: x\nid: 1\n",
    b"\xff\xfe",
]


@given(
    st.lists(st.sampled_from(PARTS), max_size=8),
    st.data(),
    st.sampled_from([None, False, True]),
    st.booleans(),
)
def test_the_events_are_the_adapted_ones_however_they_were_read(
    parts: list[bytes], data: st.DataObject, usage: bool | None, obfuscation: bool
) -> None:
    body = b"".join(parts)
    recorded = streamed(*data.draw(splits(body)))
    options: Any = {"include_usage": usage, "include_obfuscation": obfuscation}
    made = adapted(recorded, **options)
    before = [parse_json(event.data) for event in sse.events([body])]
    if made is None:
        return
    wanted = adapt(before, **options)
    if usage and len(wanted) == len(before):
        # The usage is there as it should be; what comes before it need not say that it is not.
        wanted = adapt(before, include_usage=None, include_obfuscation=obfuscation)
    *chunks, last = wanted if len(wanted) > len(before) else (*wanted, None)
    found = payloads(made.exchange)
    if last is not None:
        assert last in found
        found.remove(last)
    assert found == chunks
    assert recorded.response is not None
    assert made.exchange.response is not None
    times = {read.offset_us for read in recorded.response.reads}
    offsets = [read.offset_us for read in made.exchange.response.reads]
    assert set(offsets) <= times
    assert offsets == sorted(offsets, key=lambda offset: offset or 0)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3),
                    lambda inner: st.lists(inner, max_size=3)
                    | st.dictionaries(st.sampled_from(["choices", "message", "delta", "usage"]),
                                      inner, max_size=3), max_leaves=12))  # fmt: skip
def test_any_json_is_made_or_refused(value: Any) -> None:
    body = json.dumps(value).encode()
    recorded = exchange([body], headers=JSON, fidelity=Fidelity.BYTES)
    try:
        made = turned(recorded, include_usage=True)
    except Unmade as error:
        assert error.message  # noqa: PT017 - most values give an error, not all
    else:
        assert isinstance(made.exchange.response, Response)
        assert made.exchange.body.endswith(DONE)
