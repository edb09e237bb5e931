"""Measures paced replay: how late events are, and what a stream costs."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import material, servers, verify
from bench.install import NotRun
from bench.machine import cores
from bench.peers import Peers
from bench.processes import Watch
from bench.repeat import Run, Sample, rounds
from bench.servers import Command, Server, running

TOKENTAPE = "TokenTape"
AIMOCK = "aimock"
BARE = "bare uvloop protocol"

# The kernel's timers may fire a little early, and clocks are read in two processes.
_EARLIEST_US = -1_000


@dataclass(frozen=True)
class Setting:
    """So many streams, their events so far apart, their requests sent evenly over the ramp."""

    streams: int
    gap_ms: int
    ramp_s: float
    rounds: int = 1

    @property
    def title(self) -> str:
        streams = "1 stream" if self.streams == 1 else f"{self.streams:,} streams"
        return f"{streams}, {self.gap_ms} ms apart"


SETTINGS = (Setting(1_000, 50, 1.0), Setting(10_000, 200, 5.0))


@dataclass(frozen=True)
class Pace:
    """Lateness in microseconds; CPU in shares of a core and memory while all streams run.

    `load_busy` is the share of the time in which the load had something to read or send.
    """

    events: int
    early_us: float
    p50_us: float
    p99_us: float
    max_us: float
    server_cpu: float
    bytes_a_stream: float
    resident: int
    load_busy: float


def pace(
    name: str,
    server: Server,
    setting: Setting,
    *,
    path: str = material.PATH,
    upstream: Server | None = None,
) -> Run[Pace]:
    """One run; an upstream runs on the load's core."""
    _, core = cores()
    watch = Watch([server.pid] if upstream is None else [server.pid, upstream.pid])
    arguments = (server.port, server.pid, setting.streams, setting.gap_ms, setting.ramp_s)
    options = ["--path", path, "--rounds", str(setting.rounds)]
    said = subprocess.run(
        [sys.executable, "-m", "bench.paced_load", *map(str, arguments), *options]
        + (["--share-core"] if upstream is not None else []),
        stdout=subprocess.PIPE,
        check=True,
        timeout=300,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    disturbance = watch.stop()
    found = Pace(**json.loads(said.stdout))
    expected = setting.streams * setting.rounds * material.EVENTS
    if found.events != expected:
        raise verify.WrongAnswer(f"{name}: expected {expected} events, got {found.events}")
    if found.early_us < _EARLIEST_US:
        raise verify.WrongAnswer(f"{name} does not pace: an event came {-found.early_us} µs early")
    return Run(found, disturbance)


def _measure(name: str, command: Command, setting: Setting) -> Run[Pace]:
    """One run, against a server that nobody asked before: its memory is that of the streams."""
    with running(command) as server:
        return pace(name, server, setting)


def _commands(peers: Peers, work: Path, setting: Setting) -> dict[str, Command]:
    folder = work / f"{setting.streams}"
    tapes = material.write_tapes(folder / "tapes", setting.gap_ms)
    commands = {
        TOKENTAPE: servers.tokentape(tapes, "1", folder / "cache"),
        BARE: servers.bare("--gap", str(setting.gap_ms)),
    }
    if peers.aimock:
        fixtures = material.write_fixtures(folder / "fixtures", setting.gap_ms)
        commands[AIMOCK] = servers.aimock(peers.aimock, fixtures)
    return commands


def measure(
    peers: Peers, work: Path, setting: Setting, *, runs: int, extra_s: float
) -> dict[str, Sample[Pace]]:
    """Lateness, CPU and memory of every server, by name. Raises NotRun."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if setting.streams + 100 > files:
        raise NotRun(f"{setting.streams} streams need more open files than {files} (ulimit -n)")
    measures: dict[str, Callable[[], Run[Pace]]] = {}
    for name, command in _commands(peers, work, setting).items():
        with running(command) as server:
            verify.posts(name, server.port, chunks=True)
        measures[name] = partial(_measure, name, command, setting)
    return rounds(measures, runs, extra_s)
