"""The blocks of the README and of docs/python.md run, and print what they say."""

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tokentape import config
from tokentape.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
BLOCKS = _BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))
PYTHON_BLOCKS = _BLOCK.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))


def blocks(language: str) -> list[str]:
    return [text for kind, text in BLOCKS if kind == language]


def steps(block: str) -> list[tuple[str, str]]:
    """The commands of a console block with what each prints."""
    found = re.split(r"^\$ (.*)\n", block, flags=re.M)[1:]
    return list(zip(found[::2], found[1::2], strict=True))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that has what the blocks name, where they may write."""
    (tmp_path / "src" / "tokentape").mkdir(parents=True)
    tapes = "src/tokentape/tapes"
    shutil.copytree(ROOT / tapes, tmp_path / tapes)
    return tmp_path


def environment() -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "COLUMNS": "80", "PYTHONUTF8": "1"}


class Console:
    """Runs the commands of one block; a server keeps running, at a port of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server: subprocess.Popen[str] | None = None
        self._port = ""

    def run(self, command: str) -> str:
        if command.startswith("tokentape serve"):
            return self._serve(command)
        ran = subprocess.run(
            command.replace(":8787", f":{self._port}"),
            shell=True,
            cwd=self._folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    def _serve(self, command: str) -> str:
        self._server = subprocess.Popen(
            command.replace("--port 8787", "--port 0").split(),
            cwd=self._folder,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        self._port = line.rpartition(":")[2].partition("/")[0]
        return line.replace(f":{self._port}", ":8787")

    def close(self) -> None:
        if self._server is not None:
            self._server.terminate()
            assert self._server.wait(60) == 0
            assert self._server.stdout is not None
            self._server.stdout.close()


def test_there_are_blocks_to_run() -> None:
    assert len(blocks("console")) == 7
    assert len(blocks("python")) == 1
    assert len(blocks("sh")) == 2


def test_the_first_block_is_the_two_commands() -> None:
    targets = [line.split()[1] for line in blocks("sh")[0].splitlines()]
    assert targets == ["demo", "test"]


@pytest.mark.parametrize("line", blocks("sh")[1].splitlines())
def test_a_command_that_is_named_is_there(line: str) -> None:
    program, name = line.split()[:2]
    assert program == "tokentape"
    assert name in COMMANDS


def test_the_settings_in_the_docs_are_read(tmp_path: Path) -> None:
    (block,) = re.findall(
        r"^```toml\n(.*?)^```$", (ROOT / "docs/record.md").read_text(encoding="utf-8"), re.M | re.S
    )
    path = tmp_path / "tokentape.toml"
    path.write_text(block, encoding="utf-8")
    key = {"GROQ_API_KEY": "gsk-1"}
    found = config.settings(config.resolve({}, environment=key, file=path), key)
    assert found.mode == "auto"
    assert [upstream.key for upstream in found.upstreams] == [None, "gsk-1"]


@pytest.mark.parametrize("block", blocks("console"), ids=range(len(blocks("console"))))
def test_a_console_block_prints_what_it_says(block: str, project: Path) -> None:
    if "curl" in block and shutil.which("curl") is None:
        pytest.skip("curl is missing")
    console = Console(project)
    try:
        for command, says in steps(block):
            assert console.run(command) == says
    finally:
        console.close()


@pytest.mark.parametrize("block", blocks("python"))
def test_a_python_block_runs(block: str, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    before = set(threading.enumerate())
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert set(threading.enumerate()) <= before


def test_what_each_block_on_python_prints_stands_below_it() -> None:
    kinds = [kind for kind, _ in PYTHON_BLOCKS]
    assert kinds == ["python", "text"] * 9


@pytest.mark.parametrize("number", range(0, len(PYTHON_BLOCKS), 2))
def test_a_block_on_python_prints_what_it_says(
    number: int,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(project)
    before = set(threading.enumerate())
    (_, block), (_, says) = PYTHON_BLOCKS[number : number + 2]
    exec(compile(block, "docs/python.md", "exec"), {"__name__": "python"})
    assert capsys.readouterr().out == says
    assert set(threading.enumerate()) <= before


def test_every_link_leads_somewhere() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_make_targets_are_told() -> None:
    told = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("demo", "test"):
        assert f"make {target}" in told.stdout
