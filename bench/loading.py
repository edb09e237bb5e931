"""Measures how fast recordings are opened: cassettes against vcrpy, tapes against msgspec."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from bench import material
from bench.install import NotRun
from bench.machine import cores
from bench.peers import Peers
from tokentape.errors import TokenTapeError
from tokentape.formats import tape as native
from tokentape.library import load
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Tape

# The project's folder and the public recordings lie side by side.
CASSETTES = Path(__file__).parents[2] / "shared" / "recordings" / "vcrpy"
_TAPES = 400


@dataclass(frozen=True)
class Speed:
    """Two loaders over the same bytes, in seconds for all of them (medians)."""

    files: int
    size: int
    ours_s: float
    theirs_s: float
    left_out: int = 0
    ours_only: int = 0
    theirs_only: int = 0

    @property
    def ours_mb_s(self) -> float:
        return self.size / 1e6 / self.ours_s

    @property
    def theirs_mb_s(self) -> float:
        return self.size / 1e6 / self.theirs_s


def _medians(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each, in turn on the servers' core, after one round to warm up."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[0]})
    seconds: list[list[float]] = [[], []]
    try:
        for _ in range(runs + 1):
            for kept, run in zip(seconds, (ours, theirs), strict=True):
                began = perf_counter()
                run()
                kept.append(perf_counter() - began)
    finally:
        os.sched_setaffinity(0, allowed)
    return [median(kept[1:]) for kept in seconds]


def _opens(run: Callable[[Path], object], path: Path, error: type[Exception]) -> bool:
    try:
        run(path)
    except error:
        return False
    return True


def cassettes(peers: Peers, runs: int) -> Speed:
    """Every sample cassette that both can open. Raises NotRun."""
    if not peers.vcrpy:
        raise NotRun(peers.missing["vcrpy"])
    if not CASSETTES.is_dir():
        raise NotRun("the sample recordings are not beside the project's folder")
    from vcr.persisters.filesystem import FilesystemPersister
    from vcr.serializers import yamlserializer

    def theirs(path: Path) -> object:
        return FilesystemPersister.load_cassette(path, yamlserializer)

    every = sorted(path for path in CASSETTES.rglob("*.yaml") if path.is_file())
    we_open = {path for path in every if _opens(load, path, TokenTapeError)}
    # It raises whatever its parser meets in a file that it does not know.
    they_open = {path for path in every if _opens(theirs, path, Exception)}
    paths = sorted(we_open & they_open)
    if not paths:
        raise NotRun("no sample recording is opened by both")
    ours_s, theirs_s = _medians(
        lambda: [load(path) for path in paths], lambda: [theirs(path) for path in paths], runs
    )
    size = sum(path.stat().st_size for path in paths)
    return Speed(
        len(paths),
        size,
        ours_s,
        theirs_s,
        left_out=len(every) - len(paths),
        ours_only=len(we_open - they_open),
        theirs_only=len(they_open - we_open),
    )


def tapes(runs: int) -> Speed:
    """The tapes of the replay, from bytes to values; theirs is the JSON of each line alone."""
    exchanges = [material.exchange(number, 20) for number in range(_TAPES)]
    files = [native.write(Tape(exchanges=(exchange,))) for exchange in exchanges]
    decode = msgspec.json.decode
    ours_s, theirs_s = _medians(
        lambda: [native.read(data, "", DEFAULT_LIMITS) for data in files],
        lambda: [[decode(line) for line in data.splitlines()] for data in files],
        runs,
    )
    return Speed(len(files), sum(map(len, files)), ours_s, theirs_s)
