"""Installs what the bench needs, by package name; says why where it can't."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

AIMOCK = "@copilotkit/aimock"


class NotRun(Exception):
    """A peer that can't be measured here; the message says why."""


def _run(command: list[str], why: str, **environment: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **environment},
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise NotRun(f"{why}: {last[0][:200]}")


def which(tool: str) -> str | None:
    """The path of a tool. Debian keeps nginx in sbin, which is not on everyone's path."""
    return shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin")


def debian(tool: str, package: str) -> str:
    """The path of a tool, its Debian package installed where it is missing."""
    found = which(tool)
    if found is not None:
        return found
    if shutil.which("apt-get") is None:
        raise NotRun(f"{tool} is missing, and so is apt-get to install {package}")
    if os.geteuid() != 0:
        raise NotRun(f"{tool} is missing, and only root can `apt-get install {package}`")
    why = f"apt-get install {package} failed"
    _run(["apt-get", "update"], why)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", package]
    _run(command, why, DEBIAN_FRONTEND="noninteractive")
    print(f"installed the Debian package {package}; apt-get remove {package} removes it")
    found = which(tool)
    if found is None:
        raise NotRun(f"{package} is installed, but holds no {tool}")
    return found


def aimock(folder: Path) -> Path:
    """The script that runs aimock, installed below this folder."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotRun("node or npm is missing")
    folder.mkdir(parents=True)
    command = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", AIMOCK]
    _run(command, f"npm install {AIMOCK} failed")
    return folder / "node_modules" / AIMOCK


def vcrpy(folder: Path) -> None:
    """Make `import vcr` work, installed below this folder where the environment has none."""
    try:
        import vcr  # noqa: F401 - whether it is there is what is asked
    except ImportError:
        command = [sys.executable, "-m", "pip", "install", "--target", str(folder), "vcrpy"]
        _run(command, "pip install vcrpy failed")
        sys.path.append(str(folder))


def litellm(folder: Path) -> Path:
    """The program that runs LiteLLM's proxy, in an environment of its own below this folder."""
    _run([sys.executable, "-m", "venv", str(folder)], "python -m venv failed")
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "litellm[proxy]"]
    _run(command, "pip install litellm[proxy] failed")
    return folder / "bin" / "litellm"
