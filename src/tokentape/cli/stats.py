"""tokentape stats: what recordings took, used and cost."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import click
import msgspec

from tokentape.cli.common import (
    limits_options,
    open_all,
    paths_argument,
    report_refused,
)
from tokentape.errors import UsageError
from tokentape.library import Opened, Refusal
from tokentape.library.files import scope_of, write_whole
from tokentape.limits import Limits
from tokentape.measure.definitions import DEFAULT, DEFINITIONS, Definition, by_name
from tokentape.measure.measured import Measured, measured, row
from tokentape.measure.rates import PriceTable
from tokentape.measure.stats import By, Group, Target, parse_target
from tokentape.model import Exchange
from tokentape.texts import escaped, one_line

UNKNOWN = "(unknown)"
_encode = msgspec.json.Encoder(decimal_format="number").encode


def _name(by: By, opened: Opened, number: int, found: Measured) -> str:
    """The name of the group an exchange belongs to."""
    path = escaped(str(opened.path))
    if by == "model":
        return found.model or UNKNOWN
    if by == "provider":
        return found.provider or UNKNOWN
    if by == "scope":
        return escaped(opened.tape.exchanges[number].scope or scope_of(path))
    return path if by == "tape" else f"{path}#{number}"


def _each(
    paths: tuple[Path, ...], only: int | None, limits: Limits, problems: list[str]
) -> Iterator[tuple[Opened, int]]:
    """Every exchange of the recordings, or those of one number; what is refused goes to stderr."""
    files = count = 0
    for opened in open_all(paths, limits):
        files += 1
        if isinstance(opened, Refusal):
            problems.append(opened.path)
            report_refused(opened)
            continue
        for number in range(len(opened.tape.exchanges)):
            if only is None or number == only:
                count += 1
                yield opened, number
    if not count:
        which = "" if only is None else f" of number {only}"
        told = f"no exchanges{which} in it" if files else "no files in it"
        # A recording may be empty; what was asked for by its number is missing.
        if not files or only is not None:
            problems.append(told)
        click.echo(one_line(f"{' '.join(map(str, paths))}: {told}"), err=True)


def _prices(file: Path | None) -> PriceTable:
    # The settings know the server too, which takes long to import: only where there are any.
    if file is None and not Path("tokentape.toml").is_file():
        return {}
    from tokentape import config

    if file is not None:
        return config.prices_in(file)
    table: PriceTable = config.resolve({}, environment=os.environ)["prices"].value
    return table


@click.command()
@paths_argument
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object per line, one for each group."
)
@click.option(
    "--by",
    type=click.Choice(get_args(By)),
    default="model",
    show_default=True,
    help="How to group the exchanges.",
)
@click.option("--each", is_flag=True, help="One group per exchange (same as --by exchange).")
@click.option(
    "--definition",
    type=click.Choice([definition.name for definition in DEFINITIONS]),
    default=DEFAULT,
    show_default=True,
    help="The tool whose formulas to use for TTFT, ITL, TPOT, end-to-end and tokens per second.",
)
@click.option(
    "--prices",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A price table in TOML.  [default: the table `prices` in tokentape.toml]",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="NAME=TIME",
    help="Count the exchanges that meet this target, such as ttft=500ms. If given several times, "
    "those that meet every one.",
)
@click.option(
    "--exchange",
    "-x",
    type=int,
    metavar="N",
    help="Only exchange N of each recording, counted from 0.  [default: all]",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also draw a plot to FILE, a .png, .svg or .html (pip install 'tokentape[plot]').",
)
@click.option("--force", is_flag=True, help="Overwrite the file of --plot if it exists.")
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
    exchange: int | None,
    plot: Path | None,
    force: bool,
    limits: Limits,
) -> None:
    """Report latency, tokens and cost.

    PATH is a recording in any format, or a folder of them. What a recording does not hold is
    unknown, never 0. Times are known if the recording kept its reads (fidelity wire); tokens if the
    provider reported them; a cost if the provider reported it, or a price table or a list price
    (pip install 'tokentape[prices]') gives it. Quantiles are exact, by nearest rank.

    --plot draws one exchange as a timeline of its reads, several as distributions. A refused file
    is reported in one line on stderr, and the exit code is 1.
    """
    by = "exchange" if each else by
    chosen, table = by_name(definition), _prices(prices)
    wanted = tuple(map(parse_target, targets))
    drawing = None if plot is None else Drawing(plot, force=force)
    problems: list[str] = []
    groups: dict[str, Group] = {}
    for opened, number in _each(paths, exchange, limits, problems):
        one = measured(opened.tape.exchanges[number], chosen, table)
        name = _name(by, opened, number, one)
        if drawing is not None:
            drawing.take(opened, number)
        if as_json and by == "exchange":
            told = {"by": by, "group": name} | _met(one, wanted) | row(one)
            click.echo(_encode(told).decode())
            if drawing is None:
                continue
        if name not in groups:
            groups[name] = Group(name, wanted)
        groups[name].add(one)
    ordered = [groups[name] for name in sorted(groups)]
    if not as_json and ordered:
        from tokentape.cli.tables import show

        show(ordered, by, chosen)
    elif by != "exchange":
        for group in ordered:
            click.echo(_encode(group.row(by, definition)).decode())
    if drawing is not None:
        drawing.write(ordered, by, chosen)
    if problems:
        ctx.exit(1)


class Drawing:
    """The plot of a run. What can't be drawn or written is told before anything is measured."""

    def __init__(self, path: Path, *, force: bool) -> None:
        from tokentape.plot import check, kind_of

        self._path, self._force = path, force
        self._kind = kind_of(path.name)
        check()
        if path.exists() and not force:
            raise UsageError(f"{path} exists; pass --force to replace it")
        self._first: tuple[str, Exchange] | None = None
        self._count = 0

    def take(self, opened: Opened, number: int) -> None:
        """Keep an exchange for its timeline, as long as it is the only one."""
        self._count += 1
        name = escaped(f"{opened.path.name}#{number}")
        self._first = (name, opened.tape.exchanges[number]) if self._count == 1 else None

    def write(self, groups: Sequence[Group], by: str, definition: Definition) -> None:
        """Draw and write the file, whole or not at all."""
        from tokentape.plot import render, timeline

        line = None if self._first is None else timeline(*self._first)
        data = render(self._kind, groups, by, definition, line)
        write_whole(data, self._path, force=self._force)


def _met(found: Measured, targets: tuple[Target, ...]) -> dict[str, Any]:
    """Whether one exchange meets every target; null where that is not known."""
    if not targets:
        return {}
    group = Group("", targets)
    group.add(found)
    return {"meets_targets": next(iter(group.met))}
