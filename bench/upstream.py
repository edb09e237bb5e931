"""The provider of the recording part: as little as answers a request, so that the rest is others'.

`python -m bench.upstream` answers the stream that the number in the request's last message asks
for, in one write; `--gap MS` makes each event's write when it is due; `--small` answers a small
JSON body instead; `--megabytes N` one long stream. Prints its base URL and serves until stopped.
"""

import argparse
import asyncio
import gc
import re
from typing import ClassVar

import uvloop

from bench import bare, material

_NUMBER = re.compile(rb"#(\d{6})#")
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n\r\n"
SMALL_BODY = (
    b'{"id":"chatcmpl-0","object":"chat.completion","created":1760000000,"model":"gpt-4o-mini",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},'
    b'"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}'
)


class _Numbered(bare.Paced):
    """One connection. Keys are compared with nothing: some proxies write the JSON anew."""

    streams: ClassVar[list[list[bytes]]] = []

    def on_message_complete(self) -> None:
        found = _NUMBER.search(self.body)
        self.body = b""
        if found is None:
            self.transport.close()
            return
        self.answer(self.streams[int(found[1])])


class _AtOnce(_Numbered):
    def answer(self, writes: list[bytes]) -> None:
        self.transport.writelines(writes)


class _Small(bare.Paced):
    """One small answer, whatever is asked."""

    def on_message_complete(self) -> None:
        self.transport.write(
            _HEAD % (b"application/json", b"Content-Length: %d" % len(SMALL_BODY)) + SMALL_BODY
        )


class _Long(bare.Paced):
    """One stream of the same events over and over, as fast as they are taken."""

    left: ClassVar[int] = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._todo = 0
        self._full = False

    def on_message_complete(self) -> None:
        self._todo = self.left
        self.transport.write(_HEAD % (b"text/event-stream", b"Transfer-Encoding: chunked"))
        self._fill()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._fill()

    def _fill(self) -> None:
        piece = long_piece()
        chunk = b"%x\r\n%b\r\n" % (len(piece), piece)
        while self._todo and not self._full:
            self._todo -= 1
            self.transport.write(chunk)
            if not self._todo:
                self.transport.write(b"0\r\n\r\n")


def long_piece() -> bytes:
    """What a long stream repeats."""
    return b"".join(material.events(0)[1:-2]) * 2


def long_pieces(megabytes: int) -> int:
    """How often."""
    return megabytes * 1_000_000 // len(long_piece())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gap", type=int)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--megabytes", type=int)
    asked = parser.parse_args()
    protocol: type[bare.Bare] = _AtOnce
    if asked.small:
        protocol = _Small
    elif asked.megabytes is not None:
        _Long.left = long_pieces(asked.megabytes)
        protocol = _Long
    else:
        chunks = [bare.chunked(number) for number in range(material.REQUESTS)]
        _Numbered.streams = chunks
        if asked.gap is None:
            _Numbered.streams = [[b"".join(writes)] for writes in chunks]
        else:
            bare.Paced.due_s = [due / 1e6 for due in material.due_us(asked.gap)]
            protocol = _Numbered
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    uvloop.run(bare.serve(protocol))


if __name__ == "__main__":
    main()
