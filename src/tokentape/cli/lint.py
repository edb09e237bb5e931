"""tokentape lint: what is wrong with recorded streams."""

import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, get_args

import click
import msgspec

from tokentape.cli.common import (
    json_line,
    known_by_then,
    limits_options,
    open_reporting,
    report_refused,
)
from tokentape.cli.lint_output import (
    Placed,
    github_line,
    github_refusal,
    sarif,
    text_line,
)
from tokentape.errors import RefusedError, TokenTapeError, UsageError
from tokentape.library import Opened, Refusal, find
from tokentape.library.files import refusal
from tokentape.library.lines import lines_of
from tokentape.limits import Limits
from tokentape.linting import DEFAULT_THRESHOLDS, RULES, Rule, Thresholds, lint, rule, select
from tokentape.texts import escaped

Output = Literal["text", "github", "sarif"]


def _explain(code: str) -> str:
    if code.strip().lower() == "all":
        return "\n".join(f"{r.code}  {r.severity.value:7}  {r.name}: {r.title}" for r in RULES)
    return rule(code).explain()


def _described(explained: Rule) -> dict[str, str]:
    return {
        "code": explained.code,
        "name": explained.name,
        "severity": explained.severity.value,
        "fidelity": explained.fidelity.value,
        "title": explained.title,
        "text": explained.explain(),
    }


def _thresholds(given: tuple[str, ...]) -> Thresholds:
    # The settings know the server too, which takes long to import: only where there are any.
    if not given and not Path("tokentape.toml").is_file() and "TOKENTAPE_LINT" not in os.environ:
        return DEFAULT_THRESHOLDS
    from tokentape import config

    values = config.resolve({}, environment=os.environ)
    try:
        return config.thresholds(given, values["lint"].value)
    except ValueError as error:
        raise UsageError(f"--threshold: {error}") from None


def _opened(paths: tuple[Path, ...], limits: Limits) -> Iterator[Opened | Refusal | None]:
    """Every recording below these paths, opened or refused.

    A file in a folder that is no recording at all, such as the code beside them, is told on stderr;
    None stands for it.
    """
    named = {os.path.abspath(path) for path in paths}
    for found in find(paths):
        try:
            yield open_reporting(found.path, limits)
        except (TokenTapeError, OSError) as error:
            refused = refusal(found.path, error)
            beside = os.path.abspath(found.path) not in named
            if isinstance(error, RefusedError) and beside and not _is_named_so(found.path):
                report_refused(refused)
                yield None
            else:
                yield refused


def _is_named_so(path: str) -> bool:
    """Whether the name says that it is a recording, whatever is in it."""
    return path.removesuffix(".zst").removesuffix(".gz").endswith((".tape.jsonl", ".har", ".sse"))


def _found(
    opened: Opened, codes: Collection[str], thresholds: Thresholds, limits: Limits, *, placed: bool
) -> Iterator[Placed]:
    findings = lint(opened.tape, codes=codes, thresholds=thresholds)
    lines = lines_of(opened, limits) if placed and findings else None
    for found in findings:
        assert found.exchange is not None
        line = None if lines is None else lines.of(found.exchange, found.offset)
        yield Placed(found, opened.path, line)


def _json(placed: Placed) -> str:
    return json_line(msgspec.structs.replace(placed.finding, path=escaped(str(placed.path))))


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--select", "chosen", multiple=True, metavar="CODES", help="Check only these rules.")
@click.option("--ignore", "ignored", multiple=True, metavar="CODES", help="Leave out these rules.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@click.option(
    "--output",
    type=click.Choice(get_args(Output)),
    help="text: one line per finding; github: annotations for a workflow's run; sarif: one SARIF "
    "2.1.0 document.  [default: text]",
)
@click.option("--exit-zero", is_flag=True, help="Exit with code 0 even if something is found.")
@click.option(
    "--explain", metavar="CODE", help="Explain this rule; `all` lists the rules. Needs no PATH."
)
@click.option(
    "--threshold",
    "given",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Set a number that a rule depends on; may be given several times. The table `lint` of "
    "tokentape.toml does the same. Names and defaults: "
    + ", ".join(f"{n} ({v})" for n, v in msgspec.structs.asdict(DEFAULT_THRESHOLDS).items())
    + ".",
)
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[Path, ...],
    chosen: tuple[str, ...],
    ignored: tuple[str, ...],
    as_json: bool,
    output: Output | None,
    exit_zero: bool,
    explain: str | None,
    given: tuple[str, ...],
    limits: Limits,
) -> None:
    """Report what is wrong with recorded streams, and where.

    PATH is a recording in any format, or a folder of them. CODES are codes (CHO306), beginnings of
    codes (CHO) or names, separated by commas. With --json, the keys of a finding are path, exchange
    and event (both counted from 0), rule, severity, message, offset (of the event's first byte in
    the decoded body), json_path and count. A file in a folder that is no recording at all is
    reported on stderr only.

    Exit codes: 0 no errors or warnings, 1 some found, or a recording or a PATH refused, 2 failure.
    """
    if explain is not None:
        if output is not None:
            raise click.UsageError(f"expected --explain or --output {output}, got both")
        if as_json:
            every = explain.strip().lower() == "all"
            for explained in RULES if every else [rule(explain)]:
                click.echo(json_line(_described(explained)))
        else:
            click.echo(_explain(explain).rstrip("\n"))
        return
    if not paths:
        raise click.UsageError("expected a PATH to lint, or --explain CODE")
    if as_json and output is not None:
        raise click.UsageError(f"expected --json or --output {output}, got both")
    codes, thresholds = select(chosen, ignored), _thresholds(given)
    tell = _json if as_json else github_line if output == "github" else text_line
    counts: Counter[str] = Counter()
    exchanges = 0
    found: list[Placed] = []
    refused: list[Refusal] = []

    def code() -> int:
        bad = refused or counts["error"] or counts["warning"]
        return 1 if bad and not exit_zero else 0

    with known_by_then(ctx, code):
        for opened in _opened(paths, limits):
            if opened is None:
                continue
            if isinstance(opened, Refusal):
                refused.append(opened)
                report_refused(opened)
                if output == "github":
                    click.echo(github_refusal(opened))
                continue
            exchanges += len(opened.tape.exchanges)
            placed = list(_found(opened, codes, thresholds, limits, placed=output is not None))
            # Counted before they are told: who reads may leave at any of them.
            counts.update(each.finding.severity.value for each in placed)
            if output == "sarif":
                found += placed
                continue
            for each in placed:
                click.echo(tell(each))
        if output == "sarif":
            click.echo(sarif(found, refused))
    if not as_json:
        summary = ", ".join(f"{counts[s]} {s}" for s in ("error", "warning", "info"))
        click.echo(f"{exchanges} exchange{'' if exchanges == 1 else 's'}: {summary}", err=True)
    ctx.exit(code())
