"""Exchanges made up for tests: small, whole, and of every fidelity."""

import json
from typing import Any

from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response


def chunk(content: str | None = None, *, finish: str | None = None, **delta: Any) -> bytes:
    """One `chat.completion.chunk` frame."""
    if content is not None:
        delta["content"] = content
    payload = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-test-2026",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def body(question: str = "Are you working?", **fields: Any) -> bytes:
    """A chat completion request."""
    return json.dumps(
        {"model": "gpt-test", "messages": [{"role": "user", "content": question}], "stream": True}
        | fields
    ).encode()


def streamed(
    *frames: bytes,
    question: str = "Are you working?",
    gap_us: int = 1000,
    ending: Ending = Ending.COMPLETE,
    **fields: Any,
) -> Exchange:
    """A streamed chat completion of fidelity wire: a read for each frame, `gap_us` apart."""
    frames = frames or (chunk("Yes"), chunk(finish="stop"), DONE)
    return Exchange(
        request=Request(
            url="https://api.example.com/v1/chat/completions",
            headers=(("Content-Type", "application/json"),),
            body=body(question, **fields),
        ),
        response=Response(
            reason="OK",
            headers=(("Content-Type", "text/event-stream"),),
            http_version="1.1",
            offset_us=gap_us,
            reads=tuple(Read(f, gap_us * n) for n, f in enumerate(frames, 2)),
        ),
        fidelity=Fidelity.WIRE,
        ending=ending,
        end_offset_us=None if ending is Ending.STOPPED else gap_us * (len(frames) + 2),
    )


def as_served(completion: dict[str, Any]) -> dict[str, Any]:
    """A completion as JSON that is made of a stream: with what every message of OpenAI's has."""
    nulls = {"content": None, "refusal": None}
    choices = [
        choice | {"message": nulls | choice["message"]}
        if isinstance(choice.get("message"), dict)
        else choice
        for choice in completion["choices"]
    ]
    return completion | {"choices": choices}
