"""tokentape diff, as a person or a script runs it."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_commands import rows, run, tokentape
from tests.samples import DONE, chunk, streamed
from tokentape.library import save
from tokentape.model import Exchange, Tape

LONG = "It was a bright cold day in April, and the clocks were striking thirteen. " * 3


def tape(path: Path, *exchanges: Exchange) -> Path:
    save(Tape(exchanges=exchanges), path)
    return path


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two tapes: the first pair alike, the second one not, and one exchange that is alone."""
    alike = streamed(question="alike")
    a = tape(
        tmp_path / "a.tape.jsonl",
        alike,
        streamed(chunk(LONG + "It is late."), DONE, question="then?", temperature=1),
    )
    b = tape(
        tmp_path / "b.tape.jsonl",
        streamed(chunk(LONG + "It was late."), DONE, question="now?", seed=[7], gap_us=3000),
        alike,
        streamed(question="alone"),
    )
    return a, b


def test_it_says_what_differs(two: tuple[Path, Path]) -> None:
    a, b = two
    told = run("diff", a, b, code=1)
    assert told.stdout.splitlines() == [
        f"{a}#1 → {b}#0",
        "  request $.messages[0].content: [-then-]{+now+}?",
        "  request $.temperature: - 1",
        "  request $.seed: + [7]",
        f"  text: …{LONG[-37:]}It [-is-]{{+was+}} late.",
        "  timing $.ttft_us: 2.000 ms → 6.000 ms (does not count)",
        "  timing $.end_to_end_us: 4.000 ms → 12.000 ms (does not count)",
        f"(none) → {b}#2",
        '  exchange: + "POST https://api.example.com/v1/chat/completions"',
        "3 compared, 2 differ",
    ]
    assert told.stderr == ""


def test_json_is_a_line_for_each_pair_that_differs(two: tuple[Path, Path]) -> None:
    a, b = two
    first, alone = rows(run("diff", a, b, "--json", code=1))
    assert list(first) == ["a", "b", "changes", "more", "timing"]
    assert (first["a"], first["b"], first["more"]) == (f"{a}#1", f"{b}#0", False)
    assert [(change["where"], change["path"], change["kind"]) for change in first["changes"]] == [
        ("request", "$.messages[0].content", "changed"),
        ("request", "$.temperature", "removed"),
        ("request", "$.seed", "added"),
        ("text", "$", "changed"),
    ]
    seed = {"where": "request", "path": "$.seed", "kind": "added", "a": None, "b": [7]}
    assert first["changes"][2] == seed
    assert first["timing"][0]["a"] == 2000
    assert (alone["a"], alone["b"]) == (None, f"{b}#2")


def test_the_exit_code_is_0_where_nothing_differs(two: tuple[Path, Path]) -> None:
    a, b = two
    assert run("diff", a, a).stdout == "2 compared, none differs\n"
    assert run("diff", a, a, "--json").stdout == ""
    assert run("diff", f"{a}#0", f"{b}#1").stdout == "1 compared, none differs\n"


def test_one_exchange_is_chosen_by_its_number(tmp_path: Path, two: tuple[Path, Path]) -> None:
    a, b = two
    for words in (["diff", f"{a}#1", f"{b}#0"], ["diff", f"{a}#1", b, "-x", "0"]):
        told = run(*words, code=1).stdout.splitlines()
        assert (told[0], told[-1]) == (f"{a}#1 → {b}#0", "1 compared, 1 differs")
    # A file of that very name comes first.
    named = a.with_name("a.tape.jsonl#7")
    tape(tmp_path / "x.tape.jsonl", streamed(question="alike")).rename(named)
    assert run("diff", named, f"{a}#0").stdout == "1 compared, none differs\n"


def test_times_count_when_asked(tmp_path: Path) -> None:
    a = tape(tmp_path / "a.tape.jsonl", streamed(gap_us=2000))
    b = tape(tmp_path / "b.tape.jsonl", streamed(gap_us=1000))
    assert run("diff", a, b).stdout == "1 compared, none differs\n"
    assert run("diff", a, b, "--timing", "60").stdout == "1 compared, none differs\n"
    told = run("diff", a, b, "--timing", "40", code=1).stdout
    assert "\n  timing $.end_to_end_us: 10.000 ms → 5.000 ms\n1 compared, 1 differs\n" in told


def test_long_values_and_texts_are_cut(tmp_path: Path) -> None:
    a = tape(tmp_path / "a.tape.jsonl", streamed(chunk("x" * 2000), DONE, extra="e" * 200))
    b = tape(tmp_path / "b.tape.jsonl", streamed(chunk("y"), DONE))
    told = run("diff", a, b, code=1).stdout
    assert '  request $.extra: - "' + "e" * 98 + "…\n" in told
    assert "  text: [-" + "x" * 1000 + "… (2000 characters)-]{+y+}\n" in told
    (row,) = rows(run("diff", a, b, "--json", code=1))
    assert row["changes"][1]["a"] == "x" * 2000


def test_many_places_are_cut(tmp_path: Path) -> None:
    fields: dict[str, Any] = {f"k{n}": n for n in range(1001)}
    a = tape(tmp_path / "a.tape.jsonl", streamed(**fields))
    b = tape(tmp_path / "b.tape.jsonl", streamed())
    told = run("diff", a, b, code=1).stdout.splitlines()
    assert len(told) == 1 + 1000 + 2
    assert told[-2] == "  and more"


def test_what_looks_like_markup_is_text(tmp_path: Path) -> None:
    a = tape(tmp_path / "a[bold].tape.jsonl", streamed(chunk("[red]a[/red]"), DONE))
    b = tape(tmp_path / "b.tape.jsonl", streamed(chunk("[/]"), DONE))
    told = run("diff", a, b, code=1).stdout
    assert told.startswith(f"{a}#0 → ")
    assert "  text: [[-red]a[-]/[-red-]]\n" in told


def test_names_that_are_no_text_are_told(tmp_path: Path) -> None:
    a, b = tmp_path / "a\udcff.tape.jsonl", tmp_path / "b.tape.jsonl"
    tape(a, streamed())
    tape(b, streamed(chunk("No"), DONE))
    (row,) = rows(run("diff", a, b, "--json", code=1))
    assert row["a"] == f"{tmp_path}/a\\udcff.tape.jsonl#0"
    assert run("diff", a, b, code=1).stdout.startswith(f"{tmp_path}/a\\udcff.tape.jsonl#0 → ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["{a}", "{tmp}/nowhere"], "nowhere can't be read: No such file or directory"),
        (["{a}", "x" * 999 + "#1"], "can't be read: File name too long"),
        (["{a}#9", "{b}"], "has no exchange 9: it has 2, numbered 0 to 1"),
        (["{a}", "{b}", "-x", "9"], "has no exchange 9"),
        (["{a}", "{tmp}"], "expected a recording, got a folder"),
        (["{a}", "{tmp}/c.txt"], "c.txt: text, not a recording"),
        (["{a}"], "Missing argument 'B'"),
        (["{a}", "{b}", "--timing", "-1"], "Invalid value for '--timing'"),
    ],
)
def test_what_can_not_be_compared_fails(
    tmp_path: Path, two: tuple[Path, Path], words: list[str], says: str
) -> None:
    a, b = two
    (tmp_path / "c.txt").write_text("Dear diary,\n")
    ran = tokentape("diff", *(word.format(a=a, b=b, tmp=tmp_path) for word in words))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr


def test_in_a_terminal_there_are_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = tape(tmp_path / "a.tape.jsonl", streamed(chunk("It is late."), DONE))
    b = tape(tmp_path / "b.tape.jsonl", streamed(chunk("It was late."), DONE))
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31m[-is-]\x1b[0m\x1b[32m{+was+}\x1b[0m" in run("diff", a, b, code=1).stdout
