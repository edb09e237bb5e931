"""A server that records what a scripted upstream says, for tests."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import msgspec
import pytest

from tests.process import serving
from tokentape.library import Library, load
from tokentape.model import Ending, Exchange
from tokentape.server import Begun, Mode, Observer, Settings, Upstream, dial
from tokentape.server import recorder as recorder_module
from tokentape.testing import Replay, replay


class Told:
    """An observer that keeps what it is told, by kind."""

    def __init__(self) -> None:
        self.all: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.troubled = threading.Event()
        self.over = threading.Event()

    def of(self, kind: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [(what, more) for name, what, more in self.all if name == kind]

    @property
    def troubles(self) -> list[str]:
        return [what[0] for what, _ in self.of("trouble")]

    def began(self, number: int, begun: Begun) -> None:
        more = msgspec.structs.asdict(begun)
        del more["body"]
        self.all.append(("began", (number,), more))

    def responded(
        self, number: int, *, status: int, streaming: bool, coding: str, offset_us: int
    ) -> None:
        self.all.append(("responded", (number,), {"status": status, "streaming": streaming}))

    def read(self, number: int, data: bytes, offset_us: int) -> None:
        self.all.append(("read", (number, data), {}))

    def ended(self, number: int, *, ending: Ending, offset_us: int, note: str | None) -> None:
        self.all.append(("ended", (number,), {"ending": ending, "note": note}))
        self.over.set()

    def unrecorded(self, number: int) -> None:
        self.all.append(("unrecorded", (number,), {}))

    def trouble(self, message: str) -> None:
        self.all.append(("trouble", (message,), {}))
        self.troubled.set()


@contextmanager
def recorder(
    folder: Path,
    *upstreams: Upstream | str,
    mode: Mode = "record",
    told: Observer | None = None,
    library: Library | None = None,
    **more: Any,
) -> Iterator[Replay]:
    """A server in this mode; everything is on disk when the block ends."""
    settings = Settings(
        mode=mode,
        port=0,
        grace_s=0,
        speed=float("inf"),
        tapes=str(folder),
        upstreams=tuple(
            Upstream(f"u{n}" if n else "main", url) if isinstance(url, str) else url
            for n, url in enumerate(upstreams)
        ),
        **more,
    )
    own = library if library is not None else Library([], redaction=settings.redaction)
    with pytest.MonkeyPatch.context() as patch:
        # However long a busy machine takes to close the tapes, and a test to ask again.
        patch.setattr(recorder_module, "_CLOSE_S", 60.0)
        patch.setattr(dial, "_IDLE_US", 60_000_000)
        try:
            with replay(own, settings=settings, observer=told or Told()) as server:
                yield server
        finally:
            own.close()


def recorded(folder: Path, scope: str = "default") -> tuple[Exchange, ...]:
    """The exchanges on a scope's tape."""
    return load(folder / f"{scope}.tape.jsonl").exchanges


_PROGRAM = """
import sys
from tokentape.library import Library
from tokentape.server import Settings, Upstream, recorder, run
# What is proved is the order of things, whatever else keeps the disk and the machine busy.
assert recorder._WAIT_S < 1
recorder._WAIT_S = recorder._CLOSE_S = 60
folder, url = sys.argv[1:]
settings = Settings(mode="record", port=0, grace_s=0, tapes=folder, upstreams=(Upstream("a", url),))
run(settings, Library([]))
"""


def process(folder: Path, url: str) -> AbstractContextManager[tuple[Popen[str], str]]:
    """A recorder in a process of its own, and its base URL; killed at the end."""
    return serving(_PROGRAM, folder, url)
