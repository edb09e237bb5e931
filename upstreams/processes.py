"""Starts servers, waits until they answer, and stops them."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from upstreams.environments import FOLDER

HOST = "127.0.0.1"
READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 10.0

# Nothing leaves this machine: what would goes to a port that nobody listens on, and fails at once.
SETTINGS = {
    "HTTP_PROXY": f"http://{HOST}:9",
    "HTTPS_PROXY": f"http://{HOST}:9",
    "NO_PROXY": HOST,
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # MLX would call g++ and leave what it built in the system's temporary folder.
    "MLX_DISABLE_COMPILE": "1",
}


class ServerError(Exception):
    """A server ended, or did not answer in time; the notes hold what it said."""


def environment(**more: str) -> dict[str, str]:
    """What a process of ours sees: nothing of the user's settings and keys."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    home = FOLDER / "home"
    home.mkdir(parents=True, exist_ok=True)
    return {**kept, **SETTINGS, "HOME": str(home), "PYTHONUTF8": "1", **more}


@contextmanager
def process(
    command: Sequence[str | Path], *, folder: Path | None = None, stdout: int = subprocess.DEVNULL
) -> Iterator["subprocess.Popen[bytes]"]:
    """This command, until the block ends; an error in the block tells what it said on stderr."""
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            [str(word) for word in command],
            cwd=folder,
            env=environment(),
            stdout=stdout,
            stderr=stderr,
        ) as started,
    ):
        try:
            yield started
        except BaseException as error:
            stderr.seek(0)
            said = stderr.read()[-4000:].decode(errors="replace")
            error.add_note(f"{Path(command[0]).name} said on stderr:\n{said}")
            raise
        finally:
            started.terminate()
            try:
                started.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                started.kill()


@dataclass(frozen=True)
class Server:
    """A server that answers. `base_url` ends in /v1."""

    base_url: str
    pid: int


@contextmanager
def announcing(command: Sequence[str | Path]) -> Iterator[Server]:
    """A server that tells its base URL on its first line of stdout."""
    with process(command, stdout=subprocess.PIPE) as started:
        assert started.stdout is not None
        line = started.stdout.readline().decode()
        if not line.startswith("base_url: "):
            raise ServerError(f"expected base_url on the first line of stdout, got {line!r}")
        yield Server(line.removeprefix("base_url: ").strip(), started.pid)


@contextmanager
def listening(command: Sequence[str | Path], *, folder: Path) -> Iterator[Server]:
    """A server that takes `--host` and `--port`, once it answers; it works in this folder."""
    port = _free_port()
    with process([*command, "--host", HOST, "--port", str(port)], folder=folder) as started:
        until = monotonic() + READY_TIMEOUT_S
        while not _answers(port):
            if started.poll() is not None:
                raise ServerError(f"ended with {started.returncode} before it answered")
            if monotonic() > until:
                raise ServerError(f"no answer on port {port} within {READY_TIMEOUT_S:.0f} s")
            sleep(0.05)
        yield Server(f"http://{HOST}:{port}/v1", started.pid)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def tokentape(*arguments: str | Path) -> list[str | Path]:
    """The `tokentape` command of the environment that runs this."""
    return [Path(sys.executable).parent / "tokentape", *arguments]
