"""What an exchange is to a person: its API, its events, its model."""

import gzip
import json
import tracemalloc
from typing import Any

import msgspec
import pytest

from tests.samples import DONE, chunk, streamed
from tokentape import view
from tokentape.model import Ending, Exchange, Headers, Read, Request, Response
from tokentape.view import Api

# A message of Amazon's binary event stream without headers or payload.
MESSAGE = bytes.fromhex("00000010 00000000 05c248eb 7d98c8ff")
SSE: Headers = (("content-type", "text/event-stream; charset=utf-8"),)


def answered(body: bytes, headers: Headers = SSE, **request: Any) -> Exchange:
    return Exchange(
        request=Request(**{"url": "", "body": None} | request),
        response=Response(headers=headers, reads=(Read(body),)),
    )


URLS = [
    ("https://api.openai.com/v1/chat/completions", Api.CHAT),
    ("https://x/openai/v1/v1/chat/completions?api-version=1", Api.CHAT),
    ("https://api.openai.com/v1/completions", Api.COMPLETIONS),
    ("https://api.openai.com/v1/responses", Api.RESPONSES),
    ("https://api.anthropic.com/v1/messages", Api.MESSAGES),
    ("https://api.openai.com/v1/embeddings", Api.EMBEDDINGS),
    ("https://g/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", Api.GEMINI),
    ("https://g/v1/projects/p/publishers/google/models/gemini:generateContent", Api.GEMINI),
    ("vertexai:///generate_content_stream", Api.GEMINI),
    ("https://g/v1beta/models/gemini-embedding-001:batchEmbedContents", Api.EMBEDDINGS),
    ("https://g/v1beta/models/gemini-2.5-pro:countTokens", Api.OTHER),
    ("https://api.openai.com/v1/responses/resp_0e1e", Api.RESPONSES),
    ("https://api.openai.com/v1/responses/resp_0e1e?stream=true&starting_after=3", Api.RESPONSES),
    ("https://api.openai.com/v1/responses/resp_0e1e/cancel", Api.OTHER),
    ("https://bedrock-runtime.x.amazonaws.com/model/claude/converse-stream", Api.BEDROCK),
    ("https://api.openai.com/v1/files", Api.OTHER),
    ("vertexai:///embed_content", Api.EMBEDDINGS),
    ("http://localhost:11434/api/embed", Api.EMBEDDINGS),
    ("tool:///tavily/search", Api.OTHER),
    ("", Api.OTHER),
]


@pytest.mark.parametrize(("url", "api"), URLS)
def test_the_api_is_told_by_the_operation(url: str, api: Api) -> None:
    assert view.api(Exchange(request=Request(url=url))) is api


ANSWERS = [
    (chunk("Yes"), Api.CHAT, "gpt-test-2026"),
    # Azure's prelude names neither object nor model.
    (b'data: {"object":"","model":"","choices":[]}\n\n' + chunk("Yes"), Api.CHAT, "gpt-test-2026"),
    (
        b'event: response.created\ndata: {"type":"response.created","response":{"model":"m"}}\n\n',
        Api.RESPONSES,
        "m",
    ),
    (
        b'event: message_start\ndata: {"type":"message_start","message":{"model":"m"}}\n\n',
        Api.MESSAGES,
        "m",
    ),
    (b'data: {"object":"text_completion","model":"m"}\n\n', Api.COMPLETIONS, "m"),
    (b'data: {"choices":[{"delta":{"content":"Yes"}}],"model":"m"}\n\n', Api.CHAT, "m"),
    (b'data: {"choices":[{"text":"Yes"}, 1],"model":"m"}\n\n', Api.OTHER, "m"),
    (b"data: [1]\n\ndata: oops\n\n", Api.OTHER, ""),
]


@pytest.mark.parametrize(("body", "api", "model"), ANSWERS)
def test_without_a_request_the_answer_tells(body: bytes, api: Api, model: str) -> None:
    exchange = answered(body)
    assert (view.api(exchange), view.model(exchange)) == (api, model)


CLAUDE = "https://x/v1/projects/p/locations/l/publishers/anthropic/models/claude-3-7:rawPredict"


def test_a_publisher_s_own_model_is_told_by_its_answer() -> None:
    message = answered(b'{"type":"message","model":"m"}', (("content-type", "application/json"),))
    exchange = msgspec.structs.replace(message, request=Request(url=CLAUDE))
    assert (view.api(exchange), view.model(exchange)) == (Api.MESSAGES, "claude-3-7")


def test_the_model_asked_for_comes_first() -> None:
    assert view.model(streamed()) == "gpt-test"


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("https://g/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini-2.5-pro"),
        (
            "https://b/model/us.anthropic.claude-haiku-4-5%3A0/invoke",
            "us.anthropic.claude-haiku-4-5:0",
        ),
        ("https://b/model/amazon.titan-embed-text-v2:0/invoke", "amazon.titan-embed-text-v2:0"),
        (
            "https://b/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.claude/converse",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.claude",
        ),
        ("https://g/v1beta/models/gemini-2.5-pro%3AgenerateContent", "gemini-2.5-pro"),
        ("https://huggingface.co/api/models/meta-llama/Llama-4?expand=x", ""),
        ("https://h/v1/models", ""),
    ],
)
def test_a_url_names_the_model_where_the_body_does_not(url: str, model: str) -> None:
    assert view.model(Exchange(request=Request(url=url, body=b"{}"))) == model


@pytest.mark.parametrize(
    ("headers", "body", "streaming", "events"),
    [
        (SSE, chunk("a") + DONE, True, 2),
        ((), chunk("a") + DONE, True, 2),
        ((), b": hello\n\n" + chunk("a"), True, 1),
        ((("content-type", "text/plain; charset=utf-8"),), chunk("a") + DONE, True, 2),
        ((("content-type", "text/plain"),), b"an answer: data: x\n\n", False, 0),
        ((("Content-Type", "application/json"),), b'{"data: ":1}', False, 0),
        ((("content-type", "application/x-ndjson"),), b'{"a":1}\n{"a":2}\n', True, 2),
        (
            (("content-type", "application/vnd.amazon.eventstream"),),
            MESSAGE * 2 + MESSAGE[:-1],
            True,
            2,
        ),
        ((("content-type", "application/vnd.amazon.eventstream"),), b"\xff" * 40, True, 0),
        ((*SSE, ("content-encoding", "gzip")), gzip.compress(chunk("a") + DONE), True, 2),
        ((*SSE, ("content-encoding", "gzip")), b"\x1f\x8bbroken", True, 0),
    ],
)
def test_streams_and_their_events(
    headers: Headers, body: bytes, streaming: bool, events: int
) -> None:
    exchange = answered(body, headers)
    assert (view.is_streaming(exchange), view.count_events(exchange)) == (streaming, events)


def test_reads_are_decoded_with_their_times() -> None:
    packed = gzip.compress(chunk("a") + DONE)
    headers = (*SSE, ("content-encoding", "gzip"))
    reads = (Read(packed[:20], 1), Read(packed[20:], 2))
    exchange = Exchange(request=Request(url=""), response=Response(headers=headers, reads=reads))
    first, second = view.decoded_reads(exchange)
    assert first.data + second.data == chunk("a") + DONE
    assert (first.offset_us, second.offset_us) == (1, 2)
    twice = gzip.compress(packed)
    headers = (*SSE, ("content-encoding", "gzip, gzip"))
    reads = (Read(twice[:20], 1), Read(twice[20:], 2))
    exchange = Exchange(request=Request(url=""), response=Response(headers=headers, reads=reads))
    assert list(view.decoded_reads(exchange)) == [Read(chunk("a") + DONE)]
    assert list(view.decoded_reads(Exchange(request=Request(url="")))) == []


def test_no_more_of_a_large_stream_is_read_than_is_asked_for() -> None:
    frame = b'data: {"object":"chat.completion.chunk"}\n\n'
    large = answered(frame * 100_000, (("content-type", "text/event-stream"),))
    tracemalloc.start()
    try:
        assert view.operation_of(large) == "/chat/completions"
        assert view.count_events(large) == 100_000
        assert tracemalloc.get_traced_memory()[1] < len(large.body)
    finally:
        tracemalloc.stop()


def test_a_document_is_one_payload() -> None:
    document = answered(
        json.dumps({"model": "m"}).encode(), (("content-type", "application/json"),)
    )
    assert list(view.payloads(document)) == [{"model": "m"}]
    assert list(view.payloads(answered(b"<html>", (("content-type", "text/html"),)))) == []


def test_what_is_not_known_is_not_guessed() -> None:
    exchange = Exchange(request=Request(url="http://h/x"), ending=Ending.STOPPED)
    row = view.row(exchange, path="p", number=0, format="tape", needs_repair=False)
    assert (row.status, row.duration_ms, row.bytes, row.events) == (None, None, 0, 0)
    assert view.duration_us(streamed()) == 5000
    assert view.duration_us(answered(b"x")) is None
    stopped = streamed(ending=Ending.STOPPED)
    assert view.duration_us(stopped) == 4000
