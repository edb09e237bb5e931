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
    help="Read settings from this file; else from tokentape.toml, where it is.",
)
SERVING = (
    click.option("--port", type=int, help="0 takes a free one.  [default: 8787]"),
    click.option("--host", help="[default: 127.0.0.1]"),
)
REPLAYING = (
    click.option("--speed", metavar="1|N|max", help="How fast to replay.  [default: 1]"),
    click.option(
        "--exhausted",
        type=click.Choice(get_args(Exhausted)),
        help="What answers an identical request when its recordings have run out.  [default: last]",
    ),
    click.option(
        "--synthesise/--no-synthesise",
        default=None,
        help="Serve a stream as JSON, JSON as a stream and other stream_options, where only the "
        "other was recorded.  [default: synthesise]",
    ),
)
RECORDING = (
    click.option(
        "--upstream",
        multiple=True,
        metavar="[NAME=]URL",
        help="Where requests go: /v1/… to the first, /NAME/v1/… to NAME.",
    ),
    click.option(
        "--upstream-key",
        multiple=True,
        metavar="NAME=VARIABLE",
        help="Put the key in this variable in where the client sent none or a placeholder.",
    ),
    click.option(
        "--upstream-sigv4",
        multiple=True,
        metavar="NAME=REGION/SERVICE",
        help="Sign requests for Amazon Web Services (pip install 'tokentape[aws]').",
    ),
    click.option("--ca-file", metavar="FILE", help="Trust these certificates, in PEM."),
    click.option(
        "--redact",
        multiple=True,
        metavar="JSONPATH",
        help="Replace these values in JSON bodies before they are written.",
    ),
    click.option(
        "--keep-header",
        multiple=True,
        metavar="NAME",
        help="Keep this header on tapes too; x-* keeps all that begin so.",
    ),
)
MODE = (
    click.option(
        "--mode",
        type=click.Choice(get_args(Mode)),
        help="replay; record all; auto: replay what is there, record what is not; forward: "
        "pass on, record nothing.  [default: replay]",
    ),
)
TAPES = (
    click.option("--tapes", metavar="DIR", help="Record to DIR/SCOPE.tape.jsonl; auto replays it."),
)

LINT = click.option(
    "--lint",
    "linting",
    is_flag=True,
    help="Print the errors and warnings of streams while they run, by the rules of "
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
