"""What the operator sees while the server forwards: each exchange as it runs, then how it ended."""

from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tokentape import apis, sse
from tokentape.apis import chat
from tokentape.chat.pieces import Piece, pieces
from tokentape.cli.console import Lines, print_line
from tokentape.cli.follow import Follow
from tokentape.errors import TokenTapeError
from tokentape.model import Ending
from tokentape.server import Begun
from tokentape.server.observer import folded
from tokentape.view import parse_json

_TOKEN_KINDS = ("content", "reasoning", "refusal", "tool_name", "tool_arguments")
_SHOWN = 20
# Events of a stream that are looked at for the API it speaks, and characters of events that add up
# until that begins anew: what they add up to is kept.
_LOOKED_AT = 16
_MOST_FOLDED = 1024 * 1024
_LOST_ALONE = 50  # exchanges not recorded of which each has a line


class Running(msgspec.Struct):
    """One exchange so far. Times are microseconds from its request; `tokens` counts the events
    that bring text, reasoning or a piece of a tool call, which most servers send one token each.
    """

    number: int
    what: str
    model: str
    scope: str
    upstream: str
    reader: sse.EventReader
    follow: Follow | None = None  # while its events are read
    spoken: apis.Speaks | None = None  # once they tell which API they are of
    fold: apis.Fold | None = None
    folded: int = 0
    looked_at: int = 0
    status: int | None = None
    first_us: int | None = None
    last_us: int = 0
    tokens: int = 0
    size: int = 0

    def take(self, data: bytes, offset_us: int) -> None:
        """Count what one read brings."""
        self.size += len(data)
        self.last_us = offset_us
        if self.follow is None or self.looked_at >= _LOOKED_AT:
            return
        try:
            events = self.reader.feed(self.follow.take(data))
        except TokenTapeError:
            self.follow = None
            return
        for event in events:
            if any(piece.kind in _TOKEN_KINDS for piece in self._pieces(event)):
                self.tokens += 1
                if self.first_us is None:
                    self.first_us = offset_us

    def _pieces(self, event: sse.Event) -> Iterable[Piece]:
        payload = parse_json(event.data)
        if self.spoken is None:
            self.spoken = apis.spoken(payload)
            self.looked_at += self.spoken is None
        if self.spoken is None:
            return ()
        if self.spoken is chat:
            # Its chunks tell by themselves what they bring.
            return pieces(payload)
        if self.fold is None or self.folded > _MOST_FOLDED:
            self.fold = self.spoken.Fold()
            self.folded = 0
        self.folded += len(event.data)
        return self.fold.feed(event.type, payload)

    @property
    def amount(self) -> str:
        """Its tokens; bytes of what is no stream; "-" of one that is not understood."""
        if self.follow is None:
            return f"{self.size} B"
        return "-" if self.spoken is None else f"{self.tokens} tok"

    @property
    def rate(self) -> float | None:
        """Tokens a second behind the first one, None until there are two."""
        if self.first_us is None or self.tokens < 2 or self.last_us <= self.first_us:
            return None
        return (self.tokens - 1) / ((self.last_us - self.first_us) / 1_000_000)

    def cells(self, ending: str) -> list[str]:
        return [
            f"#{self.number}",
            self.upstream,
            self.scope or "default",
            self.model or self.what,
            "-" if self.status is None else str(self.status),
            "-" if self.first_us is None else f"{self.first_us / 1000:.0f} ms",
            self.amount,
            "-" if self.rate is None else f"{self.rate:.0f} tok/s",
            ending,
        ]


class Watch:
    """An observer that prints a line as each exchange ends."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.running: dict[int, Running] = {}
        self._lost: list[int] = []  # not told yet
        self._told_lost = 0

    def began(self, number: int, begun: Begun) -> None:
        what = f"{begun.method} {begun.target}"
        self.running[number] = Running(
            number, what, begun.model, begun.scope, begun.upstream, sse.EventReader()
        )

    def responded(
        self, number: int, *, status: int, streaming: bool, coding: str, offset_us: int
    ) -> None:
        found = self.running.get(number)
        if found is not None:
            found.status = status
            found.follow = Follow(coding) if streaming else None

    def read(self, number: int, data: bytes, offset_us: int) -> None:
        found = self.running.get(number)
        if found is not None:
            found.take(data, offset_us)

    def ended(self, number: int, *, ending: Ending, offset_us: int, note: str | None) -> None:
        found = self.running.pop(number, None)
        if found is not None:
            told = [*found.cells(f"{ending} after {offset_us / 1000:.0f} ms"), note or ""]
            print_line(self._lines, "  ".join(told).rstrip())

    def unrecorded(self, number: int) -> None:
        """The more there were, the more of them a line tells; all are told of at the end."""
        self._lost.append(number)
        if len(self._lost) > self._told_lost // _LOST_ALONE:
            self._told_lost += len(self._lost)
            told = f"{folded(self._lost)}  not recorded"
            self._lost.clear()
            print_line(self._lines, told, "red")

    def trouble(self, message: str) -> None:
        print_line(self._lines, f"tokentape: {message}", "bold red")


class Quiet(Watch):
    """An observer that prints troubles and nothing else."""

    def began(self, number: int, begun: Begun) -> None:
        """What has not begun is passed over from then on."""


class LiveWatch(Watch):
    """The same in a terminal, with those that still run in a table below.

    `lines` prints on that terminal.
    """

    def __init__(self, lines: Lines, console: Console) -> None:
        super().__init__(lines)
        self._live = Live(
            _Table(self.running), console=console, refresh_per_second=8, transient=True
        )

    def __enter__(self) -> "LiveWatch":
        self._live.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._live.stop()


class _Table:
    """Rendered anew at each refresh, from what runs then."""

    def __init__(self, running: dict[int, Running]) -> None:
        self._running = running

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        running: Iterable[Running] = list(self._running.values())[-_SHOWN:]
        table = Table(box=None, show_header=False, pad_edge=False)
        for found in running:
            # Text, since a model's name may hold brackets, which would be taken for markup.
            table.add_row(*map(Text, found.cells("…")))
        yield table
