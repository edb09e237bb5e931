"""The command line: one module per command, imported when it is called."""

import errno
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, BinaryIO, TextIO, cast

import click

from tokentape.errors import TokenTapeError

# name, of its module too -> one line for `tokentape --help`; the modules are heavy, so not imported
COMMANDS: dict[str, str] = {
    "ls": "List the exchanges in recordings, one per row.",
    "show": "Show everything in an exchange: request, response, reads, events, answer.",
    "play": "Play a recorded stream in the terminal at its recorded pace.",
    "assemble": "Assemble each stream into the completion it adds up to.",
    "stats": "Report latency, tokens and cost.",
    "lint": "Report what is wrong with recorded streams, and where.",
    "diff": "Report what differs between two recordings: request, answer, usage, times.",
    "convert": "Convert a recording from one format to another.",
    "serve": "Replay recordings to any client over HTTP, or record its requests.",
    "record": "Run a command and record its API requests.",
    "replay": "Run a command and answer its API requests from recordings.",
    "config": "Print the settings, and where each came from.",
    "demo": "Replay bundled tapes to a real client, and keep serving them.",
}


# An error of these that names no file comes from writing to stdout.
_OUTPUT = dict.fromkeys(
    (errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC), "the output can't be written"
)


class _Commands(click.Group):
    """A group that knows its commands' names without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"tokentape.cli.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tokentape", prog_name="tokentape")
def cli() -> None:
    """Record streaming chat completions exactly as they came, and play them back.

    Exit codes: 0 success, 1 findings (such as refused files), 2 failure.
    """


def main() -> None:
    """Run the command line; errors of ours become one line on stderr and exit code 2."""
    if "_TOKENTAPE_COMPLETE" in os.environ:
        cli.main()
    _open_stdout()
    _unbuffer_stderr()
    sys.exit(_run())


def _run() -> int:
    """The exit code. What can't be written is told of once, never by a traceback."""
    try:
        try:
            # click's own main() would end with 1, our code for findings, when a pipe breaks.
            with cli.make_context("tokentape", sys.argv[1:]) as ctx:
                cli.invoke(ctx)
            code = 0
        except click.exceptions.Exit as stop:
            code = stop.exit_code
        # The code is known by now, whether or not somebody reads on.
        with suppress(BrokenPipeError):
            sys.stdout.flush()
    except click.ClickException as error:
        _tell(error.show)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except TokenTapeError as error:
        _tell(click.echo, f"tokentape: {error}", err=True)
        code = 2
    except BrokenPipeError:
        # The reader of our output left (`| head`): not a failure.
        code = 0
    except OSError as error:
        what = error.filename or _OUTPUT.get(error.errno or 0, "failed")
        _tell(click.echo, f"tokentape: {what}: {error.strerror or error}", err=True)
        code = 2
    for stream in (sys.stdout, sys.stderr):
        _settle(stream)
    return code


def _open_stdout() -> None:
    if sys.stdout is None:
        # It is closed (`>&-`): to write to it is to fail, and no other file may be taken for it.
        nowhere = os.open(os.devnull, os.O_RDONLY)
        if nowhere != 1:
            os.dup2(nowhere, 1)
            os.close(nowhere)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As stderr does: a character that the terminal's encoding lacks stops no command.
        sys.stdout.reconfigure(errors="backslashreplace")


class _Whole(io.FileIO):
    """A file without a buffer whose writes are whole."""

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size, done = len(left), 0
        while done < size:
            wrote = super().write(left[done:])
            if wrote is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            done += wrote
        return size


def _unbuffer_stderr() -> None:
    """A thread that hangs because nobody reads stderr must not hold a lock that the end waits for,
    as that of a buffer is.
    """
    stream = sys.stderr
    if isinstance(stream, io.TextIOWrapper):
        with suppress(OSError):
            raw = _Whole(stream.fileno(), "w", closefd=False)
            sys.stderr = io.TextIOWrapper(
                cast(BinaryIO, raw), stream.encoding, stream.errors, write_through=True
            )


def _tell(say: Callable[..., None], *what: Any, **how: Any) -> None:
    """Say something on stderr, if it takes it."""
    with suppress(OSError):
        say(*what, **how)


def _settle(stream: TextIO | None) -> None:
    """Flush; what a stream does not take goes nowhere, lest the interpreter try again and fail."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
