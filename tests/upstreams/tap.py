"""A wire between TokenTape and a provider that keeps what the provider sent, to compare with."""

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

READ_BYTES = 65536
WAIT_S = 60


@dataclass
class _Connection:
    """The bytes that came back on one connection, and who ended it."""

    answered: bytearray = field(default_factory=bytearray)
    ended: bool = False
    left: bool = False


class Tap:
    """What came from the provider, connection by connection. Requests must not overlap."""

    def __init__(self, upstream: str) -> None:
        where = urlsplit(upstream)
        self._upstream = (where.hostname or "", where.port or 80)
        self._connections: list[_Connection] = []
        self._changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{where.path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # An accept that waits does not notice a close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def await_end(self) -> None:
        """Wait until the provider has sent the whole of a streamed answer, the newest."""
        self._await(lambda now: now.ended or now.answered.endswith(b"\r\n0\r\n\r\n"))

    def await_left(self) -> None:
        """Wait until TokenTape has left the newest connection while the provider was sending."""
        self._await(lambda now: now.left)

    def _await(self, seen: Callable[[_Connection], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: seen(self._connections[-1]), WAIT_S)

    def bodies(self) -> list[bytes]:
        """The body of each answer in order, transfer codings undone; a cut one as far as it is."""
        return [
            body for connection in self._connections for body in _bodies(bytes(connection.answered))
        ]

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(self._upstream)
            connection = _Connection()
            self._connections.append(connection)
            ends = (client, upstream, connection)
            for target in (self._requests, self._answers):
                threading.Thread(target=target, args=ends, daemon=True).start()

    def _requests(
        self, client: socket.socket, upstream: socket.socket, connection: _Connection
    ) -> None:
        for data in _reads(client):
            upstream.sendall(data)
        with self._changed:
            connection.left = not connection.ended
            self._changed.notify_all()
        _shut(upstream)

    def _answers(
        self, client: socket.socket, upstream: socket.socket, connection: _Connection
    ) -> None:
        for data in _reads(upstream):
            with self._changed:
                connection.answered += data
                self._changed.notify_all()
            try:
                client.sendall(data)
            except OSError:
                break
        with self._changed:
            connection.ended = True
            self._changed.notify_all()
        _shut(client)
        client.close()
        upstream.close()


def _reads(source: socket.socket) -> Iterator[bytes]:
    try:
        while data := source.recv(READ_BYTES):
            yield data
    except OSError:
        return


def _shut(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Bytes(io.BytesIO):
    """Bytes that http.client takes for a socket; more than one answer can be read from them."""

    def makefile(self, mode: str) -> "_Bytes":
        return self

    def close(self) -> None:
        pass


def _bodies(answered: bytes) -> Iterator[bytes]:
    source = _Bytes(answered)
    while source.tell() < len(answered):
        response = http.client.HTTPResponse(source)  # type: ignore[arg-type]  # all it asks of a socket
        response.begin()
        try:
            yield response.read()
        except http.client.IncompleteRead as cut:
            yield cut.partial


@contextmanager
def tapping(upstream: str) -> Iterator[Tap]:
    """A tap in front of this base URL."""
    tap = Tap(upstream)
    try:
        yield tap
    finally:
        tap.close()
