"""tokentape ls: a row per exchange."""

from pathlib import Path

import click
import msgspec

from tokentape import view
from tokentape.cli.common import (
    limits_options,
    open_all,
    paths_argument,
    report_refused,
    row_of,
)
from tokentape.library import Refusal
from tokentape.limits import Limits
from tokentape.texts import one_line


def _line(row: view.Row) -> str:
    took = "-" if row.duration_ms is None else f"{row.duration_ms:.0f} ms"
    status = "-" if row.status is None else str(row.status)
    kind = f"{row.events} events" if row.streaming else "document"
    marks = "" if row.ending == "complete" else f"  {row.ending}"
    marks += "  needs repair" if row.needs_repair else ""
    return one_line(
        f"{row.path}#{row.exchange}  {row.format} ({row.fidelity})  {row.method} {status} "
        f"{row.api}  {kind}  {row.bytes} bytes  {took}{marks}"
    )


@click.command()
@paths_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@limits_options
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], as_json: bool, limits: Limits) -> None:
    """List the exchanges in recordings, one per row.

    PATH is a recording in any format, or a folder of them. With --json, the keys of a row are
    path, exchange (counted from 0), format, fidelity, method, url, status, api, streaming, events,
    bytes, duration_ms, ending and needs_repair. A refused file is reported in one line on stderr,
    and the exit code is 1.
    """
    refused = False
    found = False
    for opened in open_all(paths, limits):
        found = True
        if isinstance(opened, Refusal):
            refused = True
            report_refused(opened)
            continue
        if not opened.tape.exchanges:
            empty = f"{opened.path}: {opened.format}: no exchanges in it"
            click.echo(one_line(empty), err=True)
        for number in range(len(opened.tape.exchanges)):
            row = row_of(opened, number)
            click.echo(msgspec.json.encode(row).decode() if as_json else _line(row))
    if not found:
        click.echo(one_line(f"{' '.join(map(str, paths))}: no files in it"), err=True)
    if refused or not found:
        ctx.exit(1)
