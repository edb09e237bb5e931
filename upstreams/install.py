"""Installs the real servers and clients below upstreams/.envs, and makes the models.

usage: python -m upstreams.install

What is there already, from the same list of packages, is left as it is.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from upstreams.environments import FOLDER, HERE, MODELS, NODE, PYTHON, program

STEP_TIMEOUT_S = 900


class InstallError(Exception):
    """A step failed; the message holds what it said."""


def _run(*command: str | Path, folder: Path = HERE) -> None:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=STEP_TIMEOUT_S,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise InstallError(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{said}")


def _once(name: str, made_from: object, make: Callable[[Path], None]) -> None:
    """Make FOLDER/name unless it is there and was made from the same."""
    folder = FOLDER / name
    stamp = folder / ".ready"
    recipe = json.dumps(made_from)
    if stamp.is_file() and stamp.read_text() == recipe:
        return
    shutil.rmtree(folder, ignore_errors=True)
    started = monotonic()
    make(folder)
    stamp.write_text(recipe)
    print(f"{name}: {monotonic() - started:.0f} s", flush=True)


def _python(name: str) -> None:
    def make(folder: Path) -> None:
        _run(sys.executable, "-m", "venv", folder)
        for packages in PYTHON[name]:
            # Only a part of these packages is ever imported: compiled then, not all of it now.
            quiet = ("--quiet", "--disable-pip-version-check", "--no-compile")
            _run(folder / "bin" / "python", "-m", "pip", "install", *quiet, *packages)

    _once(name, PYTHON[name], make)


def _models() -> None:
    def make(folder: Path) -> None:
        _run(program("servers", "python"), HERE / "models.py", folder)

    _once(MODELS.name, (HERE / "models.py").read_text(), make)


def _node() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise InstallError("npm is missing: install Node.js 18 or newer with npm")

    def make(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
        quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--loglevel", "error")
        _run(npm, "install", *quiet, *NODE, folder=folder)

    _once("node", NODE, make)
    # Node looks for modules from a script's own folder upwards.
    beside = HERE / "clients" / "node_modules"
    if not beside.is_symlink():
        beside.symlink_to(Path("..", FOLDER.name, "node", "node_modules"))


def _servers_and_models() -> None:
    _python("servers")
    _models()


def _clients() -> None:
    for name in PYTHON:
        if name != "servers":
            _python(name)
    _node()


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    # Two at a time: one waits for the network while the other unpacks.
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(job) for job in (_servers_and_models, _clients)]
    failed = [str(error) for job in jobs if (error := job.exception())]
    if failed:
        sys.exit("\n\n".join(failed))


if __name__ == "__main__":
    main()
