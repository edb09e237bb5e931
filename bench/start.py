"""Measures the time from starting a server to its first whole answer, and its memory then."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from bench import material, servers, small, verify
from bench.http import ask, request_bytes
from bench.peers import Peers
from bench.processes import Watch, resident_bytes
from bench.repeat import Run, Sample, rounds
from bench.servers import Command, running

IN_A_FILE = 1_000


@dataclass(frozen=True)
class Start:
    """Seconds to the first answer, and the bytes that were resident then."""

    seconds: float
    resident: int


@dataclass(frozen=True)
class Row:
    """The starts over one store: with nothing known of it, and after an earlier start."""

    server: str
    exchanges: int
    layout: str
    first: Sample[Start]
    after: Sample[Start] | None


def _start(command: Command, request: bytes, expected: bytes) -> Run[Start]:
    watch = Watch()
    began = perf_counter()
    with running(command) as server:
        answer = ask(server.port, request)
        seconds = perf_counter() - began
        resident = resident_bytes(server.pid)
    if answer.status != 200 or answer.body != expected:
        raise verify.WrongAnswer(f"the first answer was {answer.status}: {answer.body[:200]!r}")
    return Run(Start(seconds, resident), watch.stop())


def _library(folder: Path, cache: Path, count: int, layout: str, runs: int, extra_s: float) -> Row:
    """Ask for the last exchange: an index that is lazy gains nothing by it."""
    request = request_bytes("POST", material.PATH, small.request_body(count - 1))
    expected = small.exchange(count - 1).body
    command = servers.tokentape(folder, "max", cache)

    def first() -> Run[Start]:
        shutil.rmtree(cache, ignore_errors=True)
        return _start(command, request, expected)

    def after() -> Run[Start]:
        return _start(command, request, expected)

    found = rounds({"first": first, "after": after}, runs, extra_s)
    return Row("TokenTape", count, layout, found["first"], found["after"])


def _aimock(package: Path, work: Path, count: int, runs: int, extra_s: float) -> Row:
    fixtures = material.write_fixtures(work / f"aimock-{count}", count=count)
    request = request_bytes("POST", material.PATH, material.request_body(count - 1))
    expected = b"".join(material.events(count - 1))

    def first() -> Run[Start]:
        return _start(servers.aimock(package, fixtures), request, expected)

    found = rounds({"first": first}, runs, extra_s)
    return Row("aimock", count, "one file", found["first"], None)


def measure(peers: Peers, work: Path, *, many: int, runs: int, extra_s: float) -> list[Row]:
    """A row for each store of exchanges."""
    work.mkdir()
    rows: list[Row] = []
    for count, in_a_file in ((1, 1), (1_000, 1), (many, 1), (many, IN_A_FILE)):
        layout = "a file each" if in_a_file == 1 else f"{in_a_file:,} a file"
        store = work / f"{count}-{in_a_file}"
        folder = small.write_tapes(store / "tapes", count, in_a_file)
        os.sync()  # or the first start shares the disk with what was just written
        turns = runs if count <= 1_000 else min(runs, 2)
        rows.append(_library(folder, store / "cache", count, layout, turns, extra_s))
        shutil.rmtree(store)
    if peers.aimock:
        rows += [
            _aimock(peers.aimock, work, count, runs, extra_s) for count in (1, material.REQUESTS)
        ]
    return rows
