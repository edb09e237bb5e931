"""Playing pieces in a terminal: text as it comes, reasoning and tool calls told apart."""

from collections.abc import Iterable
from typing import Any

from rich.control import strip_control_codes
from rich.segment import Segment, Segments

from tokentape.chat.pieces import Piece
from tokentape.cli.common import json_line
from tokentape.cli.terminal import Console
from tokentape.errors import LimitError
from tokentape.texts import one_line

_STYLES = {
    "content": "",
    "reasoning": "dim italic",
    "refusal": "yellow",
    "tool_name": "bold cyan",
    "tool_arguments": "cyan",
    "error": "bold red",
}
_LABELS = {"reasoning": "reasoning", "refusal": "refusal", "tool": "tool call", "content": "answer"}

# What is told of a usage, by the names each API has for it; where there is none of them, all.
_USAGE = {
    "prompt_tokens": "prompt",
    "completion_tokens": "completion",
    "input_tokens": "input",
    "output_tokens": "output",
    "inputTokens": "input",
    "outputTokens": "output",
    "promptTokenCount": "prompt",
    "candidatesTokenCount": "candidates",
    "thoughtsTokenCount": "thoughts",
    "total_tokens": "total",
    "totalTokens": "total",
    "totalTokenCount": "total",
    "estimated_cost": "cost",
    "cost": "cost",
}


# So many characters are held back at most.
_HELD = 1 << 16


class Player:
    """Prints pieces as they come. A label opens each stretch of another kind, choice or tool.

    Where a tool call goes on behind something else, the label says which: its number, in order of
    coming, from 0, and its name.

    `played` says whether there was any.
    """

    def __init__(self, console: Console) -> None:
        self.played = False
        self._console = console
        self._stretch: tuple[str, int, int] | None = None
        self._several = False
        self._calls: dict[tuple[int, int], str] = {}  # choice and tool, and the name
        self._ends: list[str] = []
        # What is not printed yet: neighbours of one style are one segment.
        self._segments: list[Segment] = []
        self._texts: list[str] = []
        self._style = ""
        self._held = 0
        # Where there are none to be seen, all is one style.
        self._styled = console.color_system is not None

    def feed(self, pieces: Iterable[Piece]) -> None:
        """Print these pieces."""
        self.hold(pieces)
        self.flush()

    def hold(self, pieces: Iterable[Piece]) -> None:
        """Print these pieces, some of them at the next `flush`: rich takes long for each print."""
        for piece in pieces:
            self.played = True
            if piece.kind == "finish":
                which = f" (choice {piece.choice})" if self._several else ""
                self._ends.append(f"finish reason: {piece.value}{which}")
            elif piece.kind == "usage":
                # Providers may repeat it; the last one counts.
                self._ends = [end for end in self._ends if not end.startswith("usage")]
                self._ends.append(f"usage: {_usage(piece.value)}")
            else:
                self._print(piece)

    def _print(self, piece: Piece) -> None:
        self._several = self._several or piece.choice > 0
        kind = "tool" if piece.kind.startswith("tool") else piece.kind
        stretch = (kind, piece.choice, piece.tool)
        if stretch != self._stretch:
            if self._stretch is not None:
                self._write("\n")
            which = f" {piece.choice}" if self._several else ""
            self._stretch = stretch
            self._write(f"{_LABELS.get(kind, kind)}{which}{self._again(piece)}: ", "bold")
        text = piece.value if isinstance(piece.value, str) else _json(piece.value)
        if piece.kind == "tool_name":
            self._calls[piece.choice, piece.tool] = one_line(text)
            text += " "
        self._write(text, _STYLES[piece.kind])

    def _again(self, piece: Piece) -> str:
        """Which tool call goes on here; "" where one begins, or this is none."""
        if not piece.kind.startswith("tool"):
            return ""
        call = (piece.choice, piece.tool)
        name = self._calls.get(call)
        if name is None:
            self._calls[call] = ""
            return ""
        return f" #{piece.tool} ({name})" if name else f" #{piece.tool}"

    def _write(self, text: str, style: str = "") -> None:
        if style != self._style and self._styled:
            self._join()
            self._style = style
        self._texts.append(text)
        self._held += len(text)
        if self._held >= _HELD:
            self.flush()

    def _join(self) -> None:
        if self._texts:
            text = strip_control_codes("".join(self._texts))
            self._segments.append(Segment(text, self._console.get_style(self._style)))
            self._texts.clear()

    def flush(self) -> None:
        """Print what was held back."""
        self._join()
        if self._segments:
            # Segments, since text would have its tabs and names of emoji replaced.
            self._console.print(Segments(self._segments), crop=False)
            self._segments.clear()
        self._held = 0

    def close(self) -> None:
        """End the line, then tell finish reasons and usage."""
        if self._stretch is not None:
            self._write("\n")
        for end in self._ends:
            self._write(end, "dim")
            self._write("\n")
        self.flush()


def _json(value: Any) -> str:
    try:
        return json_line(value)
    except LimitError as error:
        return f"({error.message})"


def _usage(usage: dict[str, Any]) -> str:
    told = [f"{usage[key]} {name}" for key, name in _USAGE.items() if usage.get(key) is not None]
    return ", ".join(told) or _json(usage)
