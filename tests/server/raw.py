"""A client of bare sockets: what is on the wire, to the byte."""

import socket
from dataclasses import dataclass, field
from types import TracebackType


@dataclass
class Answered:
    """One response. `chunks` are its HTTP chunks; `whole` is whether it ended as it promised."""

    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunks: list[bytes] = field(default_factory=list)
    whole: bool = False

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class Raw:
    """A connection to the server at `base_url`; every wait is bounded, so nothing hangs."""

    def __init__(self, base_url: str, receive_buffer: int | None = None) -> None:
        host, _, port = base_url.removeprefix("http://").removesuffix("/v1").rpartition(":")
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(60)  # a machine may be busy with much else
        self.socket.connect((host, int(port)))
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> "Raw":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def post(self, body: bytes, *headers: str, path: str = "/v1/chat/completions") -> None:
        self.send(request(body, *headers, path=path))

    def closed(self) -> bool:
        """Whether the server ended the connection; waits for that or for more bytes."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def answer(self, *, head_only: bool = False) -> Answered:
        found = Answered()
        line = self.file.readline().decode("latin-1")
        if not line:
            return found
        assert line.startswith("HTTP/1.1 "), line
        _, status, found.reason = line.rstrip("\r\n").split(" ", 2)
        found.status = int(status)
        while (line := self.file.readline().decode("latin-1")) not in ("\r\n", ""):
            name, _, value = line.rstrip("\r\n").partition(": ")
            found.headers.append((name, value))
        if head_only or found.status in (204, 304) or found.status < 200:
            found.whole = True
        elif found.header("transfer-encoding") == "chunked":
            self._chunks(found)
        elif (length := found.header("content-length")) is not None:
            found.chunks = [self.file.read(int(length))]
            found.whole = len(found.body) == int(length)
        else:
            found.chunks = [self.file.read()]
            found.whole = True
        return found

    def _chunks(self, found: Answered) -> None:
        while line := self.file.readline():
            size = int(line, 16)
            data = self.file.read(size)
            end = self.file.read(2)
            if size == 0:
                found.whole = end == b"\r\n"
                return
            found.chunks.append(data)
            assert end == b"\r\n" or not end


def request(
    body: bytes, *headers: str, path: str = "/v1/chat/completions", method: str = "POST"
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
