"""A small HTTP/1.1 client that keeps what others hide: the chunks as they were sent."""

import socket
from dataclasses import dataclass

from bench.servers import HOST

_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """One answer. `chunks` is the body as it was framed, one piece where it was not chunked."""

    status: int
    chunks: list[bytes]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


def request_bytes(method: str, path: str, body: bytes | None) -> bytes:
    """A request as it goes over the wire."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + (body or b"")


def ask(port: int, request: bytes) -> Answer:
    """Send one request on a connection of its own and read the whole answer."""
    with (
        socket.create_connection((HOST, port), timeout=_TIMEOUT_S) as connection,
        connection.makefile("rb") as stream,
    ):
        connection.sendall(request)
        status = int(stream.readline().split()[1])
        headers: dict[str, str] = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        if headers.get("transfer-encoding") != "chunked":
            return Answer(status, [stream.read(int(headers["content-length"]))])
        chunks: list[bytes] = []
        while size := int(stream.readline().partition(b";")[0], 16):
            chunks.append(stream.read(size))
            stream.readline()
        return Answer(status, chunks)
