"""An upstream that does what a test tells it, to the byte, on a thread of its own.

A script is a coroutine for each connection: it takes requests, sends bytes, waits for the test,
cuts. A test lets it go on with `go`, so that nothing waits for time.
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue


class Cut(Exception):
    """The other side closed the connection."""


class Connection:
    """What a script has in hand."""

    def __init__(
        self, upstream: "Scripted", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._upstream = upstream
        self._reader = reader
        self._writer = writer

    async def request(self) -> bytes:
        """Take in a whole request; the test finds it in `requests`."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line[15:])
            whole = head + await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Cut from None
        self._upstream.requests.put(whole)
        return whole

    async def send(self, data: bytes) -> None:
        """Write; waits while the other side does not take it."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            raise Cut from None

    async def send_within(self, data: bytes, seconds: float) -> bool:
        """Write; whether the other side took it in that time."""
        self._writer.write(data)
        try:
            await asyncio.wait_for(self._writer.drain(), seconds)
        except TimeoutError:
            return False
        except ConnectionError:
            raise Cut from None
        return True

    async def drain(self) -> None:
        """Wait until the other side has taken what was written."""
        try:
            await self._writer.drain()
        except ConnectionError:
            raise Cut from None

    async def go(self) -> None:
        """Wait until the test says `go`."""
        await self._upstream.signals.acquire()

    async def gone(self) -> None:
        """Wait until the other side closes, and tell the test."""
        with suppress(ConnectionError):
            while await self._reader.read(65536):
                pass
        self._upstream.departed.set()

    async def tunnel(self, port: int) -> None:
        """Pass everything on to a port of this machine, both ways, as proxies do."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            sink.close()

        await asyncio.gather(pump(self._reader, writer), pump(reader, self._writer))

    def reset(self) -> None:
        """Close with a RST."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Script = Callable[[Connection], Awaitable[None]]


class Scripted:
    """The running upstream. `url` ends in /v1."""

    def __init__(self, scheme: str, port: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}/v1"
        self.requests: SimpleQueue[bytes] = SimpleQueue()
        self.departed = threading.Event()
        self.connections = 0
        self.signals = asyncio.Semaphore(0)
        self._loop = loop

    def go(self, times: int = 1) -> None:
        """Let a script that waits go on."""
        for _ in range(times):
            self._loop.call_soon_threadsafe(self.signals.release)


@contextmanager
def upstream(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """Run it while the block runs."""
    loop = asyncio.new_event_loop()
    ready: SimpleQueue[Scripted] = SimpleQueue()
    stop = asyncio.Event()

    async def main() -> None:
        serving: list[tuple[asyncio.Task[None], asyncio.StreamWriter]] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await script(Connection(running, reader, writer))
            except Cut:
                pass
            finally:
                writer.close()
                with suppress(OSError, ssl.SSLError):
                    await writer.wait_closed()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            running.connections += 1
            serving.append((loop.create_task(serve(reader, writer)), writer))

        # Who connects when more wait than the backlog holds is heard a second later, or never.
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls, backlog=1024)
        running = Scripted(
            "http" if tls is None else "https", server.sockets[0].getsockname()[1], loop
        )
        ready.put(running)
        await stop.wait()
        server.close()
        # Nothing stays open, though a script has not begun, or its bytes are not taken.
        for task, writer in serving:
            task.cancel()
            if not writer.is_closing() or writer.transport.get_write_buffer_size():
                writer.transport.abort()
        await asyncio.gather(*(task for task, _ in serving), return_exceptions=True)
        await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    try:
        yield ready.get(timeout=20)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def head(*headers: str, status: str = "200 OK", version: str = "1.1") -> bytes:
    """A response's head."""
    return "\r\n".join([f"HTTP/{version} {status}", *headers, "", ""]).encode("latin-1")


def chunked(data: bytes) -> bytes:
    """One HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def answering(*pieces: bytes) -> Script:
    """Answer every request with these bytes, each written when the test says `go`, then close."""

    async def script(connection: Connection) -> None:
        await connection.request()
        for piece in pieces:
            await connection.go()
            await connection.send(piece)
        await connection.go()

    return script


def at_once(*answers: bytes) -> Script:
    """Answer a connection's requests with these bytes in turn, the last one for ever."""

    async def script(connection: Connection) -> None:
        number = 0
        while True:
            await connection.request()
            await connection.send(answers[min(number, len(answers) - 1)])
            number += 1

    return script
