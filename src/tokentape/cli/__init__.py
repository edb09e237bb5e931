"""The command line: one module per command, imported when it is called."""

import io
import os
import sys
from importlib import import_module

import click

from tokentape.errors import TokenTapeError

# name -> (module, one line for `tokentape --help`); the modules are heavy, so not imported here.
COMMANDS: dict[str, tuple[str, str]] = {
    "ls": ("ls", "List the exchanges of recordings, a row each."),
    "show": ("show", "Show an exchange whole: request, reads with offsets, events."),
    "play": ("play", "Play a recorded stream in the terminal, at its pace."),
    "convert": ("convert", "Convert a recording from one format to another."),
    "serve": ("serve", "Replay recordings to any client over HTTP, or record what it asks."),
    "record": ("record", "Run a command and record what its client asks."),
    "replay": ("replay", "Run a command against recordings."),
    "config": ("config", "Print the settings, and where each came from."),
    "demo": ("demo", "Replay a bundled tape to a real client, and stay up."),
}


class _Commands(click.Group):
    """A group that knows its commands' names without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"tokentape.cli.{COMMANDS[cmd_name][0]}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, help) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tokentape", prog_name="tokentape")
def cli() -> None:
    """Record streaming chat completions exactly as they came, and play them back.

    Exit codes: 0 fine, 1 findings (such as files that were refused), 2 failed.
    """


def main() -> None:
    """Run the command line; errors of ours become one line on stderr and exit code 2."""
    if "_TOKENTAPE_COMPLETE" in os.environ:
        cli.main()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does: a character that the terminal's encoding lacks stops no command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        # click's own main() would end with 1, our code for findings, when a pipe breaks.
        with cli.make_context("tokentape", sys.argv[1:]) as ctx:
            cli.invoke(ctx)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except TokenTapeError as error:
        click.echo(f"tokentape: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output left (`| head`): not a failure, but nothing may be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
