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
LITELLM_PASS = "/pass/v1/chat/completions"
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
def running(command: Command, *, beside_load: bool = False) -> Iterator[Server]:
    """The server of this command, until the block ends; an error tells what it said on stderr.

    `beside_load`: on the load's core, as the upstream of the servers that are measured.
    """
    core = cores()[beside_load]
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


def recorder(upstream: int, tapes: Path | None) -> Command:
    """TokenTape between a client and this port, recording there or only passing on."""
    program = str(Path(sys.executable).parent / "tokentape")
    mode = ["forward"] if tapes is None else ["record", "--tapes", str(tapes)]
    url = f"http://{HOST}:{upstream}/v1"
    return Command([program, "serve", "--port", "0", "--quiet", "--upstream", url, "--mode", *mode])


def upstream(*options: str) -> Command:
    """The provider of the recording part."""
    return Command([sys.executable, "-m", "bench.upstream", *options])


def aimock_proxy(package: Path, folder: Path, upstream: int) -> Command:
    """aimock, passing on to this port. Were it to record, it would answer what it saw itself."""
    folder.mkdir(parents=True)
    command = aimock(package, folder)
    more = ["--proxy-only", "--provider-openai", f"http://{HOST}:{upstream}"]
    return Command([*command.arguments, *more], command.port)


def litellm(program: Path, folder: Path, upstream: int) -> Command:
    """LiteLLM's proxy before this port: by model, and at /pass as the bytes come."""
    url = f"http://{HOST}:{upstream}/v1"
    folder.mkdir(parents=True)
    config = folder / "config.yaml"
    config.write_text(f"""
model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{ model: openai/gpt-4o-mini, api_base: "{url}", api_key: none }}
general_settings:
  pass_through_endpoints:
    - {{ path: {LITELLM_PASS}, target: "{url}/chat/completions" }}
""")
    port = _free_port()
    options = ["--config", str(config), "--host", HOST, "--port", str(port)]
    return Command(
        [str(program), *options, "--telemetry", "False"],
        port,
        {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "ERROR",
            "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        },
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
