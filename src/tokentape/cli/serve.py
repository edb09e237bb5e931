"""tokentape serve: replay recordings to any client, or record what it asks."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from tokentape.cli import settings
from tokentape.cli.common import limits_options
from tokentape.cli.console import Unwaited
from tokentape.cli.lint_watch import LintWatch
from tokentape.cli.serving import open_library
from tokentape.cli.terminal import Console
from tokentape.cli.watch import LiveWatch, Quiet, Watch
from tokentape.limits import Limits


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@settings.options(
    settings.MODE, settings.SERVING, settings.REPLAYING, settings.TAPES, settings.RECORDING
)
@click.option(
    "--repair", is_flag=True, help="Also open damaged recordings if it is clear what was meant."
)
@click.option("--quiet", is_flag=True, help="Do not show forwarded exchanges in the terminal.")
@settings.LINT
@limits_options
def command(
    paths: tuple[Path, ...],
    repair: bool,
    quiet: bool,
    linting: bool,
    limits: Limits,
    config_file: Path | None,
    **flags: Any,
) -> None:
    """Replay recordings to any client over HTTP, or record its requests.

    PATH is a recording in any format, or a folder of them. The first line on stdout is the base URL
    to give to the client. In mode replay, a request that no recording answers is an error; it never
    leaves the machine.
    """
    from tokentape.server import run

    values = settings.resolve(flags, config_file)
    resolved = settings.settings_of(values)
    if resolved.mode == "replay" and not paths:
        raise click.UsageError("expected a PATH to replay, or a --mode that records")
    if resolved.mode == "replay" and linting:
        raise click.UsageError("expected a --mode that forwards with --lint, got replay")
    if resolved.tapes is not None:
        os.makedirs(resolved.tapes, exist_ok=True)
        if resolved.mode == "auto":
            paths = (*paths, Path(resolved.tapes))
    console = Console(stderr=True)
    with open_library(paths, resolved, repair=repair, limits=limits) as library:
        if resolved.mode == "replay" or (quiet and not linting):
            run(resolved, library)
            return
        with ExitStack() as stack:
            lines = Unwaited(console)
            watch = Quiet(lines) if quiet else Watch(lines)
            if console.is_terminal and not quiet:
                watch = stack.enter_context(LiveWatch(lines, console))
            # The last lines are printed before the table goes.
            stack.enter_context(lines)
            told = LintWatch(lines, values["lint"].value, watch) if linting else watch
            run(resolved, library, told)
