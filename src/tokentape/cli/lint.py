"""tokentape lint: what is wrong with recorded streams."""

from collections import Counter
from pathlib import Path

import click
import msgspec

from tokentape.cli.common import (
    limits_options,
    one_line,
    open_all,
    report_refused,
)
from tokentape.library import Refusal
from tokentape.limits import Limits
from tokentape.linting import RULES, Finding, lint, rule, select


def _explain(code: str) -> str:
    if code.strip().lower() == "all":
        return "\n".join(f"{r.code}  {r.severity.value:7}  {r.name}: {r.title}" for r in RULES)
    return rule(code).explain()


def _line(found: Finding) -> str:
    event = "" if found.event is None else f" event {found.event}"
    byte = "" if found.offset is None else f" byte {found.offset}"
    where = f" {found.json_path}" if found.json_path else ""
    times = "" if found.count == 1 else f" ({found.count} times)"
    return one_line(
        f"{found.path}#{found.exchange}:{event}{byte}{where}: {found.rule} "
        f"{found.severity.value}: {found.message}{times}"
    )


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--select", "chosen", multiple=True, metavar="CODES", help="Only these rules.")
@click.option("--ignore", "ignored", multiple=True, metavar="CODES", help="Without these rules.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--explain", metavar="CODE", help="Explain a rule, or list `all`; needs no PATH.")
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    chosen: tuple[str, ...],
    ignored: tuple[str, ...],
    as_json: bool,
    exit_zero: bool,
    explain: str | None,
    max_bytes: int,
    max_depth: int,
) -> None:
    """Say what is wrong with recorded streams, rule by rule, and where.

    PATH is a recording of any format or a folder of them. CODES are codes (CHO306), beginnings of
    codes (CHO) or names, with commas between. A finding: path, exchange (0-based), event
    (0-based), rule, severity, message, offset (of the event's first byte in the decoded body),
    json_path, count. The exit code is 1 where there are errors or warnings, or refused files.
    """
    if explain is not None:
        click.echo(_explain(explain).rstrip("\n"))
        return
    if not paths:
        raise click.UsageError("expected a PATH to lint, or --explain CODE")
    codes = select(chosen, ignored)
    counts: Counter[str] = Counter()
    refused = False
    exchanges = 0
    for opened in open_all(paths, Limits(max_bytes=max_bytes, max_depth=max_depth)):
        if isinstance(opened, Refusal):
            refused = True
            report_refused(opened)
            continue
        path = str(opened.path).encode("utf-8", "backslashreplace").decode()
        exchanges += len(opened.tape.exchanges)
        for found in lint(opened.tape, codes=codes):
            counts[found.severity.value] += 1
            told = msgspec.structs.replace(found, path=path)
            click.echo(msgspec.json.encode(told).decode() if as_json else _line(told))
    if not as_json:
        summary = ", ".join(f"{counts[s]} {s}" for s in ("error", "warning", "info"))
        click.echo(f"{exchanges} exchanges: {summary}", err=True)
    if (refused or counts["error"] or counts["warning"]) and not exit_zero:
        ctx.exit(1)
