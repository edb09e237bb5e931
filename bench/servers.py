"""Starts a server on the servers' core, waits until it answers, and stops it."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlsplit

from bench.machine import cores

HOST = "127.0.0.1"
START_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Command:
    """How to start a server. Without a port it tells its own on the first line of stdout."""

    arguments: list[str]
    port: int | None = None
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A server that takes connections."""

    port: int
    pid: int


def _free_port() -> int:
    """A port for a server that can't choose one itself."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _announced(process: "subprocess.Popen[bytes]") -> int:
    """The port in `base_url: http://HOST:PORT/v1`."""
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    if not line.startswith("base_url: "):
        raise RuntimeError(f"expected base_url on the first line of stdout, got {line!r}")
    port = urlsplit(line.removeprefix("base_url: ").strip()).port
    assert port is not None
    return port


def _await(process: "subprocess.Popen[bytes]", port: int) -> int:
    """The port, once it takes connections."""
    until = monotonic() + START_TIMEOUT_S
    while monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it listened")
        try:
            socket.create_connection((HOST, port)).close()
            return port
        except ConnectionRefusedError:
            sleep(0.001)
    raise TimeoutError(f"no server on port {port} within {START_TIMEOUT_S:.0f} s")


@contextmanager
def running(command: Command) -> Iterator[Server]:
    """The server of this command, until the block ends; an error tells what it said on stderr."""
    core, _ = cores()
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            command.arguments,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, **command.environment},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        ) as process,
    ):
        try:
            asked = command.port
            port = _announced(process) if asked is None else _await(process, asked)
            yield Server(port, process.pid)
        except Exception as error:
            stderr.seek(0)
            error.add_note(stderr.read()[-2000:].decode(errors="replace"))
            raise
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def tokentape(folder: Path, speed: str, cache: Path) -> Command:
    """TokenTape, replaying a folder of tapes; its index goes below `cache`."""
    program = str(Path(sys.executable).parent / "tokentape")
    return Command(
        [program, "serve", str(folder), "--port", "0", "--speed", speed],
        environment={"XDG_CACHE_HOME": str(cache)},
    )


def bare(*options: str) -> Command:
    """The bare uvloop protocol."""
    return Command([sys.executable, "-m", "bench.bare", *options])


def aimock(package: Path, fixtures: Path) -> Command:
    """aimock, with these fixtures."""
    port = _free_port()
    script = str(package / "dist" / "cli.js")
    options = ["--port", str(port), "--host", HOST, "--fixtures", str(fixtures)]
    return Command(["node", script, *options, "--log-level", "silent"], port)


def nginx(program: str, root: Path, folder: Path) -> Command:
    """nginx, tuned for static files; `folder` is for its own files."""
    port = _free_port()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  open_file_cache max=2000;
  types {{ text/event-stream sse; }}
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen {HOST}:{port}; root {root}; }}
}}
""")
    return Command([program, "-c", str(config), "-p", str(folder)], port)
