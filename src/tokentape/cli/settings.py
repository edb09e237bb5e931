"""The options of the server, shared by the commands that start one."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from tokentape import config
from tokentape.matching import Exhausted
from tokentape.server import Mode, Settings

F = TypeVar("F", bound=Callable[..., object])

_FILE = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="Read settings from this file.  [default: tokentape.toml in the working folder, if it "
    "is there]",
)
SERVING = (
    click.option(
        "--port", type=int, help="Listen on this port; 0 takes a free one.  [default: 8787]"
    ),
    click.option("--host", help="Listen on this address.  [default: 127.0.0.1]"),
)
REPLAYING = (
    click.option(
        "--speed",
        metavar="1|N|max",
        help="Replay 1 as recorded, 2 twice as fast, max at once.  [default: 1]",
    ),
    click.option(
        "--exhausted",
        type=click.Choice(get_args(Exhausted)),
        help="When a request comes more often than it was recorded: repeat the last answer, cycle "
        "through all again, or answer with an error.  [default: last]",
    ),
    click.option(
        "--synthesise/--no-synthesise",
        default=None,
        help="Make an answer that was not recorded from one that was: JSON from a stream, a stream "
        "from JSON, a stream with other stream_options.  [default: synthesise]",
    ),
)
REDACT = click.option(
    "--redact",
    multiple=True,
    metavar="JSONPATH",
    help="Replace the values at this path, in JSON bodies and events, before they are written, and "
    "in a request before its recording is looked for. May be given several times.",
)
RECORDING = (
    click.option(
        "--upstream",
        multiple=True,
        metavar="[NAME=]URL",
        help="Forward requests to this URL: /v1/… to the first one given, /NAME/v1/… to NAME. May "
        "be given several times.",
    ),
    click.option(
        "--upstream-key",
        multiple=True,
        metavar="NAME=VARIABLE",
        help="For upstream NAME, send the key from this variable if the client sends none or a "
        "placeholder.",
    ),
    click.option(
        "--upstream-sigv4",
        multiple=True,
        metavar="NAME=REGION/SERVICE",
        help="Sign requests to upstream NAME for Amazon Web Services (pip install "
        "'tokentape[aws]').",
    ),
    click.option(
        "--ca-file",
        metavar="FILE",
        help="Trust the certificates in this PEM file, not the system's.",
    ),
    REDACT,
    click.option(
        "--keep-header",
        multiple=True,
        metavar="NAME",
        help="Record this header as well as the known safe ones; x-* stands for all that begin "
        "with x-. May be given several times.",
    ),
)
MODE = (
    click.option(
        "--mode",
        type=click.Choice(get_args(Mode)),
        help="replay: only answer from recordings; record: forward and record everything; auto: "
        "replay what is recorded, forward and record the rest; forward: record nothing.  "
        "[default: replay]",
    ),
)
TAPES = (
    click.option(
        "--tapes",
        metavar="DIR",
        help="Record to DIR/SCOPE.tape.jsonl; mode auto also replays what is in DIR.",
    ),
)

LINT = click.option(
    "--lint",
    "linting",
    is_flag=True,
    help="Print what is wrong with streams while they run: errors and warnings by the rules of "
    "`tokentape lint`.",
)


def options(*groups: tuple[Callable[[F], F], ...]) -> Callable[[F], F]:
    """Add these options, and the one that names the file."""

    def add(command: F) -> F:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return _FILE(command)

    return add


def resolve(flags: dict[str, Any], config_file: Path | None) -> dict[str, config.Value]:
    """Every setting with where it came from. Raises UsageError."""
    return config.resolve(flags, environment=os.environ, file=config_file)


def settings_of(values: dict[str, config.Value]) -> Settings:
    """The one frozen object. Raises UsageError where values contradict."""
    return config.settings(values, os.environ)
