"""tokentape assemble, as a person or a script runs it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.samples import DONE, chunk, streamed
from tokentape.cli import cli
from tokentape.library import save
from tokentape.model import Ending, Exchange, Read, Request, Response, Tape


def run(*words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(
        cli, ["assemble", *map(str, words)], catch_exceptions=False, env={"COLUMNS": "60"}
    )
    assert result.exit_code == code, result.output
    return result


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def answered(body: bytes, url: str = "https://h/v1/chat/completions") -> Exchange:
    headers = (("content-type", "text/event-stream"),)
    return Exchange(
        request=Request(url=url), response=Response(headers=headers, reads=(Read(body),))
    )


CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": "{}"},
}
USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}\n\n'
)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    """An answer, a tool call, a cut stream, another API."""
    exchanges = (
        streamed(chunk("Hm", role="assistant"), chunk(finish="stop"), USAGE, DONE),
        streamed(chunk(tool_calls=[CALL], reasoning="Call [b]f"), chunk(finish="tool_calls"), DONE),
        streamed(chunk("Ye"), ending=Ending.CUT),
        answered(b"", "https://h/v1/responses"),
    )
    path = tmp_path / "a[gpt-4.1].tape.jsonl"
    save(Tape(exchanges=exchanges), path)
    return path


def test_a_line_for_each_exchange(tape: Path) -> None:
    found = rows(run(tape, "--json"))
    assert [(row.pop("path"), row.pop("exchange")) for row in found] == [
        (str(tape), number) for number in range(4)
    ]
    assert [set(row) for row in found] == [
        {"completion"},
        {"completion"},
        {"completion", "partial"},
        {"skipped"},
    ]
    assert found[0]["completion"]["choices"][0]["message"]["content"] == "Hm"
    assert found[0]["completion"]["usage"]["total_tokens"] == 3
    (call,) = found[1]["completion"]["choices"][0]["message"]["tool_calls"]
    assert call == {name: CALL[name] for name in ("id", "type", "function")}
    assert found[2]["partial"].startswith("cut by the server")
    assert found[3]["skipped"] == "another API: responses"


def test_as_text(tape: Path) -> None:
    told = run(tape).stdout
    assert told.count("a[gpt-4.1].tape.jsonl#") == 4
    for line in (
        "answer: Hm",
        "finish reason: stop",
        "usage: 1 prompt, 2 completion, 3 total",
        "reasoning: Call [b]f",
        "tool call: f {}",
        "finish reason: tool_calls",
        "answer: Ye",
        "skipped: another API: responses (`tokentape play` and `tokentape show` tell what it says)",
    ):
        assert f"{line}\n" in told
    assert "gpt-test-2026" in told
    assert "\npartial: cut by the server; neither [DONE] nor a finish_reason of choice 0\n" in told


def test_as_text_an_api_that_is_not_understood_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    save(Tape(exchanges=(answered(b"", "https://h/v1/embeddings"),)), path)
    told = run(path).stdout
    assert told.endswith("\nskipped: another API: embeddings (`tokentape show` shows it)\n")


def test_a_folder_with_a_refused_file(tape: Path) -> None:
    (tape.parent / "diary.txt").write_text("Dear diary,\n")
    result = run(tape.parent, "--json", code=1)
    assert len(rows(result)) == 4
    assert result.stderr.count("\n") == 1
    assert "diary.txt" in result.stderr


def test_a_folder_without_files(tmp_path: Path) -> None:
    assert run(tmp_path, code=1).stderr.endswith("no files in it\n")


def test_half_a_character_is_an_escape(tmp_path: Path) -> None:
    path = tmp_path / "half.tape.jsonl"
    save(Tape(exchanges=(answered(chunk("a\ud83d", finish="stop") + DONE),)), path)
    result = run(path, "--json")
    assert '"a\\ud83d"' in result.stdout
    assert rows(result)[0]["completion"]["choices"][0]["message"]["content"] == "a\ud83d"


def test_every_depth_gives_a_line(tmp_path: Path) -> None:
    first = chunk("Yes", finish="stop")
    depths = (10, *range(940, 1000, 3), 100_000)
    for depth in depths:
        deep = b'data: {"choices":[],"x":%s%s}\n\n' % (b"[" * depth, b"]" * depth)
        (tmp_path / f"{depth:06}.sse").write_bytes(first + deep + DONE)
    found = rows(run(tmp_path, "--json"))
    assert len(found) == len(depths)
    assert "x" in found[0]["completion"]
    assert found[-1]["partial"] == "not JSON: 1 of its 3 events"
    # Between what is read and what is not, there may be what can't be written.
    assert all(("completion" in row) != ("skipped" in row) for row in found)
    run(tmp_path)


def test_a_path_of_bytes_that_are_no_text_is_escaped(tape: Path) -> None:
    odd = os.fsdecode(bytes(tape.parent) + b"/\xff.tape.jsonl")
    tape.rename(odd)
    assert rows(run(odd, "--json"))[0]["path"].endswith("\\udcff.tape.jsonl")
    run(odd)
