"""The commands, as a person or a script runs them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.samples import DONE, chunk, streamed
from tokentape.cli import COMMANDS, cli
from tokentape.library import load, save
from tokentape.model import Ending, Tape

ROW_KEYS = [
    *("path", "exchange", "format", "fidelity", "method", "url", "status", "api", "streaming"),
    *("events", "bytes", "duration_ms", "ending", "needs_repair"),
]
PROGRAM = "from tokentape.cli import main; main()"
UNSEPARATED = b"".join(frame[:-1] for frame in (chunk("Yes"), chunk(finish="stop")))


def run(*words: str | Path, code: int = 0) -> Result:
    """Run a command in this process, errors of ours raised as they are."""
    result = CliRunner().invoke(cli, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def tokentape(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run the program itself."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tape of two exchanges, a file that needs repair, and one that is no recording."""
    root = tmp_path / "tapes"
    root.mkdir()
    cut = streamed(chunk("Ye"), question="cut", ending=Ending.CUT)
    save(Tape(exchanges=(streamed(), cut)), root / "a.tape.jsonl")
    (root / "b.sse").write_bytes(UNSEPARATED)
    (root / "c.txt").write_text("Dear diary,\n")
    return root


def test_the_table_of_commands_is_true() -> None:
    for name, help in COMMANDS.items():
        told = run(name, "--help").output
        assert help in told


def test_ls_gives_a_row_for_each_exchange_and_tells_what_is_refused(folder: Path) -> None:
    result = run("ls", folder, "--json", code=1)
    found = rows(result)
    assert [list(row) for row in found] == [ROW_KEYS] * 3
    assert found[0] == {
        "path": f"{folder}/a.tape.jsonl",
        "exchange": 0,
        "format": "tape",
        "fidelity": "wire",
        "method": "POST",
        "url": "https://api.example.com/v1/chat/completions",
        "status": 200,
        "api": "chat.completions",
        "streaming": True,
        "events": 3,
        "bytes": len(streamed().body),
        "duration_ms": 5.0,
        "ending": "complete",
        "needs_repair": False,
    }
    assert (found[1]["exchange"], found[1]["ending"]) == (1, "cut by the server")
    assert found[2]["format"] == "sse"
    assert found[2]["needs_repair"]
    (refused,) = result.stderr.splitlines()
    assert refused.startswith(f"{folder}/c.txt: text")
    plain = run("ls", folder, code=1)
    assert [line.split("  ")[0] for line in plain.stdout.splitlines()] == [
        f"{folder}/a.tape.jsonl#0",
        f"{folder}/a.tape.jsonl#1",
        f"{folder}/b.sse#0",
    ]


def test_the_exit_code_is_the_program_s(folder: Path) -> None:
    assert tokentape("ls", folder).returncode == 1
    assert tokentape("ls", folder / "a.tape.jsonl").returncode == 0
    assert tokentape("--version").returncode == 0
    assert tokentape("no-such-command").returncode == 2


def test_a_reader_that_leaves_is_no_failure(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "show", str(folder / "a.tape.jsonl")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.parametrize("where", ["full", "closed"])
@pytest.mark.parametrize(
    "words", [["ls"], ["show"], ["play", "--speed", "max"], ["--version"], ["serve", "--port", "0"]]
)
def test_an_output_that_takes_nothing_is_one_clear_line(
    folder: Path, words: list[str], where: str
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words, str(folder / "a.tape.jsonl")],
            stdout=full if where == "full" else None,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            preexec_fn=(lambda: os.close(1)) if where == "closed" else None,
            timeout=60,
        )
    finally:
        os.close(full)
    why = {"full": "No space left on device", "closed": "Bad file descriptor"}[where]
    assert ran.stderr == f"tokentape: the output can't be written: {why}\n"
    assert ran.returncode == 2


def test_a_command_that_says_nothing_needs_no_output(folder: Path, tmp_path: Path) -> None:
    words = ["convert", str(folder / "a.tape.jsonl"), str(tmp_path / "x.har")]
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], check=False, preexec_fn=lambda: os.close(1)
    )
    assert ran.returncode == 0
    assert load(tmp_path / "x.har").exchanges


def test_where_neither_takes_anything_the_exit_code_tells(folder: Path) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    for words in (["ls", str(folder)], ["no-such-command"]):
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words], check=False, stdout=full, stderr=full
        )
        assert ran.returncode == 2
    os.close(full)


INTERRUPTED = """
import sys
module = sys.argv.pop(1)
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from tokentape.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module", ["tokentape.cli", "click", "tokentape.cli.ls", "msgspec", "tokentape.library"]
)
def test_an_interrupt_while_modules_are_imported_is_no_traceback(folder: Path, module: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, "ls", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_the_program_is_a_module_too(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tokentape", "ls", str(folder / "a.tape.jsonl")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout.count("\n"), ran.stderr) == (0, 2, "")


def test_ls_of_good_recordings_is_fine(folder: Path) -> None:
    assert len(rows(run("ls", folder / "a.tape.jsonl", "--json"))) == 2


def test_ls_says_that_a_tape_is_empty(tmp_path: Path) -> None:
    save(Tape(), tmp_path / "x.tape.jsonl")
    result = run("ls", tmp_path)
    assert result.stdout == ""
    assert result.stderr == f"{tmp_path}/x.tape.jsonl: tape: no exchanges in it\n"


def test_ls_says_that_a_folder_is_empty(tmp_path: Path) -> None:
    result = run("ls", tmp_path, code=1)
    assert result.stdout == ""
    assert result.stderr == f"{tmp_path}: no files in it\n"


def test_show_gives_one_whole(folder: Path) -> None:
    (shown,) = rows(run("show", folder / "a.tape.jsonl", "--exchange", "0", "--json"))
    assert json.loads(shown["request"]["body"]["text"])["model"] == "gpt-test"
    assert shown["response"]["status"] == 200
    assert [read["offset_ms"] for read in shown["reads"]] == [2.0, 3.0, 4.0]
    assert "".join(read["text"] for read in shown["reads"]).encode() == streamed().body
    assert [event["data"] for event in shown["events"]][-1] == "[DONE]"
    assert len(rows(run("show", folder / "a.tape.jsonl", "--json"))) == 2
    plain = run("show", folder / "a.tape.jsonl", "-x", "1").stdout
    assert "POST https://api.example.com/v1/chat/completions" in plain
    assert "cut by the server" in plain
    assert "needs repair" in run("show", folder / "b.sse").stdout


def test_an_exchange_that_is_not_there_is_said(folder: Path) -> None:
    ran = tokentape("show", folder / "a.tape.jsonl", "--exchange", "7")
    assert ran.returncode == 2
    assert "has no exchange 7: it has 2, numbered 0 to 1" in ran.stderr


def test_play_prints_text_reasoning_tools_finish_and_usage(tmp_path: Path) -> None:
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "weather"}}
    tape = Tape(
        exchanges=(
            streamed(
                chunk(reasoning_content="Hm."),
                chunk("It is "),
                chunk("late.", refusal=None),
                chunk(tool_calls=[call | {"function": {"name": "weather", "arguments": "{}"}}]),
                chunk(finish="tool_calls"),
                b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n',
                DONE,
            ),
            streamed(chunk("Ye"), ending=Ending.CUT),
        )
    )
    save(tape, tmp_path / "x.tape.jsonl")
    played = run("play", tmp_path / "x.tape.jsonl", "--speed", "max").stdout
    assert "reasoning: Hm.\nanswer: It is late.\ntool call: weather {}\n" in played
    assert "finish reason: tool_calls\nusage: 3 prompt, 4 completion\n" in played
    assert played.endswith("answer: Ye\nending: cut by the server\n")


def test_play_says_which_tool_call_goes_on(tmp_path: Path) -> None:
    def call(index: int, arguments: Any, name: str = "") -> dict[str, Any]:
        return {"index": index, "function": {"name": name, "arguments": arguments}}

    tape = Tape(
        exchanges=(
            streamed(
                chunk(tool_calls=[call(0, "", "f"), call(1, "", "g[b]")]),
                chunk(tool_calls=[call(0, "[0", "f"), call(1, "[1", "g[b]")]),
                chunk("Hm", tool_calls=[call(0, "]")]),
                chunk(tool_calls=[call(0, "!"), call(2, {"x": [1]}, "h")]),
                chunk(finish="tool_calls"),
                DONE,
            ),
        )
    )
    save(tape, tmp_path / "x.tape.jsonl")
    played = run("play", tmp_path / "x.tape.jsonl", "--speed", "max").stdout
    assert played.splitlines()[1:] == [
        "tool call: f ",
        "tool call: g[b] ",
        "tool call #0 (f): [0",
        "tool call #1 (g[b]): [1",
        "answer: Hm",
        "tool call #0 (f): ]!",
        'tool call: h {"x":[1]}',
        "finish reason: tool_calls",
    ]


def test_convert_says_what_the_format_can_not_hold(folder: Path, tmp_path: Path) -> None:
    there, back = tmp_path / "x.yaml", tmp_path / "back.tape.jsonl"
    told = run("convert", folder / "a.tape.jsonl", there, "--to", "go-vcr").stderr
    assert [line.split(": ")[-1] for line in told.splitlines()] == [
        *("read boundaries", "read times", "duration", "ending"),
    ]
    run("convert", there, back)
    bodies = [exchange.body for exchange in load(folder / "a.tape.jsonl").exchanges]
    assert [exchange.body for exchange in load(back).exchanges] == bodies


def test_convert_says_where_llama_stack_looks_for_it(folder: Path, tmp_path: Path) -> None:
    how = ("--to", "llama-stack", "-x", "0")
    told = run("convert", folder / "a.tape.jsonl", tmp_path / "x.json", *how).stderr
    name = told.splitlines()[-1].rpartition(" looks for it as ")[2]
    assert re.fullmatch("[0-9a-f]{64}[.]json", name)
    under_it = tmp_path / name
    told = run(
        "convert", folder / "a.tape.jsonl", under_it, "--to", "llama-stack", "-x", "0"
    ).stderr
    assert "looks for it" not in told


def test_convert_repairs_only_when_asked(folder: Path, tmp_path: Path) -> None:
    refused = tokentape("convert", folder / "b.sse", tmp_path / "x.tape.jsonl")
    assert refused.returncode == 2
    assert "needs repair" in refused.stderr
    assert "--repair" in refused.stderr
    assert not (tmp_path / "x.tape.jsonl").exists()
    run("convert", folder / "b.sse", tmp_path / "x.tape.jsonl", "--repair")
    (exchange,) = load(tmp_path / "x.tape.jsonl").exchanges
    assert any("repair" in note for note in exchange.notes)


@pytest.mark.parametrize("command", ["show", "play"])
def test_a_refused_file_is_told_as_ls_tells_it(folder: Path, command: str) -> None:
    told = run(command, folder / "c.txt", code=1)
    assert told.stdout == ""
    assert told.stderr == run("ls", folder / "c.txt", code=1).stderr


def test_play_says_where_there_is_nothing_of_a_chat_completion(tmp_path: Path) -> None:
    frame = b'event: ping\ndata: {"type":"ping"}\n\n'
    save(Tape(exchanges=(streamed(frame),)), tmp_path / "x.tape.jsonl")
    assert "`tokentape show` shows it whole" in run("play", tmp_path / "x.tape.jsonl").stdout


def test_play_shows_names_in_brackets_as_they_are(tmp_path: Path) -> None:
    save(Tape(exchanges=(streamed(),)), tmp_path / "test[gpt-4.1][|a].tape.jsonl")
    played = run("play", tmp_path / "test[gpt-4.1][|a].tape.jsonl", "--speed", "max").stdout
    assert played.startswith("test[gpt-4.1][|a].tape.jsonl#0  chat.completions  gpt-test")


def test_names_that_are_no_text_or_no_line_are_listed(tmp_path: Path) -> None:
    odd, lines = tmp_path / "a\udcff.tape.jsonl", tmp_path / "b\nc.txt"
    save(Tape(exchanges=(streamed(),)), odd)
    lines.write_text("Dear diary,\n")
    result = run("ls", tmp_path, code=1)
    assert f"{tmp_path}/a\\udcff.tape.jsonl#0" in result.stdout
    assert result.stderr.startswith(f"{tmp_path}/b\\nc.txt: text")
    assert result.stderr.count("\n") == 1
    told = rows(run("ls", odd, "--json")) + rows(run("show", odd, "--json"))
    assert [row["path"] for row in told] == [f"{tmp_path}/a\\udcff.tape.jsonl"] * 2


def test_a_terminal_that_lacks_a_character_gets_it_escaped(tmp_path: Path) -> None:
    save(Tape(exchanges=(streamed(chunk("40°C")),)), tmp_path / "x.tape.jsonl")
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, "play", str(tmp_path / "x.tape.jsonl")],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert ran.returncode == 0, ran.stderr
    assert b"answer: 40\\xb0C" in ran.stdout


FAILURES: list[tuple[str, list[str], str]] = [
    ("nothing to show", ["show", "{tmp}/nowhere"], "can't be read: No such file or directory"),
    ("a folder to show", ["show", "{folder}"], "expected a file, got a folder"),
    ("nothing to play", ["play", "{tmp}/nowhere"], "can't be read: No such file or directory"),
    ("a folder to play", ["play", "{folder}"], "expected a file, got a folder"),
    ("no such source", ["convert", "{tmp}/nowhere.yaml", "{tmp}/x.tape.jsonl"], "can't be read"),
    ("not a recording", ["convert", "{folder}/c.txt", "{tmp}/x.tape.jsonl"], "text"),
    ("it exists", ["convert", "{folder}/a.tape.jsonl", "{folder}/a.tape.jsonl"], "pass --force"),
    ("no format", ["convert", "{folder}/a.tape.jsonl", "{tmp}/x.txt"], "--to"),
    ("unknown format", ["convert", "{folder}/a.tape.jsonl", "{tmp}/x", "--to", "tar"], "go-vcr"),
    ("several in sse", ["convert", "{folder}/a.tape.jsonl", "{tmp}/x.sse"], "--exchange"),
    ("no such folder", ["ls", "{tmp}/nowhere"], "no such file or folder"),
    ("nothing to serve", ["serve", "{tmp}/empty", "--port", "0"], "nothing to replay"),
    ("a speed of 0", ["serve", "{folder}", "--speed", "0"], "above 0"),
    (
        "over the limit",
        ["convert", "{folder}/a.tape.jsonl", "{tmp}/x.har", "--max-bytes", "9"],
        "9",
    ),
]


@pytest.mark.parametrize(("words", "says"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
def test_a_failure_is_one_clear_line_and_exit_code_2(
    folder: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    (tmp_path / "empty").mkdir()
    before = sorted(os.listdir(folder))
    ran = tokentape(*(word.format(tmp=tmp_path, folder=folder) for word in words))
    assert ran.returncode == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    assert sorted(os.listdir(folder)) == before
    assert not list(tmp_path.glob("x*"))


def test_an_unreadable_file_is_listed_and_the_rest_is_served(folder: Path) -> None:
    (folder / "d.json").symlink_to(folder / "nowhere")
    told = run("ls", folder, code=1).stderr
    assert f"{folder}/d.json: unreadable: No such file or directory" in told


def unread(*words: str | Path) -> tuple[int, str]:
    """The exit code and stderr of a command whose output's reader has left."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, words)],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("command", ["ls", "show", "play", "assemble", "stats"])
def test_a_reader_that_left_is_no_failure(command: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tape.jsonl"
    save(Tape(exchanges=(streamed(),)), path)
    assert unread(command, path) == (0, "")


def test_what_is_found_is_the_exit_code_though_the_reader_left(tmp_path: Path) -> None:
    one, other, repeated = (tmp_path / f"{name}.tape.jsonl" for name in "abc")
    save(Tape(exchanges=(streamed(),)), one)
    save(Tape(exchanges=(streamed(question="else"),)), other)
    again = chunk("b", role="assistant")
    save(Tape(exchanges=(streamed(chunk(role="assistant", content="a"), again),)), repeated)
    assert unread("diff", one, one) == (0, "")
    assert unread("diff", one, other) == (1, "")
    assert unread("diff", one, other, "--json") == (1, "")
    assert unread("lint", repeated) == (1, "")
    assert unread("lint", repeated, "--exit-zero") == (0, "")
