"""Recordings made for these tests: small, known to the byte, written as native tapes."""

import json
from pathlib import Path
from typing import Any

from tokentape.formats import tape as native
from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response, Tape

SSE = (("Content-Type", "text/event-stream; charset=utf-8"), ("X-Request-Id", "req_1"))
JSON = (("Content-Type", "application/json"),)


def asked(model: str = "gpt-4o", text: str = "hi", stream: bool = True, **more: Any) -> bytes:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    if stream:
        body["stream"] = True
    return json.dumps(body).encode()


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0, **more: Any) -> bytes:
    choices = [{"index": index, "delta": delta, "finish_reason": finish}]
    value = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": choices,
        **more,
    }
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def stream(*texts: str) -> list[bytes]:
    """A chat completion, a read per text, then finish and [DONE] in one read."""
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"content": text}) for text in texts),
        chunk({}, "stop") + b"data: [DONE]\n\n",
    ]


def exchange(
    reads: list[bytes],
    *,
    body: bytes | None = None,
    gap_us: int | None = 10_000,
    url: str = "https://api.openai.com/v1/chat/completions",
    method: str = "POST",
    ending: Ending = Ending.COMPLETE,
    fidelity: Fidelity = Fidelity.WIRE,
    scope: str | None = None,
    end_us: int | None = None,
    **response: Any,
) -> Exchange:
    """Reads `gap_us` apart, the first at one gap; gap None: times unknown."""
    response.setdefault("headers", SSE)
    return Exchange(
        request=Request(method=method, url=url, body=asked() if body is None else body),
        response=Response(
            reads=tuple(
                Read(data, None if gap_us is None else gap_us * (at + 1))
                for at, data in enumerate(reads)
            ),
            **response,
        ),
        ending=ending,
        end_offset_us=end_us,
        fidelity=fidelity,
        scope=scope,
    )


def write(path: Path, *exchanges: Exchange) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert native.write is not None
    path.write_bytes(native.write(Tape(exchanges=exchanges)))
    return path
