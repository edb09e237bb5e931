"""tokentape lint: findings on the terminal and as JSON, rules explained."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import tokentape
from tests.samples import DONE, chunk, streamed
from tokentape.cli import cli
from tokentape.model import Tape

ROLE = chunk(role="assistant")


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    good = streamed(ROLE, chunk("Yes"), chunk(finish="stop"), DONE)
    bad = streamed(ROLE, chunk("Yes", role="assistant"), chunk("!", role="assistant"))
    path = tmp_path / "two.tape.jsonl"
    tokentape.save(Tape(exchanges=(good, bad)), path)
    return path


def run(*args: str) -> tuple[int, str, str]:
    ran = CliRunner().invoke(cli, ["lint", *args])
    return ran.exit_code, ran.stdout, ran.stderr


def test_findings_as_json(tape: Path) -> None:
    code, out, _ = run(str(tape), "--json", "--select", "DEL402,SSE101")
    assert code == 1
    found = [json.loads(line) for line in out.splitlines()]
    assert found == [
        {
            "path": str(tape),
            "exchange": 1,
            "event": 1,
            "rule": "DEL402",
            "severity": "warning",
            "message": 'role "assistant" again',
            "offset": len(ROLE),
            "json_path": "$.choices[0].delta.role",
            "count": 2,
        },
        {
            "path": str(tape),
            "exchange": 1,
            "event": None,
            "rule": "SSE101",
            "severity": "warning",
            "message": "the stream ends without [DONE]",
            "offset": None,
            "json_path": None,
            "count": 1,
        },
    ]


def test_exit_codes(tape: Path) -> None:
    assert run(str(tape))[0] == 1
    assert run(str(tape), "--exit-zero")[0] == 0
    assert run(str(tape), "--select", "REQ805")[0] == 0  # information is no reason to fail
    assert run(str(tape), "--ignore", "SSE,CHO,DEL")[0] == 0
    assert run()[0] == 2


def test_a_refused_file_is_told_and_the_rest_is_linted(tape: Path) -> None:
    (tape.parent / "a.txt").write_text("nothing of ours")
    code, out, err = run(str(tape.parent), "--select", "REQ805")
    assert code == 1
    assert "REQ805 info" in out
    assert "a.txt: text, not a recording" in err


def test_a_rule_is_explained(tape: Path) -> None:
    code, out, _ = run("--explain", "cho306")
    assert code == 0
    assert out.startswith("# CHO306 choice-cross-talk (error)")
    assert "## Why is this bad?" in out
    listed = run("--explain", "all")[1]
    assert len(listed.splitlines()) == len(tokentape.linting.RULES)
