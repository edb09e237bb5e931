"""Printing that nobody waits for."""

import io

from rich.console import Console

from tokentape.cli.console import Unwaited, print_line


class Full(io.StringIO):
    """A file on a disk that is full for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0
        self.longest = 0

    def write(self, text: str) -> int:
        self.longest = max(self.longest, len(text))
        if "line" in text and self.left < 50:
            self.left += 1
            raise OSError("full")
        return super().write(text)


def test_lines_are_printed_in_order_before_the_end() -> None:
    file = io.StringIO()
    with Unwaited(Console(file=file, width=20)) as lines:
        for number in range(100):
            print_line(lines, f"[b]{number} {'x' * 30}")
    assert file.getvalue().splitlines() == [f"[b]{n} {'x' * 30}" for n in range(100)]


def test_what_can_not_be_written_is_not_kept() -> None:
    file = Full()
    with Unwaited(Console(file=file)) as lines:
        for number in range(60):
            print_line(lines, f"line {number}")
    assert file.getvalue().splitlines() == [f"line {n}" for n in range(50, 60)]
    assert file.longest < 20
