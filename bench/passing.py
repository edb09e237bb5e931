"""Measures passing a stream on: what record and forward add to going direct, beside the peers."""

import gc
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter
from typing import TypeVar

from bench import material, paced, replay, servers, verify
from bench.http import Answer, ask, request_bytes
from bench.machine import cores
from bench.paced import Pace, Setting
from bench.peers import Peers
from bench.processes import Watch
from bench.repeat import Run, Sample, rounds
from bench.replay import Rate
from bench.servers import HOST, Command, Server, running

T = TypeVar("T")

DIRECT = "direct"
RECORD = "TokenTape, record"
FORWARD = "TokenTape, forward"
AIMOCK = "aimock, proxy"
LITELLM = "LiteLLM"
LITELLM_PASS = "LiteLLM, pass-through"

GAP_MS = 10
SETTINGS = (Setting(1, GAP_MS, 0.0, 6), Setting(32, GAP_MS, 0.3, 3), Setting(200, GAP_MS, 0.4, 3))
_MANY = 200  # streams, of which who is slow gets one round
_SLOW_S = 4  # or no request is answered before the time is up
_FIRST_S = 1.0
_FIRST_MOST = 1_000
_LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(frozen=True)
class First:
    """From sending a request to the first byte of its answer, on one connection."""

    requests: int
    p50_us: float
    p99_us: float


@dataclass(frozen=True)
class Passing:
    """What was measured, by server; `paced` in the order of the settings."""

    first: dict[str, Sample[First]]
    paced: list[tuple[Setting, dict[str, Sample[Pace]]]]
    rates: dict[str, Sample[Rate]]


@dataclass(frozen=True)
class _Way:
    """A server, the upstream behind it, and the path that leads there."""

    name: str
    server: Server
    upstream: Server
    path: str = material.PATH

    @property
    def slow(self) -> bool:
        """Takes seconds for what takes the others a hundredth of one."""
        return self.name in (LITELLM, LITELLM_PASS)


def first_bytes(way: _Way, *, most_s: float) -> Run[First]:
    """Requests one after the other on one connection, from the load's core."""
    requests = [
        request_bytes("POST", way.path, material.request_body(number))
        for number in range(material.REQUESTS)
    ]
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[1]})
    watch = Watch([way.server.pid, way.upstream.pid])
    seconds: list[float] = []
    until = monotonic() + most_s
    gc.disable()
    try:
        with socket.create_connection((HOST, way.server.port), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while len(seconds) < _FIRST_MOST and monotonic() < until:
                request = requests[len(seconds) % len(requests)]
                began = perf_counter()
                connection.sendall(request)
                data = connection.recv(65536)
                seconds.append(perf_counter() - began)
                tail = data
                while data and not tail.endswith(_LAST_CHUNK):
                    data = connection.recv(65536)
                    tail = tail[-len(_LAST_CHUNK) :] + data
                if not data:
                    raise verify.WrongAnswer(f"{way.name} closed the connection in an answer")
    finally:
        gc.enable()
        os.sched_setaffinity(0, allowed)
    disturbance = watch.stop()
    seconds.sort()
    count = len(seconds)
    return Run(
        First(count, seconds[count // 2] * 1e6, seconds[min(count - 1, count * 99 // 100)] * 1e6),
        disturbance,
    )


def _texts(name: str, number: int, answer: Answer) -> None:
    """The check of a server that renders the events anew: every piece of the text, in order."""
    payloads = [event.removeprefix(b"data: ") for event in answer.body.split(b"\n\n")[:-1]]
    chunks = [json.loads(payload) for payload in payloads if payload != b"[DONE]"]
    pieces = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks]
    expected = [json.loads(event[6:]) for event in material.events(number)[:-1]]
    wanted = [chunk["choices"][0]["delta"].get("content", "") for chunk in expected]
    if answer.status != 200 or pieces != wanted or payloads[-1] != b"[DONE]":
        raise verify.WrongAnswer(
            f"{name}, request {number}: {answer.status}, {answer.body[:500]!r}"
        )


def _check(way: _Way) -> int:
    """Check several answers; the bytes of a body."""
    if way.name != LITELLM:
        verify.posts(way.name, way.server.port, chunks=False, path=way.path)
        return sum(map(len, material.events(0)))
    sizes = []
    for number in verify.SEVERAL:
        request = request_bytes("POST", way.path, material.request_body(number))
        answer = ask(way.server.port, request)
        _texts(way.name, number, answer)
        sizes.append(len(answer.body))
    return min(sizes)


def _commands(peers: Peers, work: Path, upstream: int) -> Iterator[dict[str, Command]]:
    """What stands at the same time: LiteLLM by itself, for it works when nobody asks it, too."""
    found = {
        RECORD: servers.recorder(upstream, work / "tapes"),
        FORWARD: servers.recorder(upstream, None),
    }
    if peers.aimock:
        found[AIMOCK] = servers.aimock_proxy(peers.aimock, work / "aimock", upstream)
    yield found
    if peers.litellm:
        yield {LITELLM: servers.litellm(peers.litellm, work / "litellm", upstream)}


@contextmanager
def _up(commands: dict[str, Command], upstream: Server) -> Iterator[list[_Way]]:
    """The ways through these servers; direct goes with all but LiteLLM's."""
    with ExitStack() as stack:
        ways = [] if LITELLM in commands else [_Way(DIRECT, upstream, upstream)]
        for name, command in commands.items():
            server = stack.enter_context(running(command))
            ways.append(_Way(name, server, upstream))
            if name == LITELLM:
                ways.append(_Way(LITELLM_PASS, server, upstream, servers.LITELLM_PASS))
        yield ways


def _rounds(
    ways: list[_Way], measures: Mapping[str, Callable[[], Run[T]]], runs: int, extra_s: float
) -> dict[str, Sample[T]]:
    """The usual rounds; one run of who is slow."""
    slow = any(way.slow for way in ways)
    return rounds(measures, 1, 0) if slow else rounds(measures, runs, extra_s)


def _at_once(
    peers: Peers, work: Path, seconds: int, runs: int, extra_s: float
) -> tuple[dict[str, Sample[First]], dict[str, Sample[Rate]]]:
    wrk = peers.need_wrk()
    work.mkdir(parents=True)
    firsts: dict[str, Sample[First]] = {}
    rates: dict[str, Sample[Rate]] = {}

    def measured(ways: list[_Way]) -> None:
        first: dict[str, Callable[[], Run[First]]] = {}
        rate: dict[str, Callable[[], Run[Rate]]] = {}
        for way in ways:
            body = _check(way)
            first_bytes(way, most_s=_FIRST_S)  # warm up
            first[way.name] = partial(first_bytes, way, most_s=_FIRST_S)
            posts, _ = replay.request_files(work, way.path)
            length = max(seconds, _SLOW_S) if way.slow else seconds
            rate[way.name] = partial(
                replay.rate, way.name, wrk, way.server, posts, length,
                body=body, upstream=way.upstream,
            )  # fmt: skip
        firsts.update(_rounds(ways, first, runs, extra_s / 2))
        rates.update(_rounds(ways, rate, runs, extra_s / 2))

    with running(servers.upstream(), beside_load=True) as upstream:
        for commands in _commands(peers, work, upstream.port):
            with _up(commands, upstream) as ways:
                measured(ways)
    return firsts, rates


def _paced(
    peers: Peers, work: Path, settings: tuple[Setting, ...], runs: int, extra_s: float
) -> list[tuple[Setting, dict[str, Sample[Pace]]]]:
    work.mkdir(parents=True)
    found: list[tuple[Setting, dict[str, Sample[Pace]]]] = [(each, {}) for each in settings]

    def measured(ways: list[_Way]) -> None:
        for way in ways:
            _check(way)
        for setting, samples in found:
            once = replace(setting, rounds=1) if setting.streams >= _MANY else setting
            measures = {
                way.name: partial(
                    paced.pace,
                    way.name,
                    way.server,
                    once if way.slow else setting,
                    path=way.path,
                    upstream=way.upstream,
                )
                for way in ways
            }
            samples.update(_rounds(ways, measures, runs, extra_s / len(settings)))

    with running(servers.upstream("--gap", str(GAP_MS)), beside_load=True) as upstream:
        for commands in _commands(peers, work, upstream.port):
            with _up(commands, upstream) as ways:
                measured(ways)
    return found


def measure(
    peers: Peers,
    work: Path,
    settings: tuple[Setting, ...],
    *,
    seconds: int,
    runs: int,
    extra_s: float,
) -> Passing:
    """First bytes, lateness and requests a second, of every way to the upstream. Raises NotRun."""
    first, rates = _at_once(peers, work / "at-once", seconds, runs, extra_s / 2)
    return Passing(first, _paced(peers, work / "paced", settings, runs, extra_s / 2), rates)
