"""An HTTP/1.1 client that keeps what others hide: the chunks as framed, and whether they ended."""

import socket
from urllib.parse import urlsplit

import msgspec


class RawAnswer(msgspec.Struct, frozen=True):
    """`chunks` are the HTTP chunks, or the whole body as one. `whole` is False where the
    connection closed before the framing said so."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    chunks: list[bytes]
    whole: bool

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class RawClient:
    """One connection, kept alive between requests; used as a context manager."""

    def __init__(self, base_url: str) -> None:
        where = urlsplit(base_url)
        self._host = where.netloc
        self._socket = socket.create_connection((where.hostname or "", where.port or 80), 10)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> RawAnswer:
        """Send one request and read its answer to the end."""
        head = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        head += [f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self._socket.sendall("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        return self._answer(method)

    def _answer(self, method: str) -> RawAnswer:
        _, _, rest = self._file.readline().decode("latin-1").rstrip("\r\n").partition(" ")
        status, _, reason = rest.partition(" ")
        headers = []
        while line := self._file.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        answer = RawAnswer(int(status), reason, headers, [], True)
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if answer.header("transfer-encoding") == "chunked":
            return msgspec.structs.replace(answer, **self._chunks())
        length = answer.header("content-length")
        body = self._file.read(int(length)) if length is not None else self._file.read()
        whole = length is None or len(body) == int(length)
        return msgspec.structs.replace(answer, chunks=[body] if body else [], whole=whole)

    def _chunks(self) -> dict[str, object]:
        chunks: list[bytes] = []
        while size := self._file.readline():
            length = int(size, 16)
            if length == 0:
                self._file.readline()
                return {"chunks": chunks, "whole": True}
            chunks.append(self._file.read(length))
            self._file.readline()
        return {"chunks": chunks, "whole": False}
