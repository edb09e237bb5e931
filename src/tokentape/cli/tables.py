"""Groups of measured exchanges as a table in the terminal, with small histograms."""

import sys
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Group as Lines
from rich.table import Table
from rich.text import Text

from tokentape.cli.terminal import Console
from tokentape.measure.definitions import MEASURES, NOT_DEFINED, Definition
from tokentape.measure.stats import Group
from tokentape.measure.units import TITLES, digits, dollars, time_text
from tokentape.texts import one_line

_BLOCKS = "▁▂▃▄▅▆▇█"
_SHAPE_WIDTH = 9
# Beyond this the name of a group is cut in the middle.
_NAME_WIDTH = 32
_PLAIN_WIDTH = 120


def shape(histogram: Mapping[int, int], zeros: int = 0, width: int = _SHAPE_WIDTH) -> str:
    """A histogram in block characters, the smallest values left; "" where there are none.

    Values of 0, in no bin, stand in a column of their own before the others.
    """
    heights = [zeros] if zeros else []
    if histogram:
        low, high = min(histogram), max(histogram)
        step = -(-(high - low + 1) // (width - len(heights)))
        bins = [0] * -(-(high - low + 1) // step)
        for bin, count in histogram.items():
            bins[(bin - low) // step] += count
        heights += bins
    if not heights:
        return ""
    tallest = max(heights)
    return "".join(
        _BLOCKS[-(-count * len(_BLOCKS) // tallest) - 1] if count else " " for count in heights
    )


def _cut(name: str) -> str:
    name = one_line(name)
    half = (_NAME_WIDTH - 1) // 2
    return name if len(name) <= _NAME_WIDTH else f"{name[:half]}…{name[-half:]}"


def _stack(*lines: str, style: str = "") -> Text:
    return Text("\n".join(lines), style=style, no_wrap=True)


def _measure(group: Group, name: str) -> Text:
    found = group.values[name].quantiles()
    if found is None:
        return Text("-", style="dim")
    tell = time_text if name.endswith("_us") else digits
    values = group.values[name]
    bars = shape(values.histogram(), values.zeros) if found.count > 1 else ""
    # Of a rate the slow ones are the small ones, but a quantile is a quantile: p99 is the largest.
    return _stack(tell(found.p50), tell(found.p99), bars)


def _tokens(group: Group, name: str) -> str:
    known, unknown = group.tokens.get(name), group.exchanges - group.reported[name]
    told = "-" if known is None else f"{known:,}"
    return f"{told} +{unknown}?" if unknown and known is not None else told


def _cost(group: Group) -> Text:
    lines = ["-" if group.cost is None else dollars(group.cost)]
    lines += [f"{count} {source}" for source, count in sorted(group.sources.items())]
    return _stack(*lines, style="dim" if group.cost is None else "")


def _named(group: Group) -> Lines:
    counts = f"{group.exchanges} exchange{'s' * (group.exchanges != 1)}"
    told = f"{group.ok} ok, {group.failed} failed" if group.failed else f"{group.ok} ok"
    if group.met:
        told += f"\n{group.met[True]} met, {group.met[False]} missed"
        told += f", {group.met[None]} unknown" if group.met[None] else ""
    return Lines(
        Text(_cut(group.name), style="bold", no_wrap=True),
        Text(f"{counts}\n{told}", style="dim", no_wrap=True),
    )


def show(groups: Sequence[Group], by: str, definition: Definition) -> None:
    """Print the table, and below it what stands in it."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    measures = [name for name in MEASURES if definition.formula(name) != NOT_DEFINED]
    table = Table(box=box.SIMPLE_HEAD, show_lines=True, pad_edge=False)
    table.add_column(by, min_width=12)
    table.add_column("", style="dim")
    for name in (*(TITLES[name] for name in measures), "tokens", "cost"):
        table.add_column(name, justify="right")
    for group in groups:
        spread = any(values.count > 1 for values in group.values.values())
        table.add_row(
            _named(group),
            _stack("p50", "p99", "shape") if spread else _stack("p50", "p99"),
            *(_measure(group, name) for name in measures),
            _stack(
                f"in {_tokens(group, 'input_tokens')}", f"out {_tokens(group, 'output_tokens')}"
            ),
            _cost(group),
        )
    console.print(table)
    told = [f"{TITLES[name]}: {definition.formula(name)}" for name in measures]
    told += [
        "shape: how often, from the smallest (left) to the largest value, on a logarithmic scale "
        "(0 comes first)",
        "-: not known; +n?: n exchanges did not report it",
    ]
    console.print(Text("\n".join([f"By the formulas of {definition.tool}:", *told]), style="dim"))
