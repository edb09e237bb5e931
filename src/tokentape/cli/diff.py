"""tokentape diff: what differs between two recordings."""

import os
import re
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text

from tokentape.cli.common import chosen, json_line, known_by_then, limits_options, open_reporting
from tokentape.cli.terminal import Console
from tokentape.differences import Change, Difference, compared
from tokentape.differences.words import parts
from tokentape.errors import TokenTapeError, UsageError
from tokentape.library import Opened
from tokentape.library.files import refusal
from tokentape.limits import Limits
from tokentape.model import Exchange, Tape
from tokentape.texts import escaped, one_line

_NUMBERED = re.compile(r"(.+)#(\d{1,9})\Z", re.DOTALL)
_WIDTH = 100  # characters of a value shown
_CONTEXT = 40  # characters of text shown on each side of what differs in it
_STYLES = {"same": "", "removed": "red", "added": "green"}
_MARKS = {"removed": ("[-", "-]"), "added": ("{+", "+}"), "same": ("", "")}


class _Side(msgspec.Struct, frozen=True):
    """One of the two: its file, what of it is compared, and the number of its first exchange."""

    opened: Opened
    what: Exchange | Tape
    first: int

    def name(self, number: int) -> str:
        return f"{self.opened.path}#{self.first + number}"


def _side(where: str, exchange: int | None, limits: Limits) -> _Side:
    path = Path(where)
    numbered = _NUMBERED.match(where)
    if numbered and not os.path.exists(where):
        path, exchange = Path(numbered[1]), int(numbered[2])
    try:
        opened = open_reporting(path, limits)
    except IsADirectoryError:
        raise UsageError(f"{path}: expected a recording, got a folder") from None
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    except TokenTapeError as error:
        refused = refusal(str(path), error)
        raise UsageError(one_line(f"{refused.path}: {refused.what}: {refused.why}")) from None
    numbers = chosen(opened, exchange)
    if exchange is None:
        return _Side(opened, opened.tape, 0)
    return _Side(opened, opened.tape.exchanges[numbers.start], numbers.start)


def _names(found: Difference, a: _Side, b: _Side) -> tuple[str | None, str | None]:
    return (
        None if found.a is None else a.name(found.a),
        None if found.b is None else b.name(found.b),
    )


def _row(found: Difference, a: _Side, b: _Side) -> dict[str, Any]:
    names = (name and escaped(name) for name in _names(found, a, b))
    return dict(zip("ab", names, strict=True)) | {
        "changes": found.changes,
        "more": found.more,
        "timing": found.timing,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _value(value: Any) -> str:
    return _cut(json_line(value))


def _around(text: str, first: bool, last: bool) -> str:
    """Text that is in both, as far as it stands near to what differs."""
    before, behind = ("" if first else text[:_CONTEXT]), ("" if last else text[-_CONTEXT:])
    return text if len(text) <= 2 * _CONTEXT else f"{before}…{behind}"


def _words(a: str, b: str) -> Text:
    """Two texts as one, with what was removed and what was added."""
    shown = Text()
    found = parts(a, b)
    for at, part in enumerate(found):
        text = part.text
        if part.kind == "same":
            text = _around(text, at == 0, at == len(found) - 1)
        elif len(text) > 10 * _WIDTH:
            text = text[: 10 * _WIDTH] + f"… ({len(text)} characters)"
        begin, end = _MARKS[part.kind]
        shown.append(f"{begin}{text}{end}", _STYLES[part.kind])
    return shown


def _line(change: Change) -> Text:
    shown = Text(f"  {change.where}", "bold")
    if change.path != "$":
        shown.append(f" {change.path}", "not bold cyan")
    shown.append(": ", "not bold")
    if change.where == "timing":
        shown.append(f"{change.a / 1000:.3f} ms → {change.b / 1000:.3f} ms", "not bold")
    elif change.kind == "added":
        shown.append(f"+ {_value(change.b)}", "not bold green")
    elif change.kind == "removed":
        shown.append(f"- {_value(change.a)}", "not bold red")
    elif isinstance(change.a, str) and isinstance(change.b, str):
        shown = Text.assemble(shown, _words(change.a, change.b))
    else:
        shown.append(_value(change.a), "not bold red")
        shown.append(" → ", "not bold")
        shown.append(_value(change.b), "not bold green")
    return shown


def _print(console: Console, found: Difference, a: _Side, b: _Side) -> None:
    first, second = _names(found, a, b)
    title = one_line(f"{first or '(none)'} → {second or '(none)'}")
    console.print(Text(title, "bold"), soft_wrap=True)
    for change in found.changes:
        console.print(_line(change), soft_wrap=True, highlight=False)
    if found.more:
        console.print(Text("  and more", "dim"))
    told = [change for change in found.timing if change not in found.changes]
    for change in told:
        console.print(
            Text.assemble(_line(change), " (does not count)", style="dim"), soft_wrap=True
        )


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--exchange",
    "-x",
    type=int,
    metavar="N",
    help="Only exchange N of both, counted from 0.  [default: all]",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object per line, one for each pair that differs.",
)
@click.option(
    "--timing",
    type=click.FloatRange(0),
    metavar="PERCENT",
    help="Also count times that differ by more than this percentage of the larger one.",
)
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    a: str,
    b: str,
    exchange: int | None,
    as_json: bool,
    timing: float | None,
    limits: Limits,
) -> None:
    """Report what differs between two recordings: request, answer, usage, times.

    A and B are recordings in any format, or one exchange of them: PATH#N, or --exchange N for
    both. The exchanges of two recordings are paired by equal requests; the rest by method and
    operation; the rest in order. Ids and other values that are new every time do not count, nor
    do times without --timing.

    Exit codes: 0 nothing differs, 1 something does, 2 failure.
    """
    first, second = _side(a, exchange, limits), _side(b, exchange, limits)
    console = Console(highlight=False)
    count = differ = 0
    tolerance = None if timing is None else timing / 100
    with known_by_then(ctx, lambda: 1 if differ else 0):
        for found in compared(first.what, second.what, timing=tolerance):
            count += 1
            if not found.changes:
                continue
            differ += 1
            if as_json:
                click.echo(json_line(_row(found, first, second)))
            else:
                _print(console, found, first, second)
        if not as_json:
            click.echo(f"{count} compared, {differ or 'none'} differ{'s' * (differ < 2)}")
    ctx.exit(1 if differ else 0)
