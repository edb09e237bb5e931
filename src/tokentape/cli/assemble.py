"""tokentape assemble: what each stream adds up to."""

from pathlib import Path
from typing import Any

import click
from rich.text import Text

from tokentape import apis, view
from tokentape.chat.pieces import pieces
from tokentape.cli.common import (
    json_line,
    limits_options,
    open_all,
    paths_argument,
    report_refused,
)
from tokentape.cli.player import Player
from tokentape.cli.terminal import Console
from tokentape.completions import Assembled, assembled
from tokentape.errors import LimitError
from tokentape.library import Refusal
from tokentape.limits import Limits
from tokentape.texts import escaped, one_line


def _row(path: str, number: int, found: Assembled) -> str:
    row: dict[str, Any] = {"path": escaped(path), "exchange": number}
    told = {"completion": found.completion, "partial": found.partial, "skipped": found.skipped}
    row |= {name: value for name, value in told.items() if value is not None}
    try:
        return json_line(row)
    except LimitError as error:
        return _row(path, number, Assembled(skipped=f"a completion too deep: {error.message}"))


def _instead(found: Assembled, api: view.Api) -> str:
    """What tells of an answer that is skipped for its API."""
    if not (found.skipped or "").startswith("another API"):
        return ""
    if api in apis.NAMES:
        return " (`tokentape play` and `tokentape show` tell what it says)"
    return " (`tokentape show` shows it)"


def _print(console: Console, title: str, found: Assembled, api: view.Api) -> None:
    model = (found.completion or {}).get("model")
    title += f"  {model}" if isinstance(model, str) else ""
    # Text, since names such as test[gpt-4.1] would be taken for markup.
    console.print(Text(one_line(title), "dim"), soft_wrap=True)
    if found.skipped is not None:
        told = f"skipped: {found.skipped}{_instead(found, api)}"
        console.print(Text(one_line(told), "dim"), soft_wrap=True)
    player = Player(console)
    player.feed(pieces(found.completion))
    player.close()
    if found.partial is not None:
        console.print(Text(one_line(f"partial: {found.partial}"), "yellow"), soft_wrap=True)


@click.command()
@paths_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@limits_options
@click.pass_context
def command(ctx: click.Context, paths: tuple[Path, ...], as_json: bool, limits: Limits) -> None:
    """Assemble each stream into the completion it adds up to.

    PATH is a recording in any format, or a folder of them. With --json, each exchange gives path,
    exchange (counted from 0) and completion, and partial if the completion may not be the whole
    answer: the reason why. An exchange without a completion (another API, an error) gives skipped,
    the reason, instead. A refused file is reported in one line on stderr, and the exit code is 1.
    """
    console = Console(highlight=False)
    refused = False
    printed = False
    opened = None
    for opened in open_all(paths, limits):
        if isinstance(opened, Refusal):
            refused = True
            report_refused(opened)
            continue
        for number, exchange in enumerate(opened.tape.exchanges):
            found = assembled(exchange, limits)
            if as_json:
                click.echo(_row(str(opened.path), number, found))
            else:
                if printed:
                    console.print()
                printed = True
                _print(console, f"{opened.path}#{number}", found, view.api(exchange))
    if opened is None:
        click.echo(one_line(f"{' '.join(map(str, paths))}: no files in it"), err=True)
    if refused or opened is None:
        ctx.exit(1)
