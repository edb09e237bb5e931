"""A server from its socket to its drain: on this thread, or for one that embeds it."""

import asyncio
import contextlib
import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from tokentape.clock import SystemClock
from tokentape.errors import UsageError
from tokentape.library import Library
from tokentape.server.deck import Deck
from tokentape.server.observer import Observer
from tokentape.server.protocol import ReplayProtocol
from tokentape.server.settings import Settings

_SWEEP_S = 5
_BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """A socket bound to this address; UsageError where that can't be."""
    if not 0 <= port <= 65535:
        raise UsageError(f"port: expected 0 to 65535, got {port}; 0 takes a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise UsageError(f"can't find the address {host!r}: {error}") from None
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} on {host} is in use; give another with --port, "
                "or --port 0 for a free one"
            ) from None
        raise UsageError(f"can't listen on {host} port {port}: {error}") from None
    return bound


def base_url(bound: socket.socket, host: str) -> str:
    """The URL that OpenAI's clients take as their `base_url`."""
    port = bound.getsockname()[1]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


class Server(uvicorn.Server):
    """uvicorn's, with a drain that knows paced streams, and exit code 0 after a signal."""

    def __init__(
        self,
        library: Library,
        settings: Settings,
        tell: Callable[[str], None],
        observer: Observer | None = None,
    ) -> None:
        self.deck: Deck | None = None
        self._observer = observer
        self._library = library
        self._settings = settings
        self._tell = tell
        self._ready: Callable[[], None] | None = None
        self._stop: asyncio.Event | None = None
        self._force: asyncio.Event | None = None
        self._app: Any = None
        super().__init__(
            uvicorn.Config(
                self._admin,
                http=ReplayProtocol,
                interface="asgi3",
                proxy_headers=False,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
            )
        )

    async def _admin(self, scope: Any, receive: Any, send: Any) -> None:
        if self._app is None:
            assert self.deck is not None
            # Starlette takes longer to import than the server to start, and few ever ask for it.
            from tokentape.server.admin import build

            self._app = build(self.deck)
        await self._app(scope, receive, send)

    async def serve_on(self, bound: socket.socket, ready: Callable[[], None]) -> None:
        """Serve until `stop` is called, or a signal comes on the main thread.

        `ready` is called once requests and signals are taken.
        """
        loop = asyncio.get_running_loop()
        self._stop, self._force = asyncio.Event(), asyncio.Event()
        try:
            deck = self.deck = Deck(
                self._library, self._settings, SystemClock(), loop, self._tell, self._observer
            )
        except BaseException:
            bound.close()
            raise
        self.config.http = type(
            "BoundReplayProtocol", (ReplayProtocol,), {"deck": deck, "__slots__": ()}
        )
        self._ready = ready
        sweeper = loop.create_task(self._sweep(deck))
        try:
            await self.serve([bound])
        finally:
            sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeper
            deck.close()
            deck.worker.shutdown(cancel_futures=True)

    def stop(self) -> None:
        """Begin the drain; a second call ends it. Call it on the server's loop."""
        assert self._stop is not None
        assert self._force is not None
        if self._stop.is_set():
            self._force.set()
        self._stop.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        taken = []
        for number in (signal.SIGINT, signal.SIGTERM):
            # Only the main thread takes signals, and Windows' loops none.
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self.stop)
                taken.append(number)
        try:
            yield
        finally:
            for number in taken:
                loop.remove_signal_handler(number)

    async def main_loop(self) -> None:
        assert self._stop is not None
        assert self._ready is not None
        # Not before: who reads the first line may send a signal next.
        self._ready()
        await self._stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        assert self._force is not None
        for server in self.servers:
            server.close()
        for bound in sockets or []:
            bound.close()
        connections: set[Any] = self.server_state.connections
        for connection in list(connections):
            connection.shutdown()
        await self._gone(self._settings.grace_s)
        assert self.deck is not None
        for forward in list(self.deck.departed):
            forward.stop()
        for connection in list(connections):
            connection.cut()
        # A client that takes nothing more must not hold the end up.
        await self._gone(0.2, forced=True)
        for connection in list(connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def _gone(self, seconds: float, *, forced: bool = False) -> None:
        """Wait until all is closed, the time is over or the end is forced."""
        assert self._force is not None
        assert self.deck is not None
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (self.server_state.connections or self.deck.departed) and loop.time() < until:
            if self._force.is_set() and not forced:
                return
            await asyncio.sleep(0.01)

    async def _sweep(self, deck: Deck) -> None:
        """Close idle connections: one timer for all of them."""
        connections: set[Any] = self.server_state.connections
        while True:
            await asyncio.sleep(_SWEEP_S)
            deck.sweep()
            for connection in list(connections):
                connection.idle_since(deck.sweeps - 1 - self._settings.keep_alive_s // _SWEEP_S)


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's where it is installed, else asyncio's."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def tell_stderr(text: str) -> None:
    """A readable block for the operator."""
    print(text, end="\n\n", file=sys.stderr, flush=True)


def run(settings: Settings, library: Library, observer: Observer | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    The observer is told of what is forwarded, and of troubles, which stderr tells otherwise.
    Prints `base_url: …` as the first line of stdout. Raises UsageError where the address can't
    be had.
    """
    bound = bind(settings.host, settings.port)
    server = Server(library, settings, tell_stderr, observer)
    # What is forwarded takes a connection to the upstream, too.
    _allow_connections(settings.max_connections, each=2 if settings.upstreams else 1)

    def ready() -> None:
        _tune_interpreter()
        print(f"base_url: {base_url(bound, settings.host)}", flush=True)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(server.serve_on(bound, ready))


def _tune_interpreter() -> None:
    """Neither the collector nor the other threads may hold the streams up."""
    # What is loaded stays: collections need not walk it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    # A thread that wants the interpreter waits so long for it; 5 ms is many streams' next read.
    sys.setswitchinterval(0.000_5)


def _allow_connections(wanted: int, *, each: int) -> None:
    """Raise the soft limit of open files to what the connections need, as far as it goes."""
    try:
        import resource
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = each * wanted + 200
    if soft != resource.RLIM_INFINITY and soft < needed:
        aim = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, aim), hard))
            soft = max(soft, aim)
    _make_room(needed if soft == resource.RLIM_INFINITY else min(needed, soft))


def _make_room(files: int) -> None:
    """Have the table of open files grow to its size now, before there are streams to hold up.

    Linux doubles it when it is full, and waits 5 to 20 ms in that for all processors where the
    process has more than one thread (`expand_fdtable`, `synchronize_rcu`).
    """
    import fcntl

    with contextlib.suppress(OSError), open(os.devnull, "rb") as file:
        os.close(fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, files - 1))
