"""The thread that writes tapes: lines of all exchanges in, whole lines on disk, one file a scope.

Nothing waits for it. It gives each exchange its number when its first line is written, so that an
exchange the disk did not take leaves no gap.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec

from tokentape.errors import FormatError, TokenTapeError
from tokentape.library import TapeAppender, Unwritten

_MOST_OPEN = 128
_MOST_KNOWN = 1000  # names of which something is kept when they are not open
_BATCH = 512
_NUMBER = b'"exchange":0'
_FULL = ""  # the name under which a disk that takes no more is told of, whatever the tape


class Place:
    """Where one exchange is written. The thread sets what is below `name`; all may read `lost`."""

    __slots__ = ("end", "file", "given", "lost", "name", "number", "path", "start", "written")

    def __init__(self, name: str) -> None:
        self.name = name  # of the tape, below the folder
        self.path = ""
        self.file: object = None  # another file of this name has other exchanges
        self.number = -1
        self.start = 0
        self.end = 0
        self.given = 0  # lines, counted by the loop
        self.written = 0
        self.lost = False  # something of it was not written, so nothing more is


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a tape, written as that of exchange 0. `begins` and `ends` an exchange."""

    place: Place
    data: bytes
    begins: bool = False
    ends: bool = False


class Disk:
    """`done` is called on the thread with the exchanges that are on disk whole, or are lost;
    `trouble` with what the operator has to know, once until it is over.
    """

    def __init__(
        self,
        folder: Path,
        *,
        writer: str,
        wall: Callable[[], str],
        done: Callable[[list[Place]], None],
        trouble: Callable[[str], None],
    ) -> None:
        self.written = 0  # bytes taken from the queue so far
        self._folder = folder
        self._writer = writer
        self._wall = wall
        self._done = done
        self._trouble = trouble
        self._queue: SimpleQueue[list[Line] | None] = SimpleQueue()
        self._open: OrderedDict[str, _Tape] = OrderedDict()
        self._closed: OrderedDict[str, _Tape] = OrderedDict()  # to make room, to be opened again
        self._bad: dict[str, tuple[int, int] | None] = {}
        self._told: set[str] = set()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="tokentape-disk", daemon=True)
        self._thread.start()

    def put(self, lines: list[Line]) -> None:
        """Have these written."""
        self._queue.put(lines)

    def wait(self, place: Place, timeout_s: float) -> bool:
        """Wait until all that was given of an exchange is written, or lost; whether it is."""
        with self._progress:
            return self._progress.wait_for(
                lambda: place.written == place.given or place.lost, timeout_s
            )

    def close(self, timeout_s: float) -> bool:
        """Write what waits and close the tapes; whether that was done in time."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (lines := self._queue.get()) is not None:
                lines = list(lines)
                while len(lines) < _BATCH:
                    try:
                        more = self._queue.get_nowait()
                    except Empty:
                        break
                    if more is None:
                        self._queue.put(None)
                        break
                    lines += more
                self._write(lines)
        finally:
            for tape in self._open.values():
                tape.appender.close()

    def _write(self, lines: list[Line]) -> None:
        by_tape: dict[str, list[Line]] = {}
        for line in lines:
            by_tape.setdefault(line.place.name, []).append(line)
        for name, those in by_tape.items():
            try:
                self._append(name, [line for line in those if not line.place.lost])
            except OSError as error:
                # Closing a file may fail, too.
                self._lose(name, those, str(error))
        with self._progress:
            for line in lines:
                line.place.written += 1
            self._progress.notify_all()
        self.written += sum(len(line.data) for line in lines)
        done = [line.place for line in lines if line.ends]
        if done:
            self._done(done)

    def _append(self, name: str, lines: list[Line]) -> None:
        if not lines:
            return
        try:
            tape = self._tape(name, begins=any(line.begins for line in lines))
        except (TokenTapeError, OSError) as error:
            self._lose(name, lines, str(error))
            return
        if tape is None:
            self._lose(name, lines, "")
            return
        appender = tape.appender
        following = appender.next
        position = appender.size
        data: list[bytes] = []
        written: list[Line] = []
        for line in lines:
            place = line.place
            if line.begins:
                place.path = str(appender.path)
                place.file = tape.file
                place.number = following
                place.start = position
                following += 1
            elif place.file is not tape.file:
                place.lost = True
                continue
            written.append(line)
            data.append(line.data.replace(_NUMBER, b'"exchange":%d' % place.number, 1))
            position += len(data[-1])
            place.end = position - 1  # without its line end
        try:
            appender.write(data)
        except Unwritten as error:
            appender.next += sum(line.begins for line in written[: error.whole])
            self._lose(_FULL, written[error.whole :], str(error))
            if not appender.is_current():
                self._open.pop(name).appender.close()
            return
        appender.next = following
        if self._told and any(line.ends for line in written):
            self._told -= {name, _FULL}

    def _lose(self, name: str, lines: list[Line], why: str) -> None:
        for line in lines:
            line.place.lost = True
        if why and name not in self._told:
            if len(self._told) > _MOST_KNOWN:
                self._told.clear()
            self._told.add(name)
            self._trouble(f"not recorded: {why}")

    def _tape(self, name: str, *, begins: bool) -> "_Tape | None":
        """The open tape; None where it is known to be no good and did not change since."""
        tape = self._open.get(name)
        if tape is not None:
            if not begins or tape.appender.is_current():
                self._open.move_to_end(name)
                return tape
            del self._open[name]
            tape.appender.close()
            if not os.path.exists(tape.appender.path):
                self._trouble(f"{tape.appender.path} vanished while it was recorded; begun anew")
        path = self._folder / name
        bad = self._bad.get(name)
        if bad is not None and bad == _identity(path):
            return None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            appender = TapeAppender(path, writer=self._writer, created=self._wall())
        except FormatError:
            # It is not read again for each exchange that would go there.
            if len(self._bad) > _MOST_KNOWN:
                self._bad.clear()
            self._bad[name] = _identity(path)
            raise
        self._bad.pop(name, None)
        return self._keep(name, appender)

    def _keep(self, name: str, appender: TapeAppender) -> "_Tape":
        """Hold a tape open, and close one that was not written to for long."""
        before = self._closed.pop(name, None)
        if before is not None and (before.inode, before.size) == (appender.inode, appender.size):
            tape = _Tape(appender, before.file)
        else:
            tape = _Tape(appender, object())
        self._open[name] = tape
        if len(self._open) > _MOST_OPEN:
            closed, idle = self._open.popitem(last=False)
            idle.inode, idle.size = idle.appender.inode, idle.appender.size
            idle.appender.close()
            self._closed[closed] = idle
            if len(self._closed) > _MOST_KNOWN:
                self._closed.popitem(last=False)
        return tape


class _Tape:
    """A tape and what tells it from another file at its path; where it was closed, as it was."""

    __slots__ = ("appender", "file", "inode", "size")

    def __init__(self, appender: TapeAppender, file: object) -> None:
        self.appender = appender
        self.file = file
        self.inode = self.size = 0


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
