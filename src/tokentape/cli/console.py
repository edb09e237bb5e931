"""What is printed for the operator while others must not wait for it."""

from functools import partial
from typing import Any, Protocol

from rich.console import Console

from tokentape.server.telling import Telling, missed_text


class Lines(Protocol):
    """What takes lines for the operator: a console, or one that nobody waits for."""

    def print(self, *what: Any, **how: Any) -> None: ...


def print_line(lines: Lines, text: str, style: str | None = None) -> None:
    """Print text as it is, however long."""
    lines.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


class Unwaited:
    """Prints on a thread of its own, in order; what a reader does not take is dropped and counted.

    At the end of the block what waits is printed, if that takes no longer than about a second.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._telling = Telling(lambda count: print_line(console, missed_text(count), "yellow"))

    def print(self, *what: Any, **how: Any) -> None:
        self._telling.put(partial(self._say, *what, **how))

    def _say(self, *what: Any, **how: Any) -> None:
        try:
            self._console.print(*what, **how)
        except BaseException:
            # rich keeps what it could not write, to write it with the next line, and the next.
            self._console.begin_capture()
            self._console.end_capture()
            raise

    def __enter__(self) -> "Unwaited":
        return self

    def __exit__(self, *_: object) -> None:
        self._telling.close()
