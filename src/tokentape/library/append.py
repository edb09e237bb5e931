"""Appending to a native tape: every line is whole on disk before the next begins."""

import os
from pathlib import Path
from types import TracebackType

from tokentape.errors import UsageError
from tokentape.formats import tape as native
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.model import Ending, Exchange, Read, Response, Tape


class TapeAppender:
    """One tape, open for exchanges to be added; several may be in progress at once.

    A file that a killed recorder left is taken up where its last whole line ends. Raises
    FormatError where the file is no native tape, UsageError where it can't be opened; neither
    changes it.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        writer: str | None = None,
        created: str | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix == ".zst":
            raise UsageError(f"{path}: record to .tape.jsonl and convert it to .zst afterwards")
        try:
            existing = self.path.read_bytes() if self.path.exists() else b""
            tape = native.read(existing, str(path), limits)
            lines, taken = native.whole_lines(existing)
            mode = "r+b" if existing else "wb"
            self._file = open(self.path, mode, buffering=0)  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise UsageError(f"{path} can't be appended to: {error.strerror}") from None
        self._next = len(tape.exchanges)
        self._file.truncate(taken)
        self._file.seek(taken)
        if not lines:
            self._write(native.header_line(Tape(writer=writer, created=created)))
        elif existing[taken - 1 : taken] != b"\n":
            self._write(b"\n")

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            view = view[self._file.write(view) :]

    def begin(self, exchange: Exchange) -> int:
        """Write the request of this exchange; its number, for the calls that follow."""
        number = self._next
        self._next += 1
        self._write(native.request_line(number, exchange))
        return number

    def response(self, number: int, response: Response) -> None:
        """Write the status and headers; its reads follow one by one."""
        self._write(native.response_line(number, response))

    def read(self, number: int, read: Read) -> None:
        """Write one read."""
        self._write(native.read_line(number, read))

    def end(self, number: int, ending: Ending, offset_us: int | None) -> None:
        """Write how it ended: from here on the exchange is complete."""
        self._write(native.end_line(number, ending, offset_us))

    def add(self, exchange: Exchange) -> int:
        """Write a whole exchange; its number."""
        number = self._next
        self._next += 1
        self._write(b"".join(native.exchange_lines(number, exchange)))
        return number

    def close(self) -> None:
        """Flush to the disk and close."""
        os.fsync(self._file.fileno())
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
