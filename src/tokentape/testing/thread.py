"""A replay server on a thread of its own, as a context manager."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

from tokentape.errors import UsageError
from tokentape.library import Library, find
from tokentape.matching import Exhausted
from tokentape.pacing import parse_speed
from tokentape.redact import Paths, Redaction
from tokentape.server import Observer, Server, Settings, base_url, bind, new_loop
from tokentape.server.serve import tell_stderr

_TOLD_REFUSALS = 5


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
    speed: float | str = inf,
    exhausted: Exhausted = "last",
    port: int = 0,
    repair: bool = False,
    synthesise: bool = True,
    redact: Iterable[str] = (),
    settings: Settings | None = None,
    observer: Observer | None = None,
) -> Iterator[Replay]:
    """Replay a library, a tape or folders of them while the block runs.

    `speed` is 1 for the recorded pace, 2 for twice as fast, "max" or infinity (the default) for at
    once. `repair` opens recordings that are broken but clear, as `load` does. `synthesise` serves
    a stream as JSON and JSON as a stream, where only the other was recorded. `redact` are the
    JSONPaths of `tokentape record --redact`, for tapes recorded with them. `settings` overrides
    `speed`, `exhausted`, `synthesise`, `redact` and `port`; with its modes the server records or
    forwards, and tells the observer. Answers on their way when the block ends are cut.

    Raises UsageError where a path does not exist or holds nothing to replay, for a speed or a
    JSONPath that is none, and where the port is taken.
    """
    if settings is None:
        made = _speed(speed)
        settings = Settings(
            port=port,
            speed=made,
            exhausted=exhausted,
            synthesise=synthesise,
            grace_s=0,
            redaction=Redaction(paths=Paths(redact)),
        )
    own = not isinstance(source, Library)
    if isinstance(source, Library):
        if repair:
            raise UsageError("repair: a library is open already; give it to Library(repair=True)")
        library = source
    else:
        paths = [source] if isinstance(source, str | Path) else list(source)
        library = Library(
            paths, repair=repair, redaction=settings.redaction, origins=settings.origins
        )
        if not library.entries and settings.mode == "replay":
            library.close()
            raise UsageError(_nothing(paths, library))
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
            # A server that ended by itself is why the block could not reach it.
            if failed:
                raise failed[0]
    finally:
        if own:
            library.close()


def _speed(given: float | str) -> float:
    """As `--speed` takes it; infinity is `max`."""
    try:
        text = str(given)
    except ValueError:
        text = "more digits than a number may have"
    return inf if text == "inf" and not isinstance(given, str) else parse_speed(text)


def _nothing(paths: list[Path | str], library: Library) -> str:
    """Why these paths give nothing to replay."""
    names = ", ".join(map(str, paths)) or "no path"
    if not any(True for _ in find(paths)):
        return f"nothing to replay: no files in {names}"
    if not library.refused:
        return f"nothing to replay: no exchanges in {names}"
    lines = [f"nothing to replay: no exchanges in {names}; {len(library.refused)} refused:"]
    for refused in library.refused[:_TOLD_REFUSALS]:
        why = refused.why.replace("open it with --repair", "repair=True opens it")
        lines.append(f"  {refused.path}: {refused.what}: {why}")
    if len(library.refused) > _TOLD_REFUSALS:
        lines.append(f"  and {len(library.refused) - _TOLD_REFUSALS} more")
    return "\n".join(lines)
