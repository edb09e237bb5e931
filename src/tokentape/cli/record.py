"""tokentape record: run a command, record what its client asks."""

import os
from pathlib import Path
from typing import Any

import click

from tokentape.cli import settings
from tokentape.cli.console import Unwaited
from tokentape.cli.lint_watch import LintWatch
from tokentape.cli.serving import open_library
from tokentape.cli.terminal import Console
from tokentape.cli.watch import Watch
from tokentape.cli.wrap import WithCommand, command_behind, run
from tokentape.limits import DEFAULT_LIMITS
from tokentape.testing import replay

_OPENAI = "https://api.openai.com/v1"


@click.command(cls=WithCommand)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
@click.option("--auto", is_flag=True, help="Replay what is recorded, record only the rest.")
@settings.options(settings.REPLAYING, settings.RECORDING)
@settings.LINT
@click.pass_context
def command(
    ctx: click.Context,
    /,
    folder: Path,
    auto: bool,
    linting: bool,
    config_file: Path | None,
    **flags: Any,
) -> None:
    """Run a command and record its API requests.

    Starts the server on a free port, runs COMMAND with OPENAI_BASE_URL set to it (and
    OPENAI_API_KEY to a placeholder if it is unset), and exits with COMMAND's exit code. Without
    --upstream, requests go to the OPENAI_BASE_URL that was set before, else to OpenAI.
    """
    behind = command_behind(ctx)
    flags |= {"mode": "auto" if auto else "record", "tapes": str(folder), "port": 0}
    values = settings.resolve(flags, config_file)
    if not values["upstream"].value:
        flags["upstream"] = [os.environ.get("OPENAI_BASE_URL") or _OPENAI]
        values = settings.resolve(flags, config_file)
    resolved = settings.settings_of(values)
    folder.mkdir(parents=True, exist_ok=True)
    there = [folder] if auto else []
    with Unwaited(Console(stderr=True)) as lines:
        watch = Watch(lines)
        observer = LintWatch(lines, values["lint"].value, watch) if linting else watch
        with (
            open_library(there, resolved, repair=False, limits=DEFAULT_LIMITS) as library,
            replay(library, settings=resolved, observer=observer) as server,
        ):
            code = run(behind, server.base_url, os.environ)
    ctx.exit(code)
