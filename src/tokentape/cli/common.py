"""What the commands share: opening many recordings, and the options that say how."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from tokentape import view
from tokentape.errors import LimitError, RepairNeeded, TokenTapeError, UsageError
from tokentape.library import Opened, Refusal, find, open_file
from tokentape.library.files import refusal
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.texts import escaped, json_bytes, one_line

T = TypeVar("T")

paths_argument = click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)


def limits_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add --max-bytes and --max-depth; the command takes them together, as `limits`."""

    @click.option(
        "--max-depth",
        type=click.IntRange(1),
        default=DEFAULT_LIMITS.max_depth,
        show_default=True,
        help="Refuse data nested deeper than this many levels.",
    )
    @click.option(
        "--max-bytes",
        type=click.IntRange(1),
        default=DEFAULT_LIMITS.max_bytes,
        help="Refuse files of more bytes than this, before or after decompression.  "
        "[default: 256 MiB]",
    )
    @wraps(command)
    def limited(*args: Any, max_bytes: int, max_depth: int, **rest: Any) -> T:
        return command(*args, limits=Limits(max_bytes=max_bytes, max_depth=max_depth), **rest)

    return limited


def open_reporting(path: Path | str, limits: Limits) -> Opened:
    """Open a recording; one that needs repair opens repaired, and says so in `repairs`."""
    try:
        return open_file(path, limits=limits)
    except RepairNeeded:
        return open_file(path, repair=True, limits=limits)


def open_one(ctx: click.Context, path: Path, limits: Limits) -> Opened:
    """The recording in a file. One that is refused is told as `ls` tells it, and ends the command.

    Raises UsageError where there is no file to read.
    """
    try:
        return open_reporting(path, limits)
    except IsADirectoryError:
        raise UsageError(
            f"{path}: expected a file, got a folder; `tokentape ls` lists what is in it"
        ) from None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    except TokenTapeError as error:
        report_refused(refusal(str(path), error))
        ctx.exit(1)


def open_all(paths: tuple[Path, ...], limits: Limits) -> Iterator[Opened | Refusal]:
    """Every recording below these paths, opened or refused, in path order."""
    for found in find(paths):
        try:
            yield open_reporting(found.path, limits)
        except (TokenTapeError, OSError) as error:
            yield refusal(found.path, error)


@contextmanager
def known_by_then(ctx: click.Context, code: Callable[[], int]) -> Iterator[None]:
    """A block whose output may find no reader (`| head`): the exit code is then what it was to be
    by what is known so far.
    """
    try:
        yield
    except BrokenPipeError:
        ctx.exit(code())


def report_refused(refused: Refusal) -> None:
    """One line on stderr: path, what it is, why."""
    click.echo(one_line(f"{refused.path}: {refused.what}: {refused.why}"), err=True)


def json_line(value: object) -> str:
    """A value as JSON on one line. Raises LimitError where it is nested too deeply for that."""
    try:
        return json_bytes(value).decode()
    except RecursionError:
        raise LimitError(
            "expected JSON that can be printed, got a value nested too deeply"
        ) from None


def row_of(opened: Opened, number: int) -> view.Row:
    """The row of one exchange in a listing."""
    return view.row(
        opened.tape.exchanges[number],
        path=escaped(str(opened.path)),
        number=number,
        format=opened.format,
        needs_repair=bool(opened.repairs),
    )


def chosen(opened: Opened, exchange: int | None) -> range:
    """The exchanges asked for. Raises UsageError where there is none of that number."""
    count = len(opened.tape.exchanges)
    if exchange is None:
        return range(count)
    if not 0 <= exchange < count:
        numbers = f"0 to {count - 1}" if count else "none"
        raise click.UsageError(
            f"{opened.path} has no exchange {exchange}: it has {count}, numbered {numbers}"
        )
    return range(exchange, exchange + 1)
