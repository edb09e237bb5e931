"""Running a command against a server of ours: `tokentape … -- COMMAND`."""

import os
import signal
import subprocess
from collections.abc import Mapping
from types import FrameType

import click

from tokentape.errors import UsageError

# What a client must have set to start at all; the server asks for none.
NO_KEY = "none-needed"
_HANDED_ON = [
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP") if hasattr(signal, name)
]
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

    Signals that come meanwhile are the command's, and we end when it does. Raises UsageError where
    it can't be started.
    """
    variables = {**environment, "OPENAI_BASE_URL": base_url}
    variables.setdefault("OPENAI_API_KEY", NO_KEY)
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []  # signals that came before there was a command to hand them to

    def hand_on(number: int, frame: FrameType | None) -> None:
        if process is None:
            early.append(number)
        elif number != signal.SIGINT or not _in_foreground():
            process.send_signal(number)

    # Before it runs: a signal that came in between would end us alone, and leave it behind.
    before = {
        number: signal.signal(number, hand_on)
        for number in _HANDED_ON
        # What is ignored (nohup, a script's `&`) the command ignores, too.
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        try:
            process = subprocess.Popen(command, env=variables)  # noqa: S603 - the user asked for it
        except OSError as error:
            raise UsageError(f"can't run {command[0]}: {error.strerror}") from None
        for number in early:
            process.send_signal(number)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    """Whether Ctrl-C in our terminal reaches us, and with us the command, which is in our group."""
    if not hasattr(os, "tcgetpgrp"):
        return True
    try:
        terminal = os.open(os.ctermid(), os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
