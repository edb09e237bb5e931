"""tokentape convert: from one format to another."""

from contextlib import suppress
from pathlib import Path

import click
import msgspec

from tokentape import formats
from tokentape.cli.common import chosen, limits_options
from tokentape.errors import FormatError, UsageError
from tokentape.library import open_file, save
from tokentape.library.files import Exists, format_for
from tokentape.limits import Limits


@click.command()
@click.argument("src", type=click.Path(path_type=Path))
@click.argument("dst", type=click.Path(path_type=Path))
@click.option(
    "--to", "target", metavar="FORMAT", help="Write this format.  [default: by the name of DST]"
)
@click.option(
    "--from", "source", metavar="FORMAT", help="Read SRC as this format.  [default: detected]"
)
@click.option(
    "--exchange",
    "-x",
    type=int,
    metavar="N",
    help="Only exchange N, counted from 0.  [default: all]",
)
@click.option(
    "--repair", is_flag=True, help="Also open a damaged recording if it is clear what was meant."
)
@click.option("--force", is_flag=True, help="Overwrite DST if it exists.")
@limits_options
def command(
    src: Path,
    dst: Path,
    target: str | None,
    source: str | None,
    exchange: int | None,
    repair: bool,
    force: bool,
    limits: Limits,
) -> None:
    """Convert a recording from one format to another.

    Formats: tape, go-vcr, vcrpy, llama-stack, sse, har; transcript can be read but not written.
    What the format of DST can't hold is listed on stderr, and the file name that llama-stack looks
    for if DST has another. DST is written whole or not at all.
    """
    chosen_format = formats.by_name(target) if target is not None else format_for(dst)
    try:
        opened = open_file(src, format=source, repair=repair, limits=limits)
    except OSError as error:
        raise UsageError(f"{src} can't be read: {error.strerror}") from None
    tape = msgspec.structs.replace(
        opened.tape,
        exchanges=tuple(opened.tape.exchanges[number] for number in chosen(opened, exchange)),
    )
    for repaired in opened.repairs:
        click.echo(f"{src}: repaired: {repaired}", err=True)
    try:
        save(tape, dst, format=chosen_format.name, force=force)
    except Exists:
        raise UsageError(f"{dst} exists; pass --force to replace it") from None
    for aspect in formats.losses(tape.exchanges, chosen_format.holds):
        click.echo(f"{dst}: {chosen_format.name} can't hold: {aspect.value}", err=True)
    if chosen_format.looked_up is not None:
        with suppress(FormatError):
            name = chosen_format.looked_up(tape.exchanges[0])
            if name != dst.name:
                click.echo(f"{dst}: {chosen_format.name} looks for it as {name}", err=True)
