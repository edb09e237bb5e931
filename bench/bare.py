"""The ceiling: a bare uvloop protocol that parses, looks up and writes, and does nothing else.

`python -m bench.bare` gives `writelines` a write for each event; `--joined` makes one write of
them; `--gap MS` makes each when it is due. Prints its base URL and serves until it is stopped.
"""

import argparse
import asyncio
import gc
from hashlib import blake2b
from typing import ClassVar, cast

import httptools
import msgspec
import uvloop

from bench import material

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


def _key(body: bytes) -> bytes:
    return blake2b(_encode(_decode(body)), digest_size=16).digest()


def chunked(number: int) -> list[bytes]:
    """The writes of an answer: the head, and an HTTP chunk for each event."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    events = material.events(number)
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    chunks[0] = head + chunks[0]
    chunks[-1] += b"0\r\n\r\n"
    return chunks


class Bare(asyncio.Protocol):
    """One connection."""

    answers: ClassVar[dict[bytes, list[bytes]]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        writes = self.answers[_key(self.body)]
        self.body = b""
        self.answer(writes)

    def answer(self, writes: list[bytes]) -> None:
        self.transport.writelines(writes)


class Paced(Bare):
    """One connection whose writes are made when they are due, each with a timer of its own."""

    due_s: ClassVar[list[float]] = []

    def answer(self, writes: list[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._writes = writes
        self._loop.call_at(self._start + self.due_s[0], self._write, 0)

    def _write(self, number: int) -> None:
        self.transport.write(self._writes[number])
        if number + 1 < len(self._writes):
            due = self._start + self.due_s[number + 1]
            self._loop.call_at(due, self._write, number + 1)


async def serve(protocol: type[Bare]) -> None:
    """Serve with this class on a port that the first line of stdout tells, until stopped."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, backlog=2048)
    port = server.sockets[0].getsockname()[1]
    print(f"base_url: http://127.0.0.1:{port}/v1", flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--joined", action="store_true")
    parser.add_argument("--gap", type=int)
    asked = parser.parse_args()
    Bare.answers = {_key(material.request_body(n)): chunked(n) for n in range(material.REQUESTS)}
    if asked.joined:
        Bare.answers = {key: [b"".join(writes)] for key, writes in Bare.answers.items()}
    if asked.gap is not None:
        Paced.due_s = [due / 1e6 for due in material.due_us(asked.gap)]
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    uvloop.run(serve(Bare if asked.gap is None else Paced))


if __name__ == "__main__":
    main()
