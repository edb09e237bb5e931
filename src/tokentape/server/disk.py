"""The thread that writes tapes: lines of all exchanges in, whole lines on disk, one file a scope.

Nothing waits for it. It gives each exchange its number when its first line is written, so that an
exchange the disk did not take leaves no gap.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
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
    """Where one exchange is written. The loop sets `noted`, the thread what is below it; all may
    read `lost` and `number`, which is -1 until the first line is written.
    """

    __slots__ = ("end", "file", "lost", "name", "noted", "number", "path", "start")

    def __init__(self, name: str) -> None:
        self.name = name  # of the tape, below the folder
        self.noted = 0  # the last note of it, as the recorder counts them
        self.path = ""
        self.file: object = None  # another file of this name has other exchanges
        self.number = -1
        self.start = 0
        self.end = 0
        self.lost = False  # something of it was not written, so nothing more is


class Line(msgspec.Struct, frozen=True, gc=False):
    """A line of a tape, written as that of exchange 0. `begins` and `ends` an exchange."""

    place: Place
    data: bytes
    begins: bool = False
    ends: bool = False

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def size(self) -> int:
        return len(self.data)


class Reads(msgspec.Struct, frozen=True, gc=False):
    """Lines of reads of one tape, with their exchanges' numbers, and whose each is."""

    name: str
    places: list[Place]
    lines: list[bytes]
    size: int
    begins: bool = False
    ends: bool = False


Item = Line | Reads


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
        self.upto = 0  # what was last given with lines that are all written, or lost
        self._folder = folder
        self._writer = writer
        self._wall = wall
        self._done = done
        self._trouble = trouble
        self._queue: SimpleQueue[tuple[list[Item], int] | None] = SimpleQueue()
        self._open: OrderedDict[str, _Tape] = OrderedDict()
        self._closed: OrderedDict[str, _Tape] = OrderedDict()  # to make room, to be opened again
        self._bad: dict[str, tuple[int, int] | None] = {}
        self._told: set[str] = set()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="tokentape-disk", daemon=True)
        self._thread.start()

    def put(self, lines: list[Item], upto: int) -> None:
        """Have these written; `upto` tells later that they are, and only grows."""
        self._queue.put((lines, upto))

    def wait(self, place: Place, upto: int, timeout_s: float) -> bool:
        """Wait until all up to there is written, or the exchange is lost; whether it is so."""
        with self._progress:
            return self._progress.wait_for(lambda: self.upto >= upto or place.lost, timeout_s)

    def close(self, timeout_s: float) -> bool:
        """Write what waits and close the tapes; whether that was done in time."""
        self._queue.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (given := self._queue.get()) is not None:
                lines, upto = given
                while len(lines) < _BATCH:
                    try:
                        more = self._queue.get_nowait()
                    except Empty:
                        break
                    if more is None:
                        self._queue.put(None)
                        break
                    lines += more[0]
                    upto = more[1]
                self._write(lines, upto)
        finally:
            for tape in self._open.values():
                tape.appender.close()

    def _write(self, items: list[Item], upto: int) -> None:
        by_tape: dict[str, list[Item]] = {}
        for item in items:
            by_tape.setdefault(item.name, []).append(item)
        for name, those in by_tape.items():
            try:
                self._append(name, those)
            except OSError as error:
                # Closing a file may fail, too.
                self._lose(name, _places(those), str(error))
        with self._progress:
            self.upto = upto
            self._progress.notify_all()
        self.written += sum([item.size for item in items])
        done = [item.place for item in items if isinstance(item, Line) and item.ends]
        if done:
            self._done(done)

    def _append(self, name: str, items: list[Item]) -> None:
        if all(place.lost for place in _places(items)):
            return
        try:
            tape = self._tape(name, begins=any(item.begins for item in items))
        except (TokenTapeError, OSError) as error:
            self._lose(name, _places(items), str(error))
            return
        if tape is None:
            self._lose(name, _places(items), "")
            return
        appender = tape.appender
        batch = _Batch(tape, appender.next, appender.size)
        for item in items:
            if isinstance(item, Line):
                batch.add(item)
            else:
                batch.add_reads(item)
        try:
            appender.write(batch.data)
        except Unwritten as error:
            appender.next += sum(at < error.whole for at in batch.begun)
            self._lose(_FULL, batch.places[error.whole :], str(error))
            if not appender.is_current():
                self._open.pop(name).appender.close()
            return
        appender.next = batch.next
        if self._told and batch.ended:
            self._told -= {name, _FULL}

    def _lose(self, name: str, places: Iterable[Place], why: str) -> None:
        for place in places:
            place.lost = True
        if why and name not in self._told:
            if len(self._told) > _MOST_KNOWN:
                self._told.clear()
            self._told.add(name)
            self._trouble(f"not recorded: {why}")

    def _tape(self, name: str, *, begins: bool) -> "_Tape | None":
        """The open tape; None where it is known to be no good and did not change since, or where
        nothing begins and what did is no longer there.
        """
        tape = self._open.get(name)
        if tape is not None:
            # Another may have changed it: its bytes are not written over, nor ours behind a gap.
            if tape.appender.is_current():
                self._open.move_to_end(name)
                return tape
            del self._open[name]
            path = tape.appender.path
            there = os.path.exists(path)
            self._trouble(
                f"{path} was changed by another while it was recorded: what was on its way is lost"
                if there
                else f"{path} vanished while it was recorded; begun anew"
            )
            tape.appender.close()
        if not begins and name not in self._closed:
            return None
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


def _places(items: list[Item]) -> Iterator[Place]:
    for item in items:
        yield from (item.place,) if isinstance(item, Line) else item.places


class _Batch:
    """Lines that one write puts behind a tape, of exchanges that lost nothing so far."""

    def __init__(self, tape: "_Tape", following: int, position: int) -> None:
        self.next = following
        self.data: list[bytes] = []
        self.places: list[Place] = []  # whose each is
        self.begun: list[int] = []  # which of them begin an exchange
        self.ended = False
        self._tape = tape
        self._position = position

    def add(self, line: Line) -> None:
        place = line.place
        if line.begins and not place.lost:
            place.path = str(self._tape.appender.path)
            place.file = self._tape.file
            place.start = self._position
            place.number = self.next
            self.next += 1
            self.begun.append(len(self.data))
        if not self._takes(place):
            return
        data = line.data.replace(_NUMBER, b'"exchange":%d' % place.number, 1)
        self.data.append(data)
        self.places.append(place)
        self._position += len(data)
        if line.ends:
            place.end = self._position - 1  # without its line end
            self.ended = True

    def add_reads(self, reads: Reads) -> None:
        places, lines, size = reads.places, reads.lines, reads.size
        file = self._tape.file
        if any([place.lost or place.file is not file for place in places]):  # noqa: C419 - a list is faster
            taken = [
                (place, line)
                for place, line in zip(places, lines, strict=True)
                if self._takes(place)
            ]
            places = [place for place, _ in taken]
            lines = [line for _, line in taken]
            size = sum(map(len, lines))
        self.data += lines
        self.places += places
        self._position += size

    def _takes(self, place: Place) -> bool:
        """Whether more of an exchange is written; not where its beginning is in another file."""
        if place.file is not self._tape.file:
            place.lost = True
        return not place.lost


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
