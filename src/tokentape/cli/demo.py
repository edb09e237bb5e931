"""tokentape demo: a bundled tape, replayed to the official client, in the terminal."""

import shlex
import threading
from importlib.resources import as_file, files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import msgspec

from tokentape import view
from tokentape.chat.pieces import pieces
from tokentape.cli.player import Player
from tokentape.cli.terminal import Console
from tokentape.errors import UsageError
from tokentape.library import Library
from tokentape.model import Fidelity
from tokentape.pacing import parse_speed
from tokentape.testing import replay

# What the demo plays: a stream at its pace; reasoning and an answer; a tool call, and the answer
# after its result.
_PLAYED = ("paced", "reasoning", "tool-call")


def _ask(base_url: str, body: dict[str, Any], console: Console) -> None:
    """Ask as any application would, and print the answer as it comes."""
    from openai import OpenAI

    player = Player(console)
    with OpenAI(base_url=base_url, api_key="none-needed", max_retries=0) as client:
        for chunk in client.chat.completions.create(**body):
            player.feed(pieces(chunk.to_dict(mode="json")))
    player.close()


def _last_question(body: dict[str, Any]) -> str:
    messages = body.get("messages") or [{}]
    last = messages[-1]
    return f"{last.get('role')}: {last.get('content')}"


@click.command()
@click.option("--once", is_flag=True, help="Exit after playing; do not keep serving.")
@click.option("--port", default=8787, show_default=True, type=click.IntRange(0, 65535),
              help="Listen on this port; 0 takes a free one.")  # fmt: skip
@click.option("--speed", default="1", show_default=True, metavar="1|N|max",
              help="1 as recorded, 2 twice as fast, max at once.")  # fmt: skip
def command(once: bool, port: int, speed: str) -> None:
    """Replay bundled tapes to a real client, and keep serving them.

    Starts the replay server on the bundled tapes and sends it requests with the official openai
    client. It needs no network and no key.
    """
    if find_spec("openai") is None:
        raise UsageError("the demo needs the openai package: pip install 'tokentape[demo]'")
    console = Console(highlight=False)
    with as_file(files("tokentape") / "tapes") as folder:
        _demo(folder, console, once=once, port=0 if once else port, speed=parse_speed(speed))


def _demo(folder: Path, console: Console, *, once: bool, port: int, speed: float) -> None:
    library = Library([folder])
    with replay(library, port=port, speed=speed) as server:
        console.print(
            f"{len(library.entries)} recorded exchanges at {server.base_url}", style="dim"
        )
        body: dict[str, Any] = {}
        for entry in library.entries:
            if entry.scope not in _PLAYED:
                continue
            exchange = library.load(entry)
            body = view.request_json(exchange)
            console.print()
            console.rule(f"{entry.scope}: {entry.model}", align="left", style="dim")
            console.print(_last_question(body), style="green", markup=False)
            if exchange.fidelity is not Fidelity.WIRE:
                console.print(
                    "(this recording knows no times of its reads: they come at once)", style="dim"
                )
            _ask(server.base_url, body, console)
        if once:
            return
        data = shlex.quote(msgspec.json.encode(body).decode())
        console.print("\nAsk it yourself (Ctrl-C ends):\n", style="bold")
        click.echo(f"base_url: {server.base_url}")
        click.echo(
            f"curl -N {server.base_url}/chat/completions "
            f"-H 'content-type: application/json' -d {data}\n"
        )
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.print()
