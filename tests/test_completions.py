"""An exchange's completion and chunks, or why it has none."""

import gzip
import json
from typing import Any

import msgspec
import pytest

import tokentape
from tests.recorded import exchanges
from tests.samples import DONE, chunk, streamed
from tests.seeds import SEEDS
from tokentape.chat.assemble import assemble
from tokentape.completions import Assembled, assembled, chunks, completion
from tokentape.errors import UsageError
from tokentape.model import Ending, Exchange, Headers, Read, Request, Response
from tokentape.view import is_event_stream

SSE: Headers = (("content-type", "text/event-stream"),)
JSON: Headers = (("content-type", "application/json"),)
CHAT = "https://api.example.com/v1/chat/completions"
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Yes, it works", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5},
}


def answered(
    body: Any,
    headers: Headers = SSE,
    *,
    status: int = 200,
    url: str = CHAT,
    ending: Ending = Ending.COMPLETE,
) -> Exchange:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(
        request=Request(url=url),
        response=Response(status=status, headers=headers, reads=(Read(data),)),
        ending=ending,
    )


def said(found: dict[str, Any], index: int = 0) -> Any:
    return found["choices"][index]["message"]["content"]


def test_a_stream_is_assembled() -> None:
    found = completion(streamed(chunk("Y", role="assistant"), chunk("es"), chunk(finish="stop")))
    assert found == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-test-2026",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Yes"},
                "finish_reason": "stop",
            }
        ],
    }


def test_a_json_completion_comes_as_it_is_and_splits_into_chunks() -> None:
    exchange = answered(ANSWER, JSON)
    assert completion(exchange) == ANSWER
    found = chunks(exchange)
    assert {each["object"] for each in found} == {"chat.completion.chunk"}
    assert len(found) > 3
    assert assemble(found) == ANSWER


def test_the_chunks_of_a_stream_are_those_of_its_events() -> None:
    frames = (chunk("Yes"), b"data: oops\n\n", b": ping\n\n", chunk(finish="stop"), DONE)
    found = chunks(streamed(*frames))
    assert [frame[6:-2] for frame in frames if b"object" in frame] == [
        json.dumps(each).encode() for each in found
    ]


def test_codings_are_undone() -> None:
    body = gzip.compress(chunk("Yes") + DONE)
    assert said(completion(answered(body, (*SSE, ("content-encoding", "gzip"))))) == "Yes"


def test_half_characters_of_two_chunks_are_one() -> None:
    halves = (chunk("\ud83d"), chunk("\ude00"), chunk("!", finish="stop"), DONE)
    assert said(completion(streamed(*halves))) == "😀!"


def test_the_legacy_api_is_assembled_too() -> None:
    frames = b"".join(
        b'data: {"object":"text_completion","choices":[{"index":0,"text":"%s"}]}\n\n' % text
        for text in (b"Hel", b"lo")
    )
    found = completion(answered(frames + DONE, url="https://h/v1/completions"))
    assert (found["object"], found["choices"][0]["text"]) == ("text_completion", "Hello")


ERROR = b'data: {"error": {"message": "over\\nloaded"}}\n\n'
PARTIAL = [
    ((chunk("Ye"), chunk("s", finish="stop"), DONE), Ending.COMPLETE, None),
    ((chunk("Ye"), chunk("s", finish="stop")), Ending.COMPLETE, None),
    ((chunk("Yes"), DONE), Ending.COMPLETE, None),
    ((chunk("Yes"),), Ending.COMPLETE, "neither [DONE] nor a finish_reason of choice 0"),
    (
        (chunk("Yes"),),
        Ending.CUT,
        "cut by the server; neither [DONE] nor a finish_reason of choice 0",
    ),
    ((chunk("Yes", finish="stop"),), Ending.LEFT, "left by the client"),
    ((chunk("Yes"), b"data: {oops\n\n", DONE), Ending.COMPLETE, "not JSON: 1 of its 3 events"),
    (
        (chunk("Yes"), ERROR),
        Ending.COMPLETE,
        "an error in the stream: over loaded; neither [DONE] nor a finish_reason of choice 0",
    ),
    ((b'data: {"choices":[],"usage":{}}\n\n', DONE), Ending.COMPLETE, "no choice in it"),
]


@pytest.mark.parametrize(("frames", "ending", "partial"), PARTIAL)
def test_a_stream_that_broke_gives_what_came_and_says_so(
    frames: tuple[bytes, ...], ending: Ending, partial: str | None
) -> None:
    exchange = streamed(*frames, ending=ending)
    found = assembled(exchange)
    assert (found.partial, found.skipped) == (partial, None)
    assert found.completion == completion(exchange) == assemble(chunks(exchange))
    if found.completion["choices"]:
        assert said(found.completion) == "Yes"


def test_an_error_inside_a_stream_stands_in_the_completion() -> None:
    found = completion(streamed(chunk("Yes"), ERROR))
    assert found["error"] == {"message": "over\nloaded"}


SKIPPED = [
    (answered(b"", url="https://h/v1/responses"), "another API: responses"),
    (answered(b"", url="https://h/v1/embeddings"), "another API: embeddings"),
    (answered(b"x", url="https://h/v1/files"), "another API: other"),
    (Exchange(request=Request(url=CHAT), ending=Ending.TIMED_OUT), "no response: timed out"),
    (answered({"error": {"message": "no key"}}, JSON, status=401), "HTTP status 401: no key"),
    (answered({"error": "no"}, JSON, status=500), "HTTP status 500: no"),
    (answered({"detail": [{"loc": []}]}, JSON, status=422), 'HTTP status 422: [{"loc":[]}]'),
    (answered([{"error": {"code": 5}}], JSON, status=400), 'HTTP status 400: {"code":5}'),
    (answered({"error": "x" * 300}, JSON, status=400), f"HTTP status 400: {'x' * 199}…"),
    (answered(b"<html>", JSON, status=502), "HTTP status 502"),
    (answered([1], JSON, status=502), "HTTP status 502"),
    (answered(b"", (), status=302), "HTTP status 302"),
    (
        answered(b"\x1f\x8b\x08broken", (*JSON, ("content-encoding", "gzip"))),
        "a body that can't be read: expected compressed data, but it is damaged "
        "(Error -3 while decompressing data: unknown header flags set)",
    ),
    (
        answered(b"<html>", (("content-type", "text/html"),)),
        "a body that is neither JSON nor SSE (text/html)",
    ),
    (answered(b"\xff", ()), "a body that is neither JSON nor SSE (no type)"),
    (answered(b"", JSON), "an empty body (complete)"),
    (answered(b"", SSE, ending=Ending.CUT), "an empty body (cut by the server)"),
    (answered({"object": "list"}, JSON), "JSON that is no completion: it has no list of choices"),
    (answered([1], JSON), "JSON that is no completion: it has no list of choices"),
    (answered({"error": {"message": "no"}}, JSON), "an error in place of an answer: no"),
    (answered(ERROR + DONE), "an error in place of an answer: over loaded"),
    (answered({"error": {"message": "no"}}), "an error in place of an answer: no"),
    (
        answered(DONE + b"data: 1\n\n"),
        "a stream without chunks: none of its 2 events is one",
    ),
    (answered(b"data: {}"), "a stream without one whole event"),
]


@pytest.mark.parametrize(("exchange", "why"), SKIPPED, ids=[why[:60] for _, why in SKIPPED])
def test_what_has_no_completion_says_why(exchange: Exchange, why: str) -> None:
    assert assembled(exchange) == Assembled(skipped=why)
    for ask in (completion, chunks):
        with pytest.raises(UsageError) as caught:
            ask(exchange)
        assert why in str(caught.value)


def test_json_under_the_type_of_a_stream_is_read() -> None:
    assert completion(answered(ANSWER)) == ANSWER


def test_they_are_public() -> None:
    assert tokentape.completion is completion
    assert tokentape.chunks is chunks


def test_every_recording_gives_a_completion_or_a_reason(shared: Any) -> None:
    streams = partial = 0
    for _, exchange in exchanges([*SEEDS.values(), shared / "recordings"], repair=True):
        given = assembled(exchange)
        if given.completion is None:
            assert given.skipped
            continue
        streams += is_event_stream(exchange)
        partial += given.partial is not None
        if is_event_stream(exchange):
            assert assemble(chunks(exchange)) == given.completion
            assert all(c["message"]["role"] for c in given.completion["choices"])
            msgspec.json.encode(given.completion)
    assert streams > 80
    assert partial < 5
