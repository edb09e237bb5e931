"""A provider that answers by the contract, for what tiny models can't do on demand.

usage: python -m upstreams.scripted      (the first line of stdout is its base URL)

The request says what comes back: `tools` gets a tool call and a tool's answer gets text; `n` gets
as many choices; `stream`, `stream_options.include_usage` as in OpenAI's API description. The model
says what goes wrong:

scripted         nothing
busy             429 with Retry-After, always
busy-once        429 to every first of two requests
breaks           an error inside the stream, under status 200; 500 where nothing is streamed

Answers that are not streamed are gzipped where the client takes that, as providers do.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

CREATED = 1_700_000_000
# Characters of two, three and four bytes, and what JSON must escape.
TEXT = 'Grüezi from choice {index}: 21 °C ☀, "clear" all day 🏔.\nNothing else.'
AFTER_TOOL = "It is 21 °C in Zürich."
PIECE = 7
PAUSE_S = 0.002

Json = dict[str, Any]


class _Provider:
    def __init__(self) -> None:
        self._turned_away = False

    async def answer(self, request: Request) -> Response:
        asked: Json = json.loads(await request.body())
        model = asked["model"]
        if model == "busy" or (model == "busy-once" and self._turn_away()):
            return _busy()
        if asked.get("stream"):
            events = _broken(asked) if model == "breaks" else _events(asked)
            return StreamingResponse(_paced(events), media_type="text/event-stream")
        if model == "breaks":
            return _error(500, "The model broke.", "server_error", {})
        return _whole(asked, "gzip" in request.headers.get("accept-encoding", ""))

    def _turn_away(self) -> bool:
        self._turned_away = not self._turned_away
        return self._turned_away


def _error(status: int, message: str, kind: str, headers: dict[str, str]) -> Response:
    error = {"message": message, "type": kind, "param": None, "code": None}
    return Response(json.dumps({"error": error}), status, headers, "application/json")


def _busy() -> Response:
    # The second header is for clients that know it: their retry then takes no second.
    wait = {"retry-after": "1", "retry-after-ms": "20"}
    return _error(429, "Too many requests.", "rate_limit_error", wait)


def _usage(asked: Json) -> Json:
    choices = asked.get("n") or 1
    return {"prompt_tokens": 11, "completion_tokens": 9 * choices, "total_tokens": 11 + 9 * choices}


def _call(asked: Json) -> Json | None:
    """The tool call that answers this request, or None."""
    if not asked.get("tools") or asked["messages"][-1]["role"] == "tool":
        return None
    name = asked["tools"][0]["function"]["name"]
    function = {"name": name, "arguments": '{"city": "Zürich"}'}
    return {"id": "call_0001", "type": "function", "function": function}


def _text(asked: Json, index: int) -> str:
    if asked["messages"][-1]["role"] == "tool":
        return AFTER_TOOL
    return TEXT.format(index=index)


def _whole(asked: Json, gzipped: bool) -> Response:
    call = _call(asked)
    choices = []
    for index in range(asked.get("n") or 1):
        message: Json = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
        if call:
            message["tool_calls"] = [call]
        else:
            message["content"] = _text(asked, index)
        choices.append(
            {
                "index": index,
                "message": message,
                "logprobs": None,
                "finish_reason": "tool_calls" if call else "stop",
            }
        )
    answer = {**_head(asked, "chat.completion"), "choices": choices, "usage": _usage(asked)}
    body = json.dumps(answer, ensure_ascii=False).encode()
    headers = {"x-request-id": "req_0001"}
    if gzipped:
        body = gzip.compress(body, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, 200, headers, "application/json")


def _head(asked: Json, kind: str) -> Json:
    return {"id": "chatcmpl-0001", "object": kind, "created": CREATED, "model": asked["model"]}


def _deltas(asked: Json) -> Iterator[tuple[int, Json, str | None]]:
    """Choice, delta and finish reason of every chunk; the choices take turns."""
    choices = range(asked.get("n") or 1)
    call = _call(asked)
    for index in choices:
        yield index, {"role": "assistant", "content": None if call else "", "refusal": None}, None
    if call:
        function = call["function"]
        begun = {**call, "index": 0, "function": {**function, "arguments": ""}}
        arguments = [{"arguments": piece} for piece in _cut(function["arguments"])]
        pieces: list[Json] = [{"tool_calls": [begun]}]
        pieces += [{"tool_calls": [{"index": 0, "function": piece}]} for piece in arguments]
        by_choice = [pieces for _ in choices]
    else:
        by_choice = [[{"content": piece} for piece in _cut(_text(asked, k))] for k in choices]
    for deltas in zip(*by_choice, strict=True):
        for index, delta in enumerate(deltas):
            yield index, delta, None
    for index in choices:
        yield index, {}, "tool_calls" if call else "stop"


def _cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _chunks(asked: Json) -> Iterator[Json]:
    told = (asked.get("stream_options") or {}).get("include_usage")
    head = _head(asked, "chat.completion.chunk")
    without = {"usage": None} if told else {}
    for index, delta, finish in _deltas(asked):
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        yield {**head, "choices": [choice], **without}
    if told:
        yield {**head, "choices": [], "usage": _usage(asked)}


def _events(asked: Json) -> Iterator[bytes]:
    for chunk in _chunks(asked):
        yield b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _broken(asked: Json) -> Iterator[bytes]:
    """The first chunks, then an error, and no [DONE]."""
    for _, event in zip(range(4), _events(asked), strict=False):
        yield event
    error = {"message": "The model broke.", "type": "server_error", "param": None, "code": None}
    yield b"data: " + json.dumps({"error": error}).encode() + b"\n\n"


async def _paced(events: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Events with pauses between them, one of them in two halves, cut inside a character."""
    for event in events:
        inside = event.find("☀".encode()) + 1
        for part in (event[:inside], event[inside:]) if inside else (event,):
            await asyncio.sleep(PAUSE_S)
            yield part


def app() -> Starlette:
    """The provider; its state is that of one run."""
    answer = _Provider().answer
    return Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])


def main() -> None:
    config = uvicorn.Config(app(), host="127.0.0.1", port=0, log_level="error", lifespan="off")
    listener = config.bind_socket()
    print(f"base_url: http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    main()
