"""tokentape lint, as a person, a script or a workflow runs it."""

import json
import os
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.samples import DONE, chunk, streamed
from tokentape.cli import cli
from tokentape.cli.lint_output import Placed, github_line, sarif, uri_of
from tokentape.library import save
from tokentape.linting import RULES, Finding, Severity
from tokentape.model import Ending, Tape

ROLES = (
    chunk(role="assistant", content="a"),
    chunk("b", role="assistant"),
    chunk("c", role="assistant"),
)
CLEAN = streamed(chunk(role="assistant"), chunk("Yes"), chunk(finish="stop"), DONE)
BROKEN = streamed(*ROLES)  # roles again, no finish, no [DONE]
SLOW = streamed(chunk(role="assistant"), chunk("a"), chunk("b", finish="stop"), DONE, gap_us=10**6)


def run(*words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["lint", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a tape of three exchanges below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOKENTAPE_LINT", raising=False)
    save(Tape(exchanges=(CLEAN, BROKEN, SLOW)), tmp_path / "a.tape.jsonl")
    return tmp_path


def test_a_person_is_told_where_and_how_often(folder: Path) -> None:
    result = run("a.tape.jsonl", "--ignore", "REQ,CHO312", code=1)
    at = len(ROLES[0])
    assert result.stdout.splitlines() == [
        f"a.tape.jsonl#1 event 1 byte {at} $.choices[0].delta.role: DEL402 warning: "
        'role "assistant" again (2 times)',
        "a.tape.jsonl#1: CHO307 error: choice 0 never had a finish_reason",
        "a.tape.jsonl#1: SSE101 warning: the stream ends without [DONE]",
    ]
    assert result.stderr == "3 exchanges: 1 error, 2 warning, 0 info\n"


def test_json_is_one_finding_a_line(folder: Path) -> None:
    result = run("a.tape.jsonl", "--json", "--select", "DEL402,SSE101", code=1)
    row, done = map(json.loads, result.stdout.splitlines())
    assert row == {
        "path": "a.tape.jsonl",
        "exchange": 1,
        "event": 1,
        "rule": "DEL402",
        "severity": "warning",
        "message": 'role "assistant" again',
        "offset": len(ROLES[0]),
        "json_path": "$.choices[0].delta.role",
        "count": 2,
    }
    assert (done["event"], done["offset"], done["json_path"]) == (None, None, None)
    assert result.stderr == ""


def test_a_workflow_is_told_the_line(folder: Path) -> None:
    result = run("a.tape.jsonl", "--output", "github", "--select", "DEL402,SSE101", code=1)
    lines = (folder / "a.tape.jsonl").read_text().splitlines()
    role, done = result.stdout.splitlines()
    found = re.fullmatch(r"::warning file=a\.tape\.jsonl,line=(\d+),title=DEL402 .*", role)
    assert found
    # The read of the second event of the second exchange.
    assert '"content":"b"' in lines[int(found[1]) - 1].replace(": ", ":")
    begins = next(n for n, line in enumerate(lines, 1) if '"request","exchange":1' in line)
    assert done == (
        f"::warning file=a.tape.jsonl,line={begins},title=SSE101 done-missing::"
        "exchange 1: the stream ends without [DONE]"
    )


FINDING = Finding(rule="SSE104", severity=Severity.ERROR, message="", exchange=0)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("100 % of a: b, c", "exchange 0: 100 %25 of a: b, c"),
        ("two\r\nlines", "exchange 0: two\\r\\nlines"),
        ("%0A as sent", "exchange 0: %250A as sent"),
        ("half \ud800", "exchange 0: half \\ud800"),
    ],
)
def test_what_has_a_meaning_in_a_command_is_escaped(message: str, told: str) -> None:
    placed = Placed(msgspec.structs.replace(FINDING, message=message), Path("a,b:c%.sse"))
    assert github_line(placed) == (
        f"::error file=a%2Cb%3Ac%25.sse,line=1,title=SSE104 not-json::{told}"
    )


def test_severities_are_those_of_the_workflow() -> None:
    for severity, command in (("error", "error"), ("warning", "warning"), ("info", "notice")):
        finding = msgspec.structs.replace(FINDING, severity=Severity(severity))
        assert github_line(Placed(finding, Path("a"))).startswith(f"::{command} file=a,")


def document(*words: str | Path, code: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--output", "sarif", code=code).stdout)
    return found


def test_sarif_says_all_that_is_required(folder: Path) -> None:
    """What sections 3.13 to 3.58 of SARIF 2.1.0 demand of the objects that are there."""
    (folder / "diary.txt").write_text("Dear diary,\n")
    found = document("a.tape.jsonl", "diary.txt", code=1)
    assert set(found) == {"$schema", "version", "runs"}
    assert found["version"] == "2.1.0"
    (ran,) = found["runs"]
    rules = ran["tool"]["driver"]["rules"]
    assert ran["tool"]["driver"]["name"] == "TokenTape"
    assert [rule["id"] for rule in rules] == [rule.code for rule in RULES]
    for rule, described in zip(RULES, rules, strict=True):
        assert described["name"] == rule.name
        assert described["shortDescription"]["text"] == rule.title
        assert described["fullDescription"]["text"]
        assert described["help"]["markdown"] == described["help"]["text"] == rule.explain()
        assert described["defaultConfiguration"]["level"] in ("error", "warning", "note")
    assert ran["results"]
    for result in ran["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] == rules[result["ruleIndex"]]["defaultConfiguration"]["level"]
        assert result["message"]["text"]
        assert result["occurrenceCount"] >= 1
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert physical["artifactLocation"] == {"uri": "a.tape.jsonl"}
        assert physical["region"]["startLine"] >= 1
        assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("exchange ")
        assert result["properties"]["exchange"] in (0, 1, 2)
    (invocation,) = ran["invocations"]
    assert invocation["executionSuccessful"] is True
    (note,) = invocation["toolExecutionNotifications"]
    assert note["level"] == "error"
    assert note["message"]["text"].startswith("text, not a recording")
    assert note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "diary.txt"


def test_sarif_places_a_finding(folder: Path) -> None:
    (result,) = document("a.tape.jsonl", "--select", "DEL402", code=1)["runs"][0]["results"]
    assert result["properties"] == {
        "exchange": 1,
        "event": 1,
        "offset": len(ROLES[0]),
        "json_path": "$.choices[0].delta.role",
    }
    assert result["occurrenceCount"] == 2


def test_a_run_that_finds_nothing_is_a_document_too(folder: Path) -> None:
    assert document("a.tape.jsonl", "--select", "SSE108", code=0)["runs"][0]["results"] == []


@pytest.mark.parametrize(("line", "told"), [(None, 1), (7, 7)])
def test_every_result_has_a_region(line: int | None, told: int) -> None:
    (ran,) = json.loads(sarif([Placed(FINDING, Path("a.yaml"), line)], []))["runs"]
    assert ran["results"][0]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a.yaml"},
        "region": {"startLine": told, "startColumn": 1, "endColumn": 2},
    }


def fingerprint(path: str = "a.yaml", **changed: Any) -> str:
    finding = msgspec.structs.replace(FINDING, **changed)
    (ran,) = json.loads(sarif([Placed(finding, Path(path))], []))["runs"]
    (told,) = ran["results"][0]["partialFingerprints"].items()
    assert told[0] == "primaryLocationLineHash"
    return str(told[1])


def test_a_result_is_known_again_by_path_rule_exchange_and_json_path() -> None:
    found = {
        fingerprint(),
        fingerprint("b.yaml"),
        fingerprint(rule="SSE105"),
        fingerprint(exchange=9),
        fingerprint(json_path="$.x"),
    }
    assert len(found) == 5
    assert fingerprint() == fingerprint(event=9, offset=9, message="another", count=9)


def test_a_path_is_a_uri(folder: Path) -> None:
    assert uri_of(Path("a b/ü#1?.sse")) == "a%20b/%C3%BC%231%3F.sse"
    assert uri_of(Path("c:x.sse")) == "c%3Ax.sse"
    assert uri_of(Path("x/../a.sse")) == "a.sse"
    assert uri_of(folder / "a.sse") == "a.sse"
    assert uri_of(Path("../a b.sse")) == f"file://{folder.parent}/a%20b.sse"
    assert uri_of(Path(os.fsdecode(b"\xff.sse"))) == "%FF.sse"


@pytest.mark.parametrize("output", ["text", "github", "sarif", None])
def test_a_name_that_is_no_text_can_be_told(folder: Path, output: str | None) -> None:
    name = os.fsdecode(b"\xff.tape.jsonl")
    os.rename("a.tape.jsonl", name)
    told = run(name, *(["--json"] if output is None else ["--output", output]), code=1).stdout
    assert {"text": "\\udcff.tape", "sarif": "%FF.tape"}.get(output or "", "udcff.tape") in told


OUTPUTS = [[], ["--json"], ["--output", "github"], ["--output", "sarif"]]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    ("paths", "name", "text", "says"),
    [
        ((".", "b.txt"), "b.txt", "Dear diary,\n", "text, not a recording"),
        ((".",), "c.tape.jsonl", "Dear diary,\n", "damaged: line 1"),
        ((".",), "c.har", "", "empty file"),
    ],
)
def test_a_refused_file_is_one_line_and_the_rest_is_linted(
    folder: Path, output: list[str], paths: tuple[str, ...], name: str, text: str, says: str
) -> None:
    (folder / name).write_text(text)
    result = run(*paths, "--select", "SSE108", *output, code=1)
    told = [line for line in result.stderr.splitlines() if "exchanges" not in line]
    assert len(told) == 1
    assert told[0].startswith(f"./{name}: {says}")
    run(*paths, "--select", "SSE108", "--exit-zero", *output)


BESIDE = {
    "README.md": b"# Recordings\n\nMade with `tokentape record`.\n",
    "__init__.py": b"",
    "conftest.py": b"import pytest\n",
    "a.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "settings.yaml": b"a: 1\n",
    "package.json": b'{"name": "a"}\n',
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_what_lies_beside_recordings_is_no_finding(folder: Path, output: list[str]) -> None:
    for name, data in BESIDE.items():
        (folder / name).write_bytes(data)
    result = run(".", "--select", "SSE108", *output)
    told = [line for line in result.stderr.splitlines() if "exchanges" not in line]
    assert sorted(line[2:].partition(":")[0] for line in told) == sorted(BESIDE)
    assert "no recording" not in result.stdout
    # A recording that broke is one.
    tape = (folder / "a.tape.jsonl").read_bytes()
    (folder / "broken.tape.jsonl").write_bytes(tape[:300] + tape[340:])
    run(".", "--select", "SSE108", *output, code=1)


def test_the_exit_code_says_whether_anything_is_wrong(folder: Path) -> None:
    run("a.tape.jsonl", "--exit-zero")
    run("a.tape.jsonl", "--select", "CHO307", code=1)
    run("a.tape.jsonl", "--select", "SSE101", code=1)
    # Info alone is no failure.
    assert "REQ805 info" in run("a.tape.jsonl", "--select", "REQ805").stdout


def test_two_ways_to_print_are_one_too_many(folder: Path) -> None:
    result = run("a.tape.jsonl", "--json", "--output", "text", code=2)
    assert "expected --json or --output text, got both" in result.output
    assert "Invalid value for '--output'" in run("a", "--output", "xml", code=2).output


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["--select", "CHO36"], "got 'CHO36'; like it: CHO316 finish-without-tool-calls, CHO306"),
        (["--ignore", "DEL402,rol-repeated"], "got 'rol-repeated'; like it: DEL402 role-repeated"),
        (["--explain", "cho999"], "got 'cho999'; like it: CHO3"),
        (["--select", "zebra"], "got 'zebra'; `tokentape lint --explain all` lists them"),
    ],
)
def test_a_code_that_is_none_is_told_with_the_nearest(
    folder: Path, words: list[str], near: str
) -> None:
    paths = [] if "--explain" in words else ["a.tape.jsonl"]
    result = CliRunner().invoke(cli, ["lint", *paths, *words])
    assert result.exit_code != 0
    assert near in str(result.exception)


def test_explain_prints_the_text_of_the_rule() -> None:
    (rule,) = (rule for rule in RULES if rule.code == "CHO306")
    assert run("--explain", "cho306").stdout == rule.explain()
    assert run("--explain", "choice-cross-talk").stdout == rule.explain()
    listed = run("--explain", "all").stdout.splitlines()
    assert [line.split()[0] for line in listed] == [rule.code for rule in RULES]
    assert "expected a PATH to lint" in run(code=2).output


def test_explain_as_json() -> None:
    listed = [json.loads(line) for line in run("--explain", "all", "--json").stdout.splitlines()]
    assert [rule["code"] for rule in listed] == [rule.code for rule in RULES]
    (line,) = run("--explain", "choice-cross-talk", "--json").stdout.splitlines()
    (rule,) = (rule for rule in RULES if rule.code == "CHO306")
    assert json.loads(line) == {
        "code": "CHO306",
        "name": "choice-cross-talk",
        "severity": "error",
        "fidelity": "events",
        "title": rule.title,
        "text": rule.explain(),
    }
    refused = run("--explain", "CHO306", "--output", "sarif", code=2)
    assert "expected --explain or --output sarif, got both" in refused.output


def stalls(*words: str) -> list[int]:
    result = CliRunner().invoke(cli, ["lint", "a.tape.jsonl", "--select", "TIM902", *words])
    return [int(line.split("#")[1][0]) for line in result.stdout.splitlines()]


def test_thresholds_come_from_the_flag_the_environment_and_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stalls() == []
    assert stalls("--threshold", "stall_ms=900") == [2]
    (folder / "tokentape.toml").write_text("[lint]\nstall_ms = 900\n")
    assert stalls() == [2]
    assert stalls("--threshold", "stall_ms=2000") == []
    assert stalls("--threshold", "burst_rate=2000") == [2]
    monkeypatch.setenv("TOKENTAPE_LINT", "stall_ms=5000")
    assert stalls() == []


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("stal_ms=1", "expected one of stall_ms, burst_events, .*got 'stal_ms'"),
        ("stall_ms", "expected NAME=NUMBER|expected NAME=VALUE"),
        ("stall_ms=soon", "stall_ms: expected a number from 0"),
        ("stall_ms=-1", "stall_ms: expected a number from 0"),
        ("stall_ms=nan", "stall_ms: expected a number from 0"),
    ],
)
def test_a_threshold_that_is_none_is_told(folder: Path, given: str, says: str) -> None:
    result = CliRunner().invoke(cli, ["lint", "a.tape.jsonl", "--threshold", given])
    assert re.search(says, str(result.exception))


def test_a_stream_that_the_client_left_is_not_blamed(tmp_path: Path) -> None:
    left = msgspec.structs.replace(BROKEN, ending=Ending.LEFT)
    save(Tape(exchanges=(left,)), tmp_path / "a.tape.jsonl")
    run(tmp_path / "a.tape.jsonl", "--select", "SSE,CHO")
