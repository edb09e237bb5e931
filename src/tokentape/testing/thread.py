"""A replay server on a thread of its own, as a context manager."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

from tokentape.library import Library
from tokentape.matching import Exhausted
from tokentape.server import Observer, Server, Settings, base_url, bind, new_loop
from tokentape.server.serve import tell_stderr


class Replay:
    """A running server. `base_url` is what OpenAI's clients take."""

    def __init__(self, url: str, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.base_url = url
        self._server = server
        self._loop = loop

    def journal(self) -> list[dict[str, Any]]:
        """What the server did so far, oldest first, as /_tape/journal tells it."""

        async def rows() -> list[dict[str, Any]]:
            assert self._server.deck is not None
            return self._server.deck.journal.rows()

        return asyncio.run_coroutine_threadsafe(rows(), self._loop).result()


@contextmanager
def replay(
    source: Library | Path | str | Iterable[Path | str],
    *,
    speed: float = inf,
    exhausted: Exhausted = "last",
    port: int = 0,
    settings: Settings | None = None,
    observer: Observer | None = None,
) -> Iterator[Replay]:
    """Replay a library, a tape or folders of them while the block runs.

    `speed` is 1 for the recorded pace, infinity (the default) for at once. `settings` overrides
    all other arguments; with its modes the server records or forwards, and tells the observer.
    Answers on their way when the block ends are cut. Raises UsageError where a path does not
    exist or the port is taken.
    """
    if settings is None:
        settings = Settings(port=port, speed=speed, exhausted=exhausted, grace_s=0)
    own = not isinstance(source, Library)
    if isinstance(source, Library):
        library = source
    else:
        paths = [source] if isinstance(source, str | Path) else source
        library = Library(paths, redaction=settings.redaction)
    try:
        bound = bind(settings.host, settings.port)
        server = Server(library, settings, tell_stderr, observer)
        ready = threading.Event()
        loop = new_loop()
        failed: list[BaseException] = []

        def serve() -> None:
            try:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(server.serve_on(bound, ready.set))
            except BaseException as error:
                failed.append(error)
            finally:
                ready.set()

        thread = threading.Thread(target=serve, name="tokentape-replay", daemon=True)
        thread.start()
        ready.wait()
        if failed:
            raise failed[0]
        try:
            yield Replay(base_url(bound, settings.host), server, loop)
        finally:
            if thread.is_alive():
                loop.call_soon_threadsafe(server.stop)
            thread.join()
    finally:
        if own:
            library.close()
