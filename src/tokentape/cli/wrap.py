"""Running a command against a server of ours: `tokentape … -- COMMAND`."""

import signal
import subprocess
from collections.abc import Mapping
from types import FrameType

import click

from tokentape.errors import UsageError

# What a client must have set to start at all; the server asks for none.
NO_KEY = "none-needed"
_BEHIND = "tokentape.command"


class WithCommand(click.Command):
    """A command that takes another one behind `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args, ctx.meta[_BEHIND] = args[:at], args[at + 1 :]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return [*super().collect_usage_pieces(ctx), "-- COMMAND..."]


def command_behind(ctx: click.Context) -> list[str]:
    """The command to run. Raises UsageError where there is none."""
    found: list[str] = ctx.meta.get(_BEHIND, [])
    if not found:
        raise click.UsageError("expected a command behind `--`: … -- pytest", ctx)
    return found


def run(command: list[str], base_url: str, environment: Mapping[str, str]) -> int:
    """Run a command whose OpenAI clients ask this server; its exit code, 128 + n for signal n.

    Signals that come meanwhile are the command's. Raises UsageError where it can't be started.
    """
    variables = {**environment, "OPENAI_BASE_URL": base_url}
    variables.setdefault("OPENAI_API_KEY", NO_KEY)
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []  # signals that came before there was a command to hand them to

    def hand_on(number: int, frame: FrameType | None) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    def leave_it(number: int, frame: FrameType | None) -> None:
        """Ctrl-C reaches the whole foreground group by itself."""

    # Before it runs: a signal that came in between would end us alone, and leave it behind.
    before = signal.signal(signal.SIGTERM, hand_on), signal.getsignal(signal.SIGINT)
    try:
        try:
            process = subprocess.Popen(command, env=variables)  # noqa: S603 - the user asked for it
        except OSError as error:
            raise UsageError(f"can't run {command[0]}: {error.strerror}") from None
        signal.signal(signal.SIGINT, leave_it)
        for number in early:
            process.send_signal(number)
        code = process.wait()
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
    return code if code >= 0 else 128 - code
