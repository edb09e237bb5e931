"""Measures what recording takes: bytes on disk, and memory over many exchanges and one long one."""

import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from bench import material, replay, servers, upstream, verify
from bench.http import request_bytes
from bench.paced import Setting, pace
from bench.peers import Peers
from bench.processes import resident_bytes
from bench.servers import HOST, Command, Server, running
from tokentape.library import load
from tokentape.model import Ending

_TAPE = "default.tape.jsonl"
_SLICE_S = 3


@dataclass(frozen=True)
class Disk:
    """Bytes of recorded exchanges: their bodies on the wire, their tape, plain and as `.zst`."""

    exchanges: int
    wire: int
    plain: int
    zst: int


@dataclass(frozen=True)
class Memory:
    """Resident bytes of a recorder before, after some and after many exchanges; `kept`: on tape."""

    before: int
    some: int
    some_exchanges: int
    many: int
    many_exchanges: int
    kept: int
    requests_s: float


@dataclass(frozen=True)
class Long:
    """One stream: resident bytes before and at most, and whether its tape has all of it."""

    size: int
    before: int
    most: int
    seconds: float
    kept: bool


@dataclass(frozen=True)
class Recording:
    """What recording takes."""

    disk: Disk
    memory: Memory
    long: Long


def _recorder(behind: Server, tapes: Path) -> Command:
    return servers.recorder(behind.port, tapes)


def disk(work: Path, setting: Setting) -> Disk:
    """The tape of paced streams, each event a read."""
    tapes = work / "disk"
    gap = ("--gap", str(setting.gap_ms))
    with (
        running(servers.upstream(*gap), beside_load=True) as behind,
        running(_recorder(behind, tapes)) as server,
    ):
        pace("TokenTape, record", server, setting, upstream=behind)
    tape = tapes / _TAPE
    packed = tape.with_name(tape.name + ".zst")
    subprocess.run(
        [str(Path(sys.executable).parent / "tokentape"), "convert", str(tape), str(packed)],
        check=True,
        capture_output=True,
    )
    exchanges = load(tape).exchanges
    numbers = sorted(number % material.REQUESTS for number in range(setting.streams))
    wanted = sorted(b"".join(material.events(number)) for number in numbers)
    if sorted(exchange.body for exchange in exchanges) != wanted:
        raise verify.WrongAnswer(f"{tape.name} does not hold the {len(wanted)} streams recorded")
    wire = sum(len(exchange.body) + len(exchange.request.body or b"") for exchange in exchanges)
    return Disk(len(exchanges), wire, tape.stat().st_size, packed.stat().st_size)


def _ended(tape: Path) -> int:
    """Exchanges that a tape says were complete: counted in its bytes, for it is large."""
    mark = b'"ending":"%b"' % Ending.COMPLETE.value.encode()
    with tape.open("rb") as lines:
        return sum(mark in line for line in lines)


def memory(wrk: str, work: Path, many: int, most_s: float) -> Memory:
    """Small exchanges, asked by wrk in slices, until `many` are recorded or the time is up."""
    tapes = work / "memory"
    posts, _ = replay.request_files(work)
    samples: list[tuple[int, int]] = []
    with (
        running(servers.upstream("--small"), beside_load=True) as behind,
        running(_recorder(behind, tapes)) as server,
    ):
        before = resident_bytes(server.pid)
        began = monotonic()
        done, length = 0, 1
        while done < many and monotonic() - began < most_s:
            found = replay.rate(
                "TokenTape, record", wrk, server, posts, length,
                body=len(upstream.SMALL_BODY), upstream=behind,
            )  # fmt: skip
            done += round(found.value.requests_s * length)
            samples.append((done, resident_bytes(server.pid)))
            length = _SLICE_S
        seconds = monotonic() - began
    kept = _ended(tapes / _TAPE)
    return Memory(before, samples[0][1], samples[0][0], samples[-1][1], done, kept, done / seconds)


def long(work: Path, megabytes: int) -> Long:
    """One stream as fast as it is passed on, read and thrown away."""
    tapes = work / "long"
    piece, count = upstream.long_piece(), upstream.long_pieces(megabytes)
    size = len(piece) * count
    with (
        running(servers.upstream("--megabytes", str(megabytes)), beside_load=True) as behind,
        running(_recorder(behind, tapes)) as server,
        socket.create_connection((HOST, server.port), timeout=60) as connection,
    ):
        before = most = resident_bytes(server.pid)
        began = looked = monotonic()
        connection.sendall(request_bytes("POST", material.PATH, material.request_body(0)))
        got, tail = 0, b""
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            data = connection.recv(1 << 20)
            if not data:
                raise verify.WrongAnswer(f"the long stream ended after {got:,} bytes")
            got += len(data)
            tail = tail[-8:] + data[-8:]
            if monotonic() - looked > 0.02:
                looked = monotonic()
                most = max(most, resident_bytes(server.pid))
        seconds = monotonic() - began
    if got < size:
        raise verify.WrongAnswer(f"expected a stream of {size:,} bytes, got {got:,}")
    return Long(size, before, most, seconds, _ended(tapes / _TAPE) == 1)


def measure(peers: Peers, work: Path, *, many: int, most_s: float, megabytes: int) -> Recording:
    """Disk and memory. Raises NotRun."""
    wrk = peers.need_wrk()
    work.mkdir(parents=True)
    return Recording(
        disk(work, Setting(200, 10, 0.4)),
        memory(wrk, work, many, most_s),
        long(work, megabytes),
    )
