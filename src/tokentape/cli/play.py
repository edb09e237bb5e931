"""tokentape play: a recorded stream in the terminal, at its pace."""

from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.text import Text

from tokentape import apis, view
from tokentape.cli.common import chosen, limits_options, open_one
from tokentape.cli.player import Player
from tokentape.cli.terminal import Console
from tokentape.clock import Clock, SystemClock
from tokentape.errors import FormatError, TokenTapeError
from tokentape.limits import Limits
from tokentape.model import Ending, Exchange, Fidelity
from tokentape.pacing import parse_speed
from tokentape.texts import one_line


def _events(exchange: Exchange, wait: Callable[[int | None], None]) -> Iterator[apis.Decoded]:
    """The events of an answer; of a stream that knows its times, each when its read is due.

    Raises FormatError where the bytes are damaged.
    """
    reader = apis.decoder(exchange)
    if reader is None or exchange.fidelity is not Fidelity.WIRE:
        yield from apis.decoded(exchange)
        if broken := apis.broken(exchange):
            raise FormatError(broken)
        return
    for read in view.decoded_reads(exchange):
        wait(read.offset_us)
        yield from reader.feed(read.data)
    if reader.broken is not None:
        raise reader.broken


def play(exchange: Exchange, console: Console, clock: Clock, speed: float) -> None:
    """Print an exchange's answer; `speed` 1 is as recorded, infinity at once."""
    if exchange.response is None:
        console.print(f"no response: {exchange.ending}", style="yellow")
        return
    player = Player(console)
    broken = ""
    start = clock.monotonic_us()

    def wait(offset_us: int | None) -> None:
        if offset_us is not None and speed != float("inf"):
            player.flush()
            clock.sleep_until(start + round(offset_us / speed))

    wait(exchange.response.offset_us)
    fold = apis.fold(exchange)
    try:
        for event in _events(exchange, wait):
            player.hold(fold.feed(event.type, event.payload))
    except TokenTapeError as error:
        broken = error.message
    if exchange.ending is not Ending.COMPLETE:
        wait(exchange.end_offset_us)
    player.close()
    if broken:
        console.print(f"broken: {broken}", style="yellow", markup=False)
    elif not player.played:
        console.print("(nothing to play in it; `tokentape show` shows it whole)", style="dim")
    if exchange.ending is not Ending.COMPLETE:
        console.print(f"ending: {exchange.ending}", style="yellow")


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--exchange",
    "-x",
    type=int,
    metavar="N",
    help="Only exchange N, counted from 0.  [default: all]",
)
@click.option("--speed", default="1", show_default=True, metavar="1|N|max",
              help="1 as recorded, 2 twice as fast, max at once.")  # fmt: skip
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    path: Path,
    exchange: int | None,
    speed: str,
    limits: Limits,
) -> None:
    """Play a recorded stream in the terminal at its recorded pace.

    Reasoning, answer and tool calls are printed under their own names, then the finish reason and
    the usage. A recording without times is printed at once. A refused file is reported in one line
    on stderr, and the exit code is 1.
    """
    factor = parse_speed(speed)
    console = Console(highlight=False)
    opened = open_one(ctx, path, limits)
    for number in chosen(opened, exchange):
        found = opened.tape.exchanges[number]
        model = view.model(found)
        title = one_line(f"{path.name}#{number}  {view.api(found)}  {model}")
        # Text, since names such as test[gpt-4.1] would be taken for markup.
        console.rule(Text(title), align="left", style="dim")
        play(found, console, SystemClock(), factor)
