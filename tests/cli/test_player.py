"""Pieces in a terminal: what is printed, when, and in how many writes."""

import io
from typing import Any

import pytest

from tests.samples import DONE, chunk
from tokentape.chat.pieces import Piece
from tokentape.cli.play import play
from tokentape.cli.player import Player
from tokentape.cli.terminal import Console
from tokentape.model import Exchange, Fidelity, Read, Request, Response


class Output(io.StringIO):
    """Counts the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, text: str) -> int:
        self.writes += bool(text)
        return super().write(text)


def output(**console: Any) -> tuple[Output, Console]:
    written = Output()
    return written, Console(file=written, highlight=False, width=60, **console)


PIECES = [
    Piece("reasoning", "Hm,"),
    Piece("reasoning", " so."),
    Piece("content", "\tone\n\ttwo :smi"),
    Piece("content", "le: [b]bold\a"),
    Piece("tool_name", "f"),
    Piece("tool_arguments", {"x": 1}),
    Piece("finish", "stop"),
    Piece("usage", {"prompt_tokens": 3}),
]
PLAIN = """\
reasoning: Hm, so.
answer: \tone
\ttwo :smile: [b]bold
tool call: f {"x":1}
finish reason: stop
usage: 3 prompt
"""


def test_text_is_printed_as_it_came_but_for_control_codes() -> None:
    written, console = output()
    player = Player(console)
    player.feed(PIECES)
    player.close()
    assert written.getvalue() == PLAIN


def test_one_by_one_it_is_the_same() -> None:
    written, console = output()
    player = Player(console)
    for number, piece in enumerate(PIECES, 1):
        player.feed([piece])
        assert written.writes >= min(number, 6)
    player.close()
    assert written.getvalue() == PLAIN


def test_json_too_deep_to_print_is_said() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    written, console = output()
    Player(console).feed([Piece("tool_arguments", deep)])
    assert written.getvalue().startswith("tool call: (expected JSON that can be printed, got")
    while deep:  # undone from the outside, since Python would go down it
        deep = deep.pop()


def test_in_a_terminal_each_stretch_has_its_style() -> None:
    written, console = output(force_terminal=True, color_system="standard", no_color=False)
    player = Player(console)
    player.feed(PIECES[:2])
    player.feed([Piece("tool_name", "f"), Piece("tool_arguments", "{}")])
    player.close()
    assert written.getvalue() == (
        "\x1b[1mreasoning: \x1b[0m\x1b[2;3mHm, so.\x1b[0m\n"
        "\x1b[1mtool call: \x1b[0m\x1b[1;36mf \x1b[0m\x1b[36m{}\x1b[0m\n"
    )


@pytest.mark.parametrize("terminal", [True, False])
def test_many_pieces_are_few_writes(terminal: bool) -> None:
    written, console = output(force_terminal=terminal)
    player = Player(console)
    player.hold(Piece("content", "word ") for _ in range(50_000))
    assert len(written.getvalue()) > 100_000  # not all is held
    calls = ((Piece("tool_name", "f", 0, n), Piece("tool_arguments", "{}", 0, n)) for n in range(9))
    player.hold(piece for call in calls for piece in call)
    player.close()
    assert written.writes < 20


class Waits:
    """A clock that notes what is written whenever somebody waits."""

    def __init__(self, written: Output) -> None:
        self.seen: list[str] = []
        self._written = written

    def monotonic_us(self) -> int:
        return 0

    def wall(self) -> str:
        return ""

    def sleep_until(self, moment_us: int) -> None:
        self.seen.append(self._written.getvalue())


def recorded() -> Exchange:
    bodies = (chunk("a"), chunk("b") + chunk("c"), chunk(finish="stop") + DONE)
    return Exchange(
        request=Request(url="https://h/v1/chat/completions", body=b"{}"),
        response=Response(
            headers=(("content-type", "text/event-stream"),),
            offset_us=5,
            reads=tuple(Read(body, 10 * n) for n, body in enumerate(bodies, 1)),
        ),
        fidelity=Fidelity.WIRE,
    )


def test_all_is_printed_before_each_wait() -> None:
    written, console = output()
    clock = Waits(written)
    play(recorded(), console, clock, 1)
    assert clock.seen == ["", "", "answer: a", "answer: abc"]
    assert written.getvalue() == "answer: abc\nfinish reason: stop\n"


def test_without_waits_it_is_one_write() -> None:
    written, console = output()
    clock = Waits(written)
    play(recorded(), console, clock, float("inf"))
    assert clock.seen == []
    assert written.writes == 1
