"""Opening what a server is to replay, and telling what is refused."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import click

from tokentape.cli.common import report_refused
from tokentape.errors import UsageError
from tokentape.library import Library
from tokentape.library.index import default_cache
from tokentape.limits import Limits
from tokentape.server import Settings

# A folder of tests may hold thousands of other files: tell some, and where to see the rest.
_TOLD_REFUSALS = 20


@contextmanager
def open_library(
    paths: Sequence[Path], settings: Settings, *, repair: bool, limits: Limits
) -> Iterator[Library]:
    """The library of these paths. Raises UsageError where replay would have nothing to answer."""
    library = Library(
        paths,
        repair=repair,
        limits=limits,
        cache=default_cache(),
        redaction=settings.redaction,
        origins=settings.origins,
    )
    with closing(library):
        for refused in library.refused[:_TOLD_REFUSALS]:
            report_refused(refused)
        if len(library.refused) > _TOLD_REFUSALS:
            rest = len(library.refused) - _TOLD_REFUSALS
            click.echo(f"and {rest} more files refused: `tokentape ls` tells each", err=True)
        if not library.entries and settings.mode == "replay":
            names = " ".join(map(str, paths)) or "no path"
            raise UsageError(
                f"nothing to replay: no recording in {names}; `tokentape ls` tells why"
            )
        yield library
