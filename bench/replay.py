"""Measures replay at once: wrk asks 1,000 requests in turn over 32 connections."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import material, servers, verify
from bench.machine import cores
from bench.peers import Peers
from bench.processes import Watch, cpu_seconds
from bench.repeat import Run, Sample, rounds
from bench.servers import Command, Server, running

CONNECTIONS = 32
TOKENTAPE = "TokenTape"
NGINX = "nginx, static file"
BARE = "bare uvloop protocol"
BARE_JOINED = "bare uvloop protocol, one write"
AIMOCK = "aimock, 1,000 fixtures"
AIMOCK_ONE = "aimock, one fixture"

_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Rate:
    """What wrk saw, and the CPU that server and load took, in shares of a core."""

    requests_s: float
    p50_us: float
    p99_us: float
    server_cpu: float
    load_cpu: float


def request_files(folder: Path, path: str = material.PATH) -> tuple[Path, Path]:
    """What wrk is to send: the requests, and the static files' paths."""
    posts, gets = folder / f"posts{path.replace('/', '-')}.txt", folder / "gets.txt"
    numbers = range(material.REQUESTS)
    bodies = [material.request_body(number).decode() for number in numbers]
    posts.write_text("".join(f"POST {path} {body}\n" for body in bodies))
    gets.write_text("".join(f"GET {material.static_path(number)}\n" for number in numbers))
    return posts, gets


def load(wrk: str, server: Server, requests: Path, seconds: int) -> tuple[dict[str, float], float]:
    """Wrk's own figures, and the CPU seconds it took."""
    _, core = cores()
    url = f"http://{servers.HOST}:{server.port}"
    options = ["-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "20s", "-s", str(_SCRIPT)]
    before = os.times()
    said = subprocess.run(
        [wrk, *options, url, "--", str(requests)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=seconds + 30,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    after = os.times()
    used = (after.children_user + after.children_system) - (
        before.children_user + before.children_system
    )
    figures: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return figures, used


def rate(
    name: str,
    wrk: str,
    server: Server,
    requests: Path,
    seconds: int,
    *,
    body: int | None = None,
    upstream: Server | None = None,
) -> Run[Rate]:
    """One run. `body`: the bytes of an answer's body, where they are not the usual ones."""
    watch = Watch([server.pid] if upstream is None else [server.pid, upstream.pid])
    cpu = cpu_seconds(server.pid)
    figures, load_cpu = load(wrk, server, requests, seconds)
    server_cpu = cpu_seconds(server.pid) - cpu
    disturbance = watch.stop()
    body = sum(map(len, material.events(0))) if body is None else body
    if (
        not figures["requests"]
        or figures["failed"]
        or figures["bytes"] < figures["requests"] * body
    ):
        raise verify.WrongAnswer(f"{name} under load: {figures}, expected bodies of {body} bytes")
    wall = figures["seconds"]
    found = Rate(
        requests_s=figures["requests"] / wall,
        p50_us=figures["p50_us"],
        p99_us=figures["p99_us"],
        server_cpu=server_cpu / wall,
        load_cpu=load_cpu / wall,
    )
    return Run(found, disturbance)


def _commands(peers: Peers, work: Path) -> dict[str, tuple[Command, Callable[[Server], None]]]:
    """Each server that can run here, and the check of its answers."""

    def posts(name: str, server: Server, *, chunks: bool = False, single: bool = False) -> None:
        verify.posts(name, server.port, chunks=chunks, single=single)

    tapes = material.write_tapes(work / "tapes")
    found: dict[str, tuple[Command, Callable[[Server], None]]] = {
        TOKENTAPE: (
            servers.tokentape(tapes, "max", work / "cache"),
            partial(posts, TOKENTAPE, chunks=True),
        ),
        BARE: (servers.bare(), partial(posts, BARE, chunks=True)),
        BARE_JOINED: (servers.bare("--joined"), partial(posts, BARE_JOINED, chunks=True)),
    }
    if peers.nginx:
        root = material.write_static(work / "static")
        found[NGINX] = (
            servers.nginx(peers.nginx, root, work / "nginx"),
            lambda server: verify.static(NGINX, server.port),
        )
    if peers.aimock:
        many = material.write_fixtures(work / "fixtures")
        one = material.write_fixtures(work / "fixture", count=1)
        found[AIMOCK] = (servers.aimock(peers.aimock, many), partial(posts, AIMOCK))
        found[AIMOCK_ONE] = (
            servers.aimock(peers.aimock, one),
            partial(posts, AIMOCK_ONE, single=True),
        )
    return found


@contextmanager
def _all(peers: Peers, work: Path) -> Iterator[dict[str, Server]]:
    """Every server, up and verified. Idle ones take no CPU, so all may stand at once."""
    with ExitStack() as stack:
        up: dict[str, Server] = {}
        for name, (command, check) in _commands(peers, work).items():
            up[name] = stack.enter_context(running(command))
            check(up[name])
        yield up


def measure(
    peers: Peers, work: Path, *, seconds: int, runs: int, extra_s: float
) -> dict[str, Sample[Rate]]:
    """Requests a second of every server, by name."""
    wrk = peers.need_wrk()
    work.mkdir()
    posts, gets = request_files(work)
    with _all(peers, work) as up:
        for name, server in up.items():
            load(wrk, server, gets if name == NGINX else posts, 1)  # warm up
        return rounds(
            {
                name: partial(rate, name, wrk, server, gets if name == NGINX else posts, seconds)
                for name, server in up.items()
            },
            runs,
            extra_s,
        )
