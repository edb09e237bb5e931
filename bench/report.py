"""Turns what was measured into Markdown: the same text for the terminal and for the docs."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bench import assembling, material, paced, passing, replay
from bench.aims import judge
from bench.assembling import Assembling
from bench.loading import Speed
from bench.paced import Pace, Setting
from bench.passing import First, Passing
from bench.recording import Recording
from bench.repeat import Sample
from bench.replay import Rate
from bench.results import Results
from bench.start import Row

DOCS = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_BEGIN = "<!-- bench: written by `python -m bench --write`; not by hand -->"
_END = "<!-- bench: end -->"

T = TypeVar("T")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table: the first column to the left, figures to the right."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = [
        "| " + " | ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ) + " |"
        for row in cells
    ]  # fmt: skip
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.insert(1, "| " + " | ".join(rule) + " |")
    return [*lines, ""]


def _note(samples: Iterable[Sample[Any]]) -> list[str]:
    """How many runs count that were disturbed after all."""
    samples = list(samples)
    disturbed = sum(sample.disturbed for sample in samples)
    if not disturbed:
        return []
    every = sum(len(sample.runs) for sample in samples)
    return [
        f"Disturbed by other work on the machine, repeats included: {disturbed} of {every}.",
        "",
    ]


def _replay(found: dict[str, Sample[Rate]]) -> list[str]:
    def rate(name: str) -> float:
        return found[name].middle(lambda rate: rate.requests_s)

    rows = []
    for name in sorted(found, key=rate, reverse=True):
        low, high = found[name].spread(lambda rate: rate.requests_s)
        server_cpu = found[name].middle(lambda rate: rate.server_cpu)
        each = found[name].middle(lambda rate: rate.server_cpu / rate.requests_s) * 1e6
        rows.append(
            (
                name,
                f"{rate(name):,.0f}",
                f"{low:,.0f}–{high:,.0f}",
                "1" if name == replay.TOKENTAPE else f"{rate(replay.TOKENTAPE) / rate(name):.2f}",
                f"{found[name].middle(lambda rate: rate.p99_us) / 1000:.1f} ms",
                f"{server_cpu:.2f}",
                f"{each:.1f} µs",
                f"{found[name].middle(lambda rate: rate.load_cpu):.2f}",
            )
        )
    head = (
        "server", "requests/s", "range", "TokenTape is × it", "p99", "server's core",
        "CPU a request", "wrk's core",
    )  # fmt: skip
    return _table(head, rows) + _note(found.values())


def _paced(found: dict[str, Sample[Pace]]) -> list[str]:
    ours = found[paced.TOKENTAPE]

    def times(sample: Sample[Pace], key: Callable[[Pace], float]) -> str:
        return "1" if sample is ours else f"{sample.middle(key) / ours.middle(key):.2g}"

    rows = []
    for name, sample in found.items():
        low, high = sample.spread(lambda pace: pace.p99_us)
        rows.append(
            (
                name,
                f"{sample.middle(lambda pace: pace.p50_us) / 1000:,.1f} ms",
                f"{sample.middle(lambda pace: pace.p99_us) / 1000:,.1f} ms",
                f"{low / 1000:,.1f}–{high / 1000:,.1f}",
                times(sample, lambda pace: pace.p99_us),
                f"{sample.middle(lambda pace: pace.max_us) / 1000:,.1f} ms",
                f"{sample.middle(lambda pace: pace.server_cpu):.2f}",
                f"{sample.middle(lambda pace: pace.bytes_a_stream) / 1024:.1f} KB",
                f"{sample.middle(lambda pace: pace.resident) / 1e6:.0f} MB",
                f"{sample.middle(lambda pace: pace.load_busy):.2f}",
            )
        )
    head = (
        "server", "late p50", "late p99", "range", "p99 × TokenTape's", "late max",
        "server's core", "memory a stream", "resident", "load busy",
    )  # fmt: skip
    return _table(head, rows) + _note(found.values())


def _passing(found: Passing) -> list[str]:
    """What each way adds to going direct, under no load and under all there is."""

    def first(name: str, key: Callable[[First], float]) -> str:
        figure, direct = found.first[name].middle(key), found.first[passing.DIRECT].middle(key)
        if name == passing.DIRECT:
            return f"{figure / 1000:.2f} ms"
        return f"+{(figure - direct) / 1000:,.2f} ms"

    def rate(name: str) -> float:
        return found.rates[name].middle(lambda rate: rate.requests_s)

    rows = []
    for name, sample in found.rates.items():
        low, high = sample.spread(lambda rate: rate.requests_s)
        rows.append(
            (
                name,
                first(name, lambda first: first.p50_us),
                first(name, lambda first: first.p99_us),
                f"{rate(name):,.0f}",
                f"{low:,.0f}–{high:,.0f}",
                "1" if name == passing.RECORD else f"{rate(passing.RECORD) / rate(name):.2g}",
                f"{sample.middle(lambda rate: rate.server_cpu):.2f}",
                f"{sample.middle(lambda rate: rate.load_cpu):.2f}",
            )
        )
    head = (
        "way", "first byte p50", "first byte p99", "requests/s", "range", "recording is × it",
        "its core", "wrk's core",
    )  # fmt: skip
    return _table(head, rows) + _note([*found.first.values(), *found.rates.values()])


def _passing_paced(found: dict[str, Sample[Pace]]) -> list[str]:
    def late(name: str, key: Callable[[Pace], float]) -> float:
        return found[name].middle(key) / 1000

    def added(name: str, key: Callable[[Pace], float]) -> str:
        if name == passing.DIRECT:
            return "–"
        return f"{late(name, key) - late(passing.DIRECT, key):+,.2f} ms"

    def p50(pace: Pace) -> float:
        return pace.p50_us

    def p99(pace: Pace) -> float:
        return pace.p99_us

    rows = [
        (
            name,
            f"{late(name, p50):,.2f} ms",
            f"{late(name, p99):,.2f} ms",
            f"{late(name, lambda pace: pace.max_us):,.1f} ms",
            added(name, p50),
            added(name, p99),
            "–" if name == passing.DIRECT else f"{sample.middle(lambda p: p.server_cpu):.2f}",
        )
        for name, sample in found.items()
    ]
    head = ("way", "late p50", "late p99", "late max", "added p50", "added p99", "its core")
    return _table(head, rows) + _note(found.values())


def _recording(found: Recording) -> list[str]:
    disk, memory, long = found.disk, found.memory, found.long

    def megabytes(size: float) -> str:
        return f"{size / 1e6:,.1f} MB"

    rows = [
        (f"{disk.exchanges:,} streams: bodies on the wire", megabytes(disk.wire)),
        ("their tape", f"{megabytes(disk.plain)}, × {disk.plain / disk.wire:.2f}"),
        ("their tape as .zst", f"{megabytes(disk.zst)}, × {disk.zst / disk.wire:.2f}"),
        ("resident before the first exchange", megabytes(memory.before)),
        (f"after {memory.some_exchanges:,} small exchanges", megabytes(memory.some)),
        (f"after {memory.many_exchanges:,}", megabytes(memory.many)),
        ("of these on tape", "all" if memory.kept >= memory.many_exchanges else f"{memory.kept:,}"),
        ("small exchanges a second", f"{memory.requests_s:,.0f}"),
        (
            f"most resident over a stream of {long.size / 1e6:.0f} MB",
            f"{megabytes(long.most)}, {(long.most - long.before) / 1e6:+.1f} MB",
        ),
        ("it ran at", f"{long.size / 1e6 / long.seconds:,.0f} MB/s"),
        ("it is on tape", "whole" if long.kept else "NOT whole"),
    ]
    return _table(("what", "measured"), rows)


def _start(rows: list[Row]) -> list[str]:
    one = rows[0].after
    cells = []
    for row in rows:
        last = row.after or row.first
        resident = last.middle(lambda start: start.resident)
        each = "–"
        if one is not None and row.server == rows[0].server and row.exchanges > 1:
            before = one.middle(lambda start: start.resident)
            each = f"{(resident - before) / (row.exchanges - 1):,.0f} B"
        cells.append(
            (
                f"{row.server}, {row.exchanges:,}, {row.layout}",
                f"{row.first.middle(lambda start: start.seconds):.2f} s",
                "–"
                if row.after is None
                else f"{row.after.middle(lambda start: start.seconds):.2f} s",
                f"{resident / 1e6:.0f} MB",
                each,
            )
        )
    samples = [sample for row in rows for sample in (row.first, row.after) if sample is not None]
    head = ("exchanges on disk", "first time", "after", "resident", "memory an exchange")
    return _table(head, cells) + _note(samples)


def _loading(ours: str, theirs: str, speed: Speed) -> list[str]:
    rows = [
        (ours, f"{speed.ours_s * 1000:.0f} ms", f"{speed.ours_mb_s:.1f}", "1"),
        (
            theirs,
            f"{speed.theirs_s * 1000:.0f} ms",
            f"{speed.theirs_mb_s:.1f}",
            f"{speed.theirs_s / speed.ours_s:.2f}",
        ),
    ]
    return _table(("loader", "all files", "MB/s", "TokenTape is × as fast"), rows)


def _assembling(found: list[Assembling]) -> list[str]:
    lines = []
    for stream in found:
        rows = [
            (
                name,
                f"{taken / stream.chunks * 1e6:,.1f} µs",
                f"{stream.mb_s(name):,.1f}",
                "1" if name == assembling.TOKENTAPE else f"{stream.times(name):.2f}",
            )
            for name, taken in stream.seconds.items()
        ]
        lines += [f"{stream.title}, {stream.size:,} bytes.", ""]
        lines += _table(("way", "a chunk", "MB/s", "TokenTape is × as fast"), rows)
    return lines


def _aims(results: Results) -> list[str]:
    rows = [
        (aim.what, aim.aim, aim.measured, "yes" if aim.holds else "NO") for aim in judge(results)
    ]
    return _table(("of", "aim", "measured", "holds"), rows) if rows else []


def _section(title: str, found: T | str, render: Callable[[T], list[str]]) -> list[str]:
    body = [f"Not run: {found}.", ""] if isinstance(found, str) else render(found)
    return [f"### {title}", "", *body]


def markdown(results: Results) -> str:
    """The whole report, without a title of its own."""
    size = sum(map(len, material.events(0)))
    lines = []
    if results.shortened:
        lines += ["A shortened run: it shows that the bench works, not how fast anything is.", ""]
    lines += [f"- {what}: {where}" for what, where in results.where] + [""]
    lines += [f"Not run: {name}: {why}." for name, why in results.missing.items()]
    lines += [""] if results.missing else []
    if not results.shortened:
        lines += ["### Aims", "", *_aims(results)]
    lines += _section(
        f"Replay at once: {material.EVENTS} events, {size:,} bytes, "
        f"{replay.CONNECTIONS} connections",
        results.replay,
        _replay,
    )
    setting: Setting
    for setting, pace in results.paced:
        lines += _section(f"Paced replay: {setting.title}", pace, _paced)
    lines += _section(
        f"Passing on: first byte on one connection, requests/s on {replay.CONNECTIONS}",
        results.passing,
        _passing,
    )
    if not isinstance(results.passing, str):
        for setting, pace in results.passing.paced:
            lines += _section(f"Passing on: {setting.title}", pace, _passing_paced)
    lines += _section("What recording takes", results.recording, _recording)
    lines += _section("Start to first answer", results.start, _start)
    lines += _section(
        "Loading cassettes",
        results.cassettes,
        lambda speed: [
            f"{speed.files} files, {speed.size / 1e6:.2f} MB, that both open; "
            f"of {speed.left_out} more TokenTape opens {speed.ours_only}, vcrpy "
            f"{speed.theirs_only}.",
            "",
            *_loading("TokenTape", "vcrpy", speed),
        ],
    )
    lines += _section(
        "Loading native tapes",
        results.tapes,
        lambda speed: [
            f"{speed.files} tapes, {speed.size / 1e6:.2f} MB.",
            "",
            *_loading("TokenTape, to values", "msgspec.json.decode, each line", speed),
        ],
    )
    lines += _section("Assembling", results.assembling, _assembling)
    return "\n".join(lines).rstrip() + "\n"


def around(path: Path = DOCS) -> tuple[str, str]:
    """What stands before and behind the report in the docs. Raises ValueError without markers."""
    before, begin, rest = path.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{path} lacks the lines {_BEGIN} and {_END}")
    return before + begin, end + after


def write(text: str, path: Path = DOCS) -> None:
    """Put the report between the markers of the docs."""
    before, after = around(path)
    path.write_text(f"{before}\n\n{text}\n{after}")
