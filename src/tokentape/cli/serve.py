"""tokentape serve: replay recordings to any client."""

from pathlib import Path
from typing import cast

import click

from tokentape.cli.common import limits_options, paths_argument, report_refused
from tokentape.errors import UsageError
from tokentape.library import Library
from tokentape.library.index import default_cache
from tokentape.limits import Limits
from tokentape.matching import Exhausted
from tokentape.timing import parse_speed

# A folder of tests may hold thousands of other files: tell some, and where to see the rest.
_TOLD_REFUSALS = 20


@click.command()
@paths_argument
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535),
              help="0 takes a free one.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--speed", default="1", show_default=True, metavar="1|N|max", help="How fast.")
@click.option(
    "--exhausted",
    type=click.Choice(["last", "cycle", "error"]),
    default="last",
    show_default=True,
    help="What answers an identical request when its recordings have run out.",
)
@click.option("--repair", is_flag=True, help="Open recordings that are broken but clear.")
@limits_options
def command(
    paths: tuple[Path, ...],
    port: int,
    host: str,
    speed: str,
    exhausted: str,
    repair: bool,
    max_bytes: int,
    max_depth: int,
) -> None:
    """Replay recordings to any client, over HTTP.

    PATH is a recording of any format or a folder of them. The first line on stdout is the base URL
    for a client; a request that no recording answers is an error, never a call out.
    """
    from tokentape.server import Settings, run

    settings = Settings(
        host=host, port=port, speed=parse_speed(speed), exhausted=cast(Exhausted, exhausted)
    )
    library = Library(
        paths,
        repair=repair,
        limits=Limits(max_bytes=max_bytes, max_depth=max_depth),
        cache=default_cache(),
    )
    for refused in library.refused[:_TOLD_REFUSALS]:
        report_refused(refused)
    if len(library.refused) > _TOLD_REFUSALS:
        rest = len(library.refused) - _TOLD_REFUSALS
        click.echo(f"and {rest} more files refused: `tokentape ls` tells each", err=True)
    if not library.entries:
        names = " ".join(map(str, paths))
        raise UsageError(f"nothing to replay: no recording in {names}; `tokentape ls` tells why")
    run(settings, library)
