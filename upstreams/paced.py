"""Records the bundled tape that knows its times, from a provider that is a script.

usage: python -m upstreams.paced

What the script sends is made up, pauses and all; what is on the tape is what came over the wire.
"""

import asyncio
import json
import random
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from openai import OpenAI

from tokentape.library import Library, load, save
from tokentape.server import Settings
from tokentape.server.upstream import Upstream
from tokentape.testing import replay

TAPE = Path(__file__).parent.parent / "src" / "tokentape" / "tapes" / "paced.tape.jsonl"
MODEL = "scripted"
QUESTION = "What is a tape?"
TEXT = (
    "A tape is a stream kept as it came over the wire: every byte, every read, every pause. "
    "Played back, it is the same stream again. Your client can’t tell it from the provider,"
    "\0 not even here, where the model stopped to think … and not where a read ends inside of "
    "a character, as one did in this 🎞."
)
FIRST_S, GAP_S, STALL_S, CUT_S = 0.35, 0.035, 0.6, 0.02

Json = dict[str, Any]


def _chunk(choices: list[Json], usage: Json | None = None) -> bytes:
    payload = {
        "id": "chatcmpl-scripted",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": MODEL,
        "choices": choices,
        "usage": usage,
    }
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return b"data: " + data.encode() + b"\n\n"


def _delta(delta: Json, finish: str | None = None) -> bytes:
    return _chunk([{"index": 0, "delta": delta, "finish_reason": finish}])


def _writes() -> Iterator[tuple[float, bytes]]:
    """What is sent, each with the pause before it in seconds."""
    rolls = random.Random(1)
    yield FIRST_S, _delta({"role": "assistant", "content": ""})
    pieces = re.findall(r"\0?\s*[^\s\0]+", TEXT)
    for piece in pieces:
        pause = STALL_S if piece.startswith("\0") else GAP_S * rolls.lognormvariate(0, 0.5)
        data = _delta({"content": piece.removeprefix("\0")})
        inside = data.find("🎞".encode()) + 2
        if inside > 1:
            yield pause, data[:inside]
            pause, data = CUT_S, data[inside:]
        yield pause, data
    yield GAP_S, _delta({}, "stop")
    count = len(pieces)
    usage = {"prompt_tokens": 5, "completion_tokens": count, "total_tokens": 5 + count}
    yield 0.001, _chunk([], usage)
    yield 0.001, b"data: [DONE]\n\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None
    await reader.readexactly(int(length[1]))
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    for pause, data in _writes():
        await asyncio.sleep(pause)
        writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    writer.close()


@contextmanager
def _provider() -> Iterator[str]:
    """The script, until the block ends; its base URL."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(_answer, "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        with _provider() as url:
            settings = Settings(
                mode="record", upstreams=(Upstream("scripted", url),), tapes=folder, port=0
            )
            library = Library([])
            with (
                replay(library, settings=settings) as server,
                OpenAI(base_url=server.base_url, api_key="none-needed") as client,
            ):
                stream = client.chat.completions.create(
                    model=MODEL,
                    messages=[{"role": "user", "content": QUESTION}],
                    stream=True,
                    stream_options={"include_usage": True},
                )
                for _ in stream:
                    pass
            library.close()
        save(load(Path(folder) / "default.tape.jsonl"), TAPE, force=True)


if __name__ == "__main__":
    main()
