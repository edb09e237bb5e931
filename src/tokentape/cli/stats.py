"""tokentape stats: what recordings took, used and cost."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from tokentape import config
from tokentape.cli.common import (
    limits_options,
    one_line,
    open_all,
    paths_argument,
    report_refused,
)
from tokentape.library import Opened, Refusal
from tokentape.library.files import scope_of
from tokentape.limits import Limits
from tokentape.measure.definitions import DEFAULT, DEFINITIONS, by_name
from tokentape.measure.measured import Measured, measured, printable, row
from tokentape.measure.rates import PriceTable
from tokentape.measure.stats import By, Group, Target, parse_target

UNKNOWN = "(unknown)"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _name(by: By, opened: Opened, number: int, found: Measured) -> str:
    """The name of the group an exchange belongs to."""
    path = printable(str(opened.path))
    if by == "model":
        return found.model or UNKNOWN
    if by == "provider":
        return found.provider or UNKNOWN
    if by == "scope":
        return printable(opened.tape.exchanges[number].scope or scope_of(path))
    return path if by == "tape" else f"{path}#{number}"


def _each(
    paths: tuple[Path, ...],
    limits: Limits,
    measure: Callable[[Any], Measured],
    problems: list[str],
) -> Iterator[tuple[Opened, int, Measured]]:
    """Every exchange of the recordings, measured; what was refused goes to stderr."""
    found = False
    for opened in open_all(paths, limits):
        found = True
        if isinstance(opened, Refusal):
            problems.append(opened.path)
            report_refused(opened)
            continue
        for number, exchange in enumerate(opened.tape.exchanges):
            yield opened, number, measure(exchange)
    if not found:
        problems.append("")
        click.echo(one_line(f"{' '.join(map(str, paths))}: no files in it"), err=True)


def _prices(file: Path | None) -> PriceTable:
    if file is not None:
        return config.prices_in(file)
    table: PriceTable = config.resolve({}, environment=os.environ)["prices"].value
    return table


@click.command()
@paths_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for each group.")
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    default="model",
    show_default=True,
    help="What makes a group.",
)
@click.option("--each", is_flag=True, help="Every exchange for itself: --by exchange.")
@click.option(
    "--definition",
    type=click.Choice([definition.name for definition in DEFINITIONS]),
    default=DEFAULT,
    show_default=True,
    help="Whose formulas for TTFT, ITL, TPOT, end-to-end and tokens per second.",
)
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML price table; else the table `prices` of tokentape.toml.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME=TIME",
    help="Count the exchanges that meet every target, such as ttft=500ms.",
)
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    as_json: bool,
    by: By,
    each: bool,
    definition: str,
    prices: Path | None,
    targets: tuple[str, ...],
    max_bytes: int,
    max_depth: int,
) -> None:
    """Say what recordings took, used and cost: latency, tokens, dollars.

    Quantiles are exact, by nearest rank. What a recording does not hold is unknown, never 0: times
    are known of recordings that kept the reads (fidelity wire), tokens where the provider reported
    them, a cost where the provider, a price table or the list price (pip install
    'tokentape[prices]') says it. A file that is refused is one line on stderr, and the exit code
    is 1.
    """
    by = "exchange" if each else by
    chosen, table = by_name(definition), _prices(prices)
    wanted = tuple(map(parse_target, targets))
    problems: list[str] = []
    groups: dict[str, Group] = {}
    limits = Limits(max_bytes=max_bytes, max_depth=max_depth)
    found = _each(paths, limits, lambda exchange: measured(exchange, chosen, table), problems)
    for opened, number, one in found:
        name = _name(by, opened, number, one)
        if as_json and by == "exchange":
            told = {"by": by, "group": name} | _met(one, wanted) | row(one)
            click.echo(_encode(told).decode())
            continue
        if name not in groups:
            groups[name] = Group(name, wanted)
        groups[name].add(one)
    ordered = [groups[name] for name in sorted(groups)]
    if as_json:
        for group in ordered:
            click.echo(_encode(group.row(by, definition)).decode())
    elif ordered:
        from tokentape.cli.tables import show

        show(ordered, by, chosen)
    if problems:
        ctx.exit(1)


def _met(found: Measured, targets: tuple[Target, ...]) -> dict[str, Any]:
    """Whether one exchange meets every target; null where that is not known."""
    if not targets:
        return {}
    group = Group("", targets)
    group.add(found)
    return {"targets_met": next(iter(group.met))}
