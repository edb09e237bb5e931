"""Where the measurements ran: processor, builds and versions, so that a figure can be judged."""

import os
import platform
import re
import subprocess
import sysconfig
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from bench.install import which


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory() -> str:
    kib = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{kib / 1024 / 1024:.0f} GB"


def _python() -> str:
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    pgo = "with PGO" if "--enable-optimizations" in arguments else "without PGO"
    return f"{platform.python_implementation()} {platform.python_version()}, built {pgo}"


def _said(*command: str) -> str:
    """The version a tool tells of itself; some say it on stderr, wrk with exit code 1."""
    program = which(command[0])
    if program is None:
        return "not installed"
    told = subprocess.run([program, *command[1:]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", told.stdout + told.stderr)
    return found[0] if found else "unknown"


def package(name: str) -> str:
    """The version of an installed Python package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def describe(aimock: str, litellm: str) -> list[tuple[str, str]]:
    """What to print above the figures. The peers' versions, or that they were not run."""
    packages = ("tokentape", "uvicorn", "uvloop", "httptools", "msgspec", "vcrpy", "PyYAML")
    return [
        ("when", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", f"{_cpu_model()}, {os.cpu_count()} cores, {_memory()}"),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        ("Python", _python()),
        ("packages", ", ".join(f"{name} {package(name)}" for name in packages)),
        (
            "peers",
            f"aimock {aimock}, LiteLLM {litellm}, node {_said('node', '--version')}, "
            f"nginx {_said('nginx', '-v')}, wrk {_said('wrk', '-v')}",
        ),
        ("placing", placing()),
    ]


def cores() -> tuple[int, int]:
    """The core for the servers, and the one for the load; the same where there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 % len(allowed)]


def placing() -> str:
    """Which core did what."""
    server, load = cores()
    if server == load:
        return "ONE core for servers and load: compare with nothing else"
    return f"servers on core {server}, load on core {load}, loopback"
