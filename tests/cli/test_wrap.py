"""Running a command against a server of ours: its environment, its signals, its exit code."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from tokentape.cli.wrap import WithCommand, command_behind, run
from tokentape.errors import UsageError

TELL = """
import json, os, sys
names = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "MINE")
json.dump({n: os.environ.get(n) for n in names}, open(sys.argv[1], "w"))
sys.exit(7)
"""


@pytest.mark.parametrize(
    ("key", "seen"), [({}, "none-needed"), ({"OPENAI_API_KEY": "sk-mine"}, "sk-mine")]
)
def test_the_command_is_told_where_to_ask_and_its_exit_code_is_ours(
    tmp_path: Path, key: dict[str, str], seen: str
) -> None:
    out = tmp_path / "out.json"
    environment = {"PATH": os.environ["PATH"], "MINE": "1", "OPENAI_BASE_URL": "old"} | key
    assert run([sys.executable, "-c", TELL, str(out)], "http://h/v1", environment) == 7
    assert json.loads(out.read_text()) == {
        "OPENAI_BASE_URL": "http://h/v1",
        "OPENAI_API_KEY": seen,
        "MINE": "1",
    }


def test_a_command_that_dies_of_a_signal_ends_as_in_a_shell() -> None:
    kill = f"import os; os.kill(os.getpid(), {signal.SIGKILL})"
    assert run([sys.executable, "-c", kill], "http://h/v1", os.environ) == 128 + signal.SIGKILL


def test_a_command_that_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="can't run no-such-command: No such file"):
        run(["no-such-command"], "http://h/v1", os.environ)


def test_a_signal_that_comes_while_the_command_is_started_is_handed_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **more: Any) -> None:
            super().__init__(*words, **more)
            signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    waits = [sys.executable, "-c", "import signal; signal.pause()"]
    assert run(waits, "http://h/v1", os.environ) == 128 + signal.SIGTERM


# A command that counts the signals it gets, and ends with 10 and their number on the line it reads.
CHILD = """
import signal, sys
got = []
signal.signal(int(sys.argv[1]), lambda *_: (got.append(1), print("got", flush=True)))
print("ready", flush=True)
sys.stdin.readline()
sys.exit(10 + len(got))
"""
WRAPPED = """
import os, sys
from tokentape.cli.wrap import run
sys.exit(run([sys.executable, "-c", *sys.argv[1:]], "http://h/v1", os.environ))
"""
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_to_us_alone_is_handed_to_the_command_and_waited_for(number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRAPPED, CHILD, str(int(number))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == "got\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(30) == 11


@pytest.mark.parametrize("number", SIGNALS)
def test_we_end_as_the_command_ends(number: int) -> None:
    child = "import signal; print(flush=True); signal.pause()"
    if number == signal.SIGINT:
        child = "import signal; signal.signal(2, signal.SIG_DFL); print(flush=True); signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", WRAPPED, child],
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        assert process.wait(30) == 128 + number


def test_what_is_ignored_stays_ignored() -> None:
    """As with nohup: the hang-up is no one's, the next signal is the command's."""
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" + WRAPPED
    with subprocess.Popen(
        [sys.executable, "-c", ignoring, CHILD, str(int(signal.SIGTERM))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "got\n"
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.wait(30) == 11


def test_ctrl_c_in_a_terminal_reaches_the_command_once() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", WRAPPED, CHILD, str(int(signal.SIGINT))])
    with os.fdopen(terminal, "rb+", buffering=0) as ours:

        def read_to(word: bytes) -> None:
            told = b""
            while word not in told:
                told += ours.read(100)

        read_to(b"ready")
        ours.write(b"\x03")
        read_to(b"got")
        ours.write(b"\n")
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 11


@click.command(cls=WithCommand)
@click.argument("paths", nargs=-1)
@click.option("--speed")
@click.pass_context
def wrapping(ctx: click.Context, paths: tuple[str, ...], speed: str | None) -> None:
    """Tell what was understood."""
    click.echo(json.dumps([paths, speed, command_behind(ctx)]))


def test_what_is_behind_the_dashes_is_the_command() -> None:
    words = ["a", "--speed", "2", "b", "--", "pytest", "-x", "--", "--speed", "3"]
    result = CliRunner().invoke(wrapping, words)
    assert json.loads(result.output) == [
        ["a", "b"],
        "2",
        ["pytest", "-x", "--", "--speed", "3"],
    ]


@pytest.mark.parametrize("words", [["a"], ["a", "--"]])
def test_no_command_is_an_error_that_shows_how(words: list[str]) -> None:
    result = CliRunner().invoke(wrapping, words)
    assert result.exit_code == 2
    assert "expected a command behind `--`" in result.output
    assert "-- COMMAND..." in result.output
