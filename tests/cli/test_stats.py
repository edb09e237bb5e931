"""tokentape stats, as a person or a script runs it."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from tests.measure.streams import at, usage
from tests.samples import DONE, chunk, streamed
from tokentape.cli import cli
from tokentape.cli.tables import shape
from tokentape.errors import UsageError
from tokentape.library import save
from tokentape.measure.units import dollars, time_text
from tokentape.model import Ending, Exchange, Tape


def run(*words: str | Path, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["stats", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in result.stdout.splitlines()]


def asked(exchange: Exchange, model: str, scope: str | None = None) -> Exchange:
    body = json.dumps({"model": model, "stream": True}).encode()
    request = msgspec.structs.replace(exchange.request, body=body)
    return msgspec.structs.replace(exchange, request=request, scope=scope)


FAST = at((100, chunk("a")), (110, chunk("b")), (120, usage(5, 2, cost=0.1) + DONE))
SLOW = at((900, chunk("a")), (950, chunk("b")), (960, usage(7, 2) + DONE))
CUT = at((500, chunk("a")), ending=Ending.CUT)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two tapes of two models, and a file that is no recording."""
    root = tmp_path / "tapes"
    root.mkdir()
    first = (asked(FAST, "small", "one"), asked(SLOW, "large", "two"))
    save(Tape(exchanges=first), root / "a.tape.jsonl")
    save(Tape(exchanges=(asked(CUT, "small", "two"),)), root / "b.tape.jsonl")
    (root / "c.txt").write_text("Dear diary,\n")
    return root


def test_a_group_is_an_object_with_numbers_and_null_for_what_is_not_known(folder: Path) -> None:
    result = run(folder, "--json", code=1)
    large, small = rows(result)
    assert result.stderr.startswith(f"{folder}/c.txt: text")
    assert (small["by"], small["group"], small["definition"]) == ("model", "small", "tokentape")
    assert (small["exchanges"], small["ok"], small["failed"]) == (2, 1, 1)
    assert small["ttft_ms"] == {
        "count": 2,
        "mean": 300,
        "min": 100,
        "p50": 100,
        "p90": 500,
        "p99": 500,
        "max": 500,
    }
    assert small["itl_ms"]["count"] == 1
    assert small["end_to_end_ms"]["max"] == 121
    assert (small["input_tokens"], small["input_tokens_unknown"]) == (5, 1)
    assert small["cached_tokens"] is None
    assert (small["cost_usd"], small["cost_unknown"]) == (Decimal("0.1"), 1)
    assert small["cost_sources"] == {"reported": 1, "unknown": 1}
    assert large["cost_usd"] is None
    assert large["tpot_ms"]["p50"] == 50


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("model", ["large", "small"]),
        ("provider", ["api.example.com"]),
        ("tape", ["a.tape.jsonl", "b.tape.jsonl"]),
        ("scope", ["one", "two"]),
        ("exchange", ["a.tape.jsonl#0", "a.tape.jsonl#1", "b.tape.jsonl#0"]),
    ],
)
def test_exchanges_are_grouped(folder: Path, by: str, groups: list[str]) -> None:
    found = rows(run(folder, "--json", "--by", by, code=1))
    assert [row["group"].rpartition("/")[2] for row in found] == groups
    assert sum(row.get("exchanges", 1) for row in found) == 3
    plain = run(folder, "--by", by, code=1).stdout
    assert f"{by} " in plain
    if by == "model":
        assert "2 exchanges" in plain
        assert "1 ok, 1 failed" in plain


def test_each_exchange_says_what_is_not_known_and_why(folder: Path) -> None:
    fast, _, cut = rows(run(folder, "--each", "--json", code=1))
    assert fast["unknown"] == {}
    assert fast["usage"]["place"] == "own chunk"
    assert fast["cost"]["field"] == "cost"
    assert fast["choices"][0]["itl_ms"]["p50"] == 10
    assert cut["end_to_end_ms"] is None
    assert cut["ended_ms"] == 501
    assert cut["unknown"]["end_to_end_ms"] == "the response did not end well: cut by the server"
    assert cut["usage"]["source"] == "absent"
    assert cut["cost"]["reason"] == "no usage was reported"


def test_a_definition_is_chosen_by_name(folder: Path) -> None:
    (ours,) = rows(run(folder / "a.tape.jsonl", "-x", "0", "--json"))
    (theirs,) = rows(run(folder / "a.tape.jsonl", "-x", "0", "--json", "--definition", "guidellm"))
    assert (ours["tpot_ms"]["p50"], theirs["tpot_ms"]["p50"]) == (10, 55)
    told = run(folder / "a.tape.jsonl", "--definition", "aiperf").stdout
    assert "By the formulas of NVIDIA AIPerf:" in told
    assert "TPOT" not in told


def test_targets_are_counted(folder: Path) -> None:
    large, small = rows(
        run(folder, "--json", "--target", "ttft=200ms", "--target", "tpot=20ms", code=1)
    )
    assert (large["targets_met"], large["targets_missed"], large["targets_unknown"]) == (0, 1, 0)
    assert (small["targets_met"], small["targets_missed"], small["targets_unknown"]) == (1, 1, 0)
    first, _, _ = rows(run(folder, "--json", "--each", "--target", "ttft=0.2s", code=1))
    assert first["meets_targets"] is True
    assert "1 met, 1 missed" in run(folder, "--target", "ttft=200ms", code=1).stdout


@pytest.mark.parametrize("target", ["ttft", "ttft=5", "ttft=-1s", "speed=5s", "ttft=5m", "=", ""])
def test_a_target_that_is_none_is_refused(folder: Path, target: str) -> None:
    with pytest.raises(UsageError, match="ttft=500ms"):
        run(folder, "--target", target)


def test_a_price_table_of_ones_own(folder: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text("[prices.large]\ninput = 1000000\noutput = 0.5\n")
    large, small = rows(run(folder, "--json", "--prices", prices, code=1))
    assert large["cost_usd"] == Decimal("7.000001")
    assert large["cost_sources"] == {"table": 1}
    assert small["cost_sources"] == {"reported": 1, "unknown": 1}
    assert "$7.00" in run(folder, "--prices", prices, code=1).stdout
    prices.write_text('["large"]\ninput = 1000000\noutput = 0.5\n')
    assert rows(run(folder, "--json", "--prices", prices, code=1))[0]["cost_usd"] == Decimal(
        "7.000001"
    )


def test_the_settings_may_hold_the_prices(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "tokentape.toml").write_text("[prices.large]\ninput = 1000000\noutput = 0.5\n")
    monkeypatch.chdir(folder.parent)
    assert rows(run(folder, "--json", code=1))[0]["cost_usd"] == Decimal("7.000001")
    told = CliRunner().invoke(cli, ["config"], catch_exceptions=False).stdout
    assert 'prices = {"large":{"input":"1000000","output":"0.5"' in told


@pytest.mark.parametrize(
    ("text", "says"),
    [("large = 3", "price of 'large'"), ("[[", "expected TOML"), ("prices = 3", "table by model")],
)
def test_a_price_table_that_is_none_is_refused(
    folder: Path, tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "prices.toml").write_text(text)
    with pytest.raises(UsageError, match=says):
        run(folder, "--prices", tmp_path / "prices.toml")
    with pytest.raises(UsageError, match="can't be read"):
        run(folder, "--prices", tmp_path / "nowhere.toml")


def test_the_table_shows_quantiles_shapes_tokens_and_costs(folder: Path) -> None:
    told = run(folder, code=1).stdout
    for text in ("900 ms", "50 ms", "in 5 +1?", "out 2 +1?", "$0.10", "1 reported", "1 unknown"):
        assert text in told
    assert "█" in told
    assert "TTFT: first content − start" in told


def test_names_that_are_no_text_are_told_escaped(tmp_path: Path) -> None:
    body = b'{"model": "m\\ud800[red]x", "stream": true}'
    request = msgspec.structs.replace(FAST.request, body=body)
    odd = tmp_path / "a\udcff.tape.jsonl"
    save(Tape(exchanges=(msgspec.structs.replace(FAST, request=request),)), odd)
    (row,) = rows(run(tmp_path, "--json"))
    assert row["group"] == "m\\ud800[red]x"
    assert "m\\ud800[red]x" in run(tmp_path).stdout
    (each,) = rows(run(tmp_path, "--json", "--each"))
    assert each["group"] == f"{tmp_path}/a\\udcff.tape.jsonl#0"


def test_nothing_to_measure_is_said(tmp_path: Path) -> None:
    assert run(tmp_path, code=1).stderr == f"{tmp_path}: no files in it\n"
    save(Tape(), tmp_path / "x.tape.jsonl")
    assert "no exchanges in it" in run(tmp_path, code=0).stderr
    save(Tape(exchanges=(streamed(),)), tmp_path / "y.tape.jsonl")
    assert "no exchanges of number 3 in it" in run(tmp_path, "-x", "3", code=1).stderr


def test_a_plot_is_written_once(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.svg"
    run(folder, "--plot", path, code=1)
    drawn = path.read_bytes()
    with pytest.raises(UsageError, match="--force"):
        run(folder, "--plot", path)
    run(folder, "--plot", path, "--force", "--json", code=1)
    assert path.read_bytes() == drawn
    run(folder / "a.tape.jsonl", "-x", "0", "--plot", path, "--force")
    assert path.read_bytes() != drawn
    assert sorted(tmp_path.iterdir()) == sorted([folder, path])


def test_a_plot_without_times_or_of_no_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.png, \.svg or \.html"):
        run(folder, "--plot", tmp_path / "x.pdf")
    (tmp_path / "x.sse").write_bytes(chunk("Yes") + DONE)
    with pytest.raises(UsageError, match="no times to plot"):
        run(tmp_path / "x.sse", "--plot", tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_without_matplotlib_the_extra_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'tokentape\[plot\]'"):
        run(folder, "--plot", tmp_path / "x.png")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 µs"),
        (12, "12 µs"),
        (999.4, "999 µs"),
        (999.6, "1 ms"),
        (1234, "1.23 ms"),
        (99_990, "100 ms"),
        (999_600, "1 s"),
        (1_234_000, "1.23 s"),
        (123_000_000, "123 s"),
    ],
)
def test_times_as_a_person_reads_them(value: float, text: str) -> None:
    assert time_text(value) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "$0"),
        ("0.00000522", "$0.00000522"),
        ("0.000106", "$0.000106"),
        ("0.1", "$0.10"),
        ("7.000001", "$7.00"),
        ("12.3456", "$12.35"),
        ("1234.5", "$1234.50"),
        ("1E+3", "$1000.00"),
    ],
)
def test_sums_as_a_person_reads_them(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("histogram", "bars"),
    [({}, ""), ({3: 5}, "█"), ({0: 8, 1: 4, 2: 1}, "█▄▁"), ({0: 1, 3: 8}, "▁  █")],
)
def test_shapes(histogram: dict[int, int], bars: str) -> None:
    assert shape(histogram) == bars


def test_a_wide_shape_is_squeezed() -> None:
    assert len(shape(dict.fromkeys(range(100), 1))) <= 9
