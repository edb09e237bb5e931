"""What every server is asked and answers: numbered requests, each with a stream of 47 events.

The events have the exact form that aimock renders, so that all servers send the same bytes.
"""

import json
import random
from pathlib import Path
from typing import Any

from tokentape.formats import tape as native
from tokentape.model import Exchange, Fidelity, Read, Request, Response, Tape

REQUESTS = 1_000
EVENTS = 47
PATH = "/v1/chat/completions"

_PIECE = 65
_PIECES = EVENTS - 3  # the role, the finish reason and [DONE] are events too
_MODEL = "gpt-4o-mini-2024-07-18"
_CREATED = 1_760_000_000
_FINGERPRINT = "fp_0123456789"
_WORDS = "the tape plays back what was said and waits as long as it was waited for then "


def _id(number: int) -> str:
    return f"chatcmpl-{number:06d}"


def text(number: int) -> str:
    """The answer to a request: tells its number, so that no server can send another's."""
    length = _PIECE * _PIECES
    words = random.Random(number).choices(_WORDS.split(), k=length)
    return f"Answer {number:06d}: {' '.join(words)}"[:length]


def event(number: int, delta: dict[str, str], finish: str | None = None) -> bytes:
    chunk = {
        "id": _id(number),
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": _MODEL,
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        "system_fingerprint": _FINGERPRINT,
    }
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


def events(number: int) -> list[bytes]:
    """The 47 events of an answer, as bytes on the wire."""
    answer = text(number)
    return [
        event(number, {"role": "assistant", "content": ""}),
        *(
            event(number, {"content": answer[at : at + _PIECE]})
            for at in range(0, len(answer), _PIECE)
        ),
        event(number, {}, "stop"),
        b"data: [DONE]\n\n",
    ]


def request_body(number: int) -> bytes:
    """A request of about 500 bytes; `#000042#` in the last message tells its number."""
    return json.dumps(
        {
            "model": "gpt-4o-mini",
            "stream": True,
            "temperature": 0.2,
            "max_tokens": 800,
            "messages": [
                {"role": "system", "content": "You answer in one paragraph. " + _WORDS * 3},
                {"role": "user", "content": f"Question #{number:06d}#: what does the tape say?"},
            ],
        }
    ).encode()


def due_us(gap_ms: int) -> list[int]:
    """When each event is due after its request was sent.

    aimock waits a gap before every event but `[DONE]`, which follows the one before it at once;
    the tapes are recorded so, too.
    """
    return [min(k + 1, EVENTS - 1) * gap_ms * 1000 for k in range(EVENTS)]


def exchange(number: int, gap_ms: int) -> Exchange:
    """The exchange, each event a read of its own."""
    due = due_us(gap_ms)
    reads = tuple(map(Read, events(number), due))
    return Exchange(
        request=Request(
            url="https://api.openai.com" + PATH,
            headers=(("Content-Type", "application/json"),),
            body=request_body(number),
        ),
        response=Response(
            headers=(("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")),
            offset_us=due[0],
            reads=reads,
        ),
        end_offset_us=due[-1],
        fidelity=Fidelity.WIRE,
    )


def write_tapes(folder: Path, gap_ms: int = 20) -> Path:
    """A native tape for each request."""
    folder.mkdir(parents=True)
    for number in range(REQUESTS):
        data = native.write(Tape(exchanges=(exchange(number, gap_ms),)))
        (folder / f"{number:06d}{native.SUFFIX}").write_bytes(data)
    return folder


def write_fixtures(folder: Path, gap_ms: int = 0, count: int = REQUESTS) -> Path:
    """The same answers as fixtures of aimock, which waits `gap_ms` before each event."""
    folder.mkdir(parents=True)
    fixtures: list[dict[str, Any]] = [
        {
            # Where one fixture is enough, it answers every request.
            "match": {"userMessage": f"#{number:06d}#" if count > 1 else "Question"},
            "response": {
                "content": text(number),
                "id": _id(number),
                "created": _CREATED,
                "model": _MODEL,
                "systemFingerprint": _FINGERPRINT,
                "finishReason": "stop",
            },
            "chunkSize": _PIECE,
            "latency": gap_ms,
        }
        for number in range(count)
    ]
    (folder / "fixtures.json").write_text(json.dumps({"fixtures": fixtures}))
    return folder


def write_static(folder: Path) -> Path:
    """The same bodies as files."""
    folder.mkdir(parents=True)
    for number in range(REQUESTS):
        (folder / f"{number:06d}.sse").write_bytes(b"".join(events(number)))
    return folder


def static_path(number: int) -> str:
    """Where `write_static` put an answer, as a URL path."""
    return f"/{number:06d}.sse"
