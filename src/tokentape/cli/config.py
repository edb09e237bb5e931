"""tokentape config: the settings, and where each came from."""

from pathlib import Path
from typing import Any

import click
import msgspec

from tokentape.cli import settings


def _shown(value: Any) -> str:
    if value == float("inf"):
        return "max"
    return msgspec.json.encode(value).decode()


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@settings.options(
    settings.MODE, settings.SERVING, settings.REPLAYING, settings.TAPES, settings.RECORDING
)
def command(as_json: bool, config_file: Path | None, **flags: Any) -> None:
    """Print the settings, and where each came from.

    A setting comes from its flag, else from its environment variable (TOKENTAPE_ and its name in
    capitals), else from tokentape.toml, else it is the default. The keys of upstreams are never
    printed: the settings only name the variables that hold them.
    """
    values = settings.resolve(flags, config_file)
    for name, found in values.items():
        if as_json:
            value = _shown(found.value) if found.value == float("inf") else found.value
            line = {"name": name, "value": value, "origin": found.origin}
            click.echo(msgspec.json.encode(line).decode())
        else:
            click.echo(f"{name} = {_shown(found.value)}  # {found.origin}")
    settings.settings_of(values)
