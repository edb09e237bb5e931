"""Running a command against a server of ours: its environment, its signals, its exit code."""

import json
import os
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


def test_sigterm_is_handed_to_the_command_and_waited_for() -> None:
    wrapped = (
        "import os, sys; from tokentape.cli.wrap import run;"
        # Blocked, the signal is not lost between the line and the waiting.
        "child = 'import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]);"
        " print(flush=True); signal.sigwait([signal.SIGTERM]); sys.exit(3)';"
        "sys.exit(run([sys.executable, '-c', child], 'http://h/v1', os.environ))"
    )
    with subprocess.Popen([sys.executable, "-c", wrapped], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(60) == 3


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
