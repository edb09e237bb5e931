"""tokentape replay: run a command against recordings."""

import os
from pathlib import Path
from typing import Any

import click

from tokentape.cli import settings
from tokentape.cli.common import limits_options, paths_argument
from tokentape.cli.serving import open_library
from tokentape.cli.wrap import WithCommand, command_behind, run
from tokentape.limits import Limits
from tokentape.testing import replay


@click.command(cls=WithCommand)
@paths_argument
@click.option(
    "--repair", is_flag=True, help="Also open damaged recordings if it is clear what was meant."
)
@settings.options(settings.REPLAYING, (settings.REDACT,))
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    paths: tuple[Path, ...],
    repair: bool,
    limits: Limits,
    config_file: Path | None,
    **flags: Any,
) -> None:
    """Run a command and answer its API requests from recordings.

    Starts the server on a free port, runs COMMAND with OPENAI_BASE_URL set to it (and
    OPENAI_API_KEY to a placeholder if it is unset), and exits with COMMAND's exit code. No request
    to the server leaves the machine.
    """
    behind = command_behind(ctx)
    flags |= {"mode": "replay", "port": 0}
    resolved = settings.settings_of(settings.resolve(flags, config_file))
    with (
        open_library(paths, resolved, repair=repair, limits=limits) as library,
        replay(library, settings=resolved) as server,
    ):
        code = run(behind, server.base_url, os.environ)
    ctx.exit(code)
