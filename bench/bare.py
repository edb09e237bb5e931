"""The ceiling: a bare uvloop protocol that parses, looks up and writes, and does nothing else.

`python -m bench.bare` gives `writelines` a write for each event, `--joined` one write with the
same bytes. Prints its base URL and serves until it is stopped.
"""

import asyncio
import sys
from hashlib import blake2b
from typing import cast

import httptools
import msgspec
import uvloop

from bench import material

_encode = msgspec.json.Encoder(order="deterministic").encode
_decode = msgspec.json.Decoder().decode


def _key(body: bytes) -> bytes:
    return blake2b(_encode(_decode(body)), digest_size=16).digest()


def _answer(number: int) -> list[bytes]:
    """The writes of an answer: the head, and an HTTP chunk for each event."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    events = material.events(number)
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in events]
    chunks[0] = head + chunks[0]
    chunks[-1] += b"0\r\n\r\n"
    return chunks


def _answers(joined: bool) -> dict[bytes, list[bytes]]:
    found = {_key(material.request_body(n)): _answer(n) for n in range(material.REQUESTS)}
    return {key: [b"".join(writes)] for key, writes in found.items()} if joined else found


ANSWERS = _answers(joined="--joined" in sys.argv)


class Bare(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._transport.writelines(ANSWERS[_key(self._body)])
        self._body = b""


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"base_url: http://127.0.0.1:{port}/v1", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
