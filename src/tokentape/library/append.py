"""Appending to a native tape: whole lines only, taken up after an interruption at any byte."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import msgspec

from tokentape.errors import UsageError
from tokentape.formats import tape as native
from tokentape.formats.tape_order import Line, LineOrder
from tokentape.model import Ending, Exchange, Read, Response, Tape

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]  # Windows has none


class Unwritten(UsageError):
    """The disk took fewer lines than it was given: only the first `whole` are in the tape."""

    def __init__(self, message: str, whole: int) -> None:
        super().__init__(message)
        self.whole = whole


class TapeAppender:
    """One tape, open for exchanges to be added; several may be in progress at once.

    A file that a killed recorder left is taken up where its last whole line ends. Raises
    FormatError where the file is no native tape, UsageError where it can't be opened or another
    process appends to it; neither changes it. `size` is that of the file in bytes, `next` the
    number of the next exchange.
    """

    def __init__(
        self, path: Path | str, *, writer: str | None = None, created: str | None = None
    ) -> None:
        self.path = Path(path)
        if self.path.suffix == ".zst":
            raise UsageError(f"{path}: record to .tape.jsonl and convert it to .zst afterwards")
        try:
            # Not buffered: what is written is the kernel's, and outlives this process.
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise UsageError(f"{path} can't be appended to: {error.strerror}") from None
        self._file = os.fdopen(descriptor, "r+b", buffering=0)
        self.inode = os.fstat(descriptor).st_ino
        try:
            self._lock()
            self._take_up(Tape(writer=writer, created=created))
        except OSError as error:
            self._file.close()
            raise UsageError(f"{path} can't be appended to: {error.strerror}") from None
        except BaseException:
            self._file.close()
            raise

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{self.path}: another recorder appends to this tape") from None
        except OSError:
            # Some file systems know no locks.
            return

    def _take_up(self, tape: Tape) -> None:
        with open(os.dup(self._file.fileno()), "rb") as reader:
            survey = _survey(reader, str(self.path))
        self.next = survey.exchanges
        self.size = survey.size
        if os.fstat(self._file.fileno()).st_size != self.size:
            self._file.truncate(self.size)
        self._file.seek(self.size)
        if not self.size:
            self.write([native.header_line(tape)])
        elif survey.open_line:
            self.write([b"\n"])

    def write(self, lines: Sequence[bytes]) -> None:
        """Append whole lines, all that are told of at once.

        Raises Unwritten where the disk does not take them all; what it took of a line is cut off.
        """
        data = b"".join(lines)
        view = memoryview(data)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            taken = len(data) - len(view)
            whole = 0
            end = self.size
            for line in lines:
                if taken < len(line):
                    break
                taken -= len(line)
                end += len(line)
                whole += 1
            self.size = end
            message = f"{self.path} can't be appended to: {error.strerror}"
            with suppress(OSError):
                self._file.truncate(end)
                self._file.seek(end)
            raise Unwritten(message, whole) from None
        self.size += len(data)

    def is_current(self) -> bool:
        """Whether the file is still at its path and ends where this appender left it."""
        try:
            there = os.stat(self.path)
        except OSError:
            return False
        mine = os.fstat(self._file.fileno())
        return os.path.samestat(there, mine) and mine.st_size == self.size

    def begin(self, exchange: Exchange) -> int:
        """Write the request of this exchange; its number, for the calls that follow."""
        self.write([native.request_line(self.next, exchange)])
        self.next += 1
        return self.next - 1

    def response(self, number: int, response: Response) -> None:
        """Write the status and headers; its reads follow one by one."""
        self.write([native.response_line(number, response)])

    def read(self, number: int, read: Read) -> None:
        """Write one read."""
        self.write([native.read_line(number, read)])

    def end(
        self, number: int, ending: Ending, offset_us: int | None, notes: tuple[str, ...] = ()
    ) -> None:
        """Write how it ended: from here on the exchange is complete."""
        self.write([native.end_line(number, ending, offset_us, notes)])

    def add(self, exchange: Exchange) -> int:
        """Write a whole exchange; its number."""
        self.write([b"".join(native.exchange_lines(self.next, exchange))])
        self.next += 1
        return self.next - 1

    def close(self) -> None:
        """Flush to the disk and close."""
        try:
            # A disk that fails now has told so before, or tells nobody.
            with suppress(OSError):
                os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def __enter__(self) -> "TapeAppender":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Survey(msgspec.Struct):
    """What an existing tape holds: `size` is up to its last whole line."""

    exchanges: int = 0
    size: int = 0
    open_line: bool = False


_line = msgspec.json.Decoder(Line).decode


def _survey(file: BinaryIO, path: str) -> _Survey:
    """Read a tape line by line, whatever its size. Raises FormatError where it is none."""
    found = _Survey()
    order = LineOrder()
    for number, line in enumerate(file, 1):
        try:
            if number == 1:
                native.read_header(line)
            else:
                order.follow(_line(line))
        except native.LINE_ERRORS as error:
            if not line.endswith(b"\n") and (number > 1 or native.sniff(line, native.SUFFIX)):
                # What a killed recorder left of a line.
                break
            raise native.located(error, number).at(path) from None
        found.size += len(line)
        found.open_line = not line.endswith(b"\n")
    found.exchanges = order.next
    return found
