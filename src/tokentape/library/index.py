"""What lies where: an entry per exchange, kept small; bodies stay on disk until they are asked for.

Native tapes are read where they lie. Exchanges of any other format are spooled, once, as native
lines into an unnamed temporary file, so that both are loaded the same way.
"""

import gc
import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from tokentape import view
from tokentape.errors import FormatError, TokenTapeError
from tokentape.formats import tape as native
from tokentape.library.files import Found, Refusal, find, open_file, read_bytes, refusal
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.matching import Asked, ask, asked_of, operation
from tokentape.model import Ending, Exchange, Request
from tokentape.redact import Redaction

_CACHE_VERSION = 4
# A folder that is indexed in a blink needs no cache beside it.
_CACHE_FROM = 2_000


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What the library keeps in memory of one exchange.

    `whole` is False where there is no answer, or the recorder or the client did not see its end.
    `number` is its place in path order; `exchange` its place in the tape. `body_key` is None where
    the recording does not know its request, and `options` then -1; else they are those of Asked.
    `start` and `end` are the bytes of its lines, in the tape or, where `spooled`, in the spool.
    `complete` is whether the answer came to its end.
    """

    number: int
    path: str
    exchange: int
    scope: str
    method: str
    operation: str
    body_key: bytes | None
    model: str
    streaming: bool
    status: int
    start: int
    end: int
    spooled: bool
    whole: bool = True
    complete: bool = True
    options: int = -1


class _Row(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An entry as it is cached: without what its file and place say, texts told once."""

    scope: str | None
    method: int
    operation: int
    model: int
    body_key: bytes | None
    streaming: bool
    status: int
    start: int
    end: int
    whole: bool
    complete: bool
    options: int


class _File(msgspec.Struct, frozen=True, array_like=True):
    """The identity of an indexed file, and its exchanges in order."""

    size: int
    mtime_ns: int
    spooled: bool
    rows: list[_Row]


class _Cache(msgspec.Struct, array_like=True):
    version: int = _CACHE_VERSION
    texts: list[str] = []
    files: dict[str, _File] = {}


class _Texts:
    """Each text once, by number."""

    def __init__(self, texts: list[str]) -> None:
        self.all = texts
        self._numbers = {text: number for number, text in enumerate(texts)}

    def number(self, text: str) -> int:
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.all)
            self.all.append(text)
        return found


class Library:
    """Every exchange below the given paths, in path order.

    `refused` lists the files that hold none that we read. A folder that can't be listed raises
    UsageError; a file never does.

    `origins` are beginnings of URLs: what was asked of one of them answers no request to another.
    What was asked of none of them counts as asked of the first.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        *,
        repair: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        cache: Path | None = None,
        redaction: Redaction | None = None,
        origins: Sequence[str] = (),
    ) -> None:
        self.refused: list[Refusal] = []
        self._redaction = redaction if redaction is not None else Redaction()
        self._origins = tuple(origin.rstrip("/") for origin in origins)
        self._growing: str | None = None
        self._repair = repair
        self._limits = limits
        self._spool: BinaryIO | None = None
        self._spooled = 0
        self._identity: dict[str, tuple[int, int]] = {}
        roots = [Path(path) for path in paths]
        rules = f"{self._redaction.fingerprint}{self._origins or ''}"
        name = _cache_name(roots, rules) if cache is not None else ""
        cache_file = cache / name if cache is not None else None
        known = _load_cache(cache_file)
        self._texts = _Texts(known.texts)
        # Nothing here makes cycles, and looking for some among so many values takes its time.
        collecting = gc.isenabled()
        gc.disable()
        try:
            self.entries = self._collect(roots, known.files, cache_file)
        except BaseException:
            self.close()
            raise
        finally:
            if collecting:
                gc.enable()

    def _collect(
        self, paths: list[Path], known: dict[str, _File], cache_file: Path | None
    ) -> list[Entry]:
        entries: list[Entry] = []
        files: dict[str, _File] = {}
        indexed = 0
        for found in find(paths):
            try:
                file = known.get(found.path)
                if file is None or (file.size, file.mtime_ns) != (found.size, found.mtime_ns):
                    file = self._index(found)
                    indexed += len(file.rows)
            except (TokenTapeError, OSError) as error:
                self.refused.append(refusal(found.path, error))
                continue
            self._identity[found.path] = (file.size, file.mtime_ns)
            if not file.spooled:
                files[found.path] = file
            self._extend(entries, found, file)
        if cache_file is not None and indexed >= _CACHE_FROM:
            _save_cache(cache_file, _Cache(texts=self._texts.all, files=files))
        return entries

    def _extend(self, entries: list[Entry], found: Found, file: _File) -> None:
        texts = self._texts.all
        for exchange, row in enumerate(file.rows):
            entries.append(
                Entry(
                    number=len(entries),
                    path=found.path,
                    exchange=exchange,
                    scope=found.scope if row.scope is None else row.scope,
                    method=texts[row.method],
                    operation=texts[row.operation],
                    body_key=row.body_key,
                    model=texts[row.model],
                    streaming=row.streaming,
                    status=row.status,
                    start=row.start,
                    end=row.end,
                    spooled=file.spooled,
                    whole=row.whole,
                    complete=row.complete,
                    options=row.options,
                )
            )

    def _row(self, exchange: Exchange, start: int, end: int) -> _Row:
        asked = self._asked(exchange.request)
        return _Row(
            scope=exchange.scope,
            method=self._texts.number(exchange.request.method.upper()),
            operation=self._texts.number(self._operation(exchange)),
            model=self._texts.number(view.model(exchange)),
            body_key=None if asked is None else asked.key,
            streaming=view.is_streaming(exchange),
            status=exchange.response.status if exchange.response else 0,
            start=start,
            end=end,
            whole=answers(exchange.response is not None, exchange.ending),
            complete=exchange.ending is Ending.COMPLETE,
            options=-1 if asked is None else asked.options,
        )

    def _operation(self, exchange: Exchange) -> str:
        url = exchange.request.url
        return operation(self._redaction.url(url)) if url else view.operation_of(exchange)

    def _asked(self, request: Request) -> Asked | None:
        if request.body is None:
            return None
        asked = ask(self._redaction.body(request.body))
        return asked_of(asked, self._origin(request.url)) if len(self._origins) > 1 else asked

    def _origin(self, url: str) -> int:
        """Which of the origins a URL belongs to, the one that says most; the first where none."""
        found = [
            (len(origin), number)
            for number, origin in enumerate(self._origins)
            if url.startswith(origin) and url[len(origin) :][:1] in ("", "/", "?")
        ]
        return max(found)[1] if found else 0

    def expect_growth(self, folder: Path) -> None:
        """Tapes below this folder may grow from now on: what was read of them stays good."""
        self._growing = os.path.join(os.path.realpath(folder), "")

    def add(
        self,
        exchange: Exchange,
        asked: Asked,
        *,
        path: str,
        scope: str,
        number: int,
        span: tuple[int, int],
        complete: bool,
    ) -> Entry:
        """Take in an exchange that was recorded meanwhile; bodies may be missing from it."""
        entry = Entry(
            number=len(self.entries),
            path=path,
            exchange=number,
            scope=exchange.scope if exchange.scope is not None else scope,
            method=exchange.request.method.upper(),
            operation=self._operation(exchange),
            body_key=asked.key,
            model=asked.model,
            streaming=view.is_streaming(exchange),
            status=exchange.response.status if exchange.response else 0,
            start=span[0],
            end=span[1],
            spooled=False,
            complete=complete,
            options=asked.options,
        )
        self.entries.append(entry)
        return entry

    def _index(self, found: Found) -> _File:
        """Read a whole file for what its exchanges are. Raises like `open_file`."""
        if not found.path.endswith(".zst"):
            data = read_bytes(found.path, self._limits)
            if native.sniff(data, found.path):
                tape, spans = native.read_with_spans(data)
                rows = [
                    self._row(exchange, *span)
                    for exchange, span in zip(tape.exchanges, spans, strict=True)
                ]
                return _File(found.size, found.mtime_ns, False, rows)
        opened = open_file(found.path, repair=self._repair, limits=self._limits)
        rows = []
        if self._spool is None:
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the library
        for number, exchange in enumerate(opened.tape.exchanges):
            start = self._spooled
            lines = b"".join(native.exchange_lines(number, exchange))
            self._spooled += os.pwrite(self._spool.fileno(), lines, start)
            rows.append(self._row(exchange, start, self._spooled))
        return _File(found.size, found.mtime_ns, True, rows)

    def load(self, entry: Entry) -> Exchange:
        """Read one exchange from disk.

        Raises FormatError where its tape changed or vanished since it was indexed.
        """
        if entry.spooled:
            assert self._spool is not None
            data = os.pread(self._spool.fileno(), entry.end - entry.start, entry.start)
        else:
            data = self._read_span(entry)
        try:
            return native.read_one(data.split(b"\n"), entry.exchange)
        except native.LINE_ERRORS as error:
            raise FormatError(str(error), path=entry.path, exchange=entry.exchange) from None

    def _read_span(self, entry: Entry) -> bytes:
        try:
            descriptor = os.open(entry.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise FormatError(
                f"the tape was there when it was indexed and is not now ({error.strerror}); "
                "restart the server",
                path=entry.path,
            ) from None
        try:
            status = os.fstat(descriptor)
            if not self._is_as_read(entry, status):
                raise FormatError(
                    "the tape changed since it was indexed; restart the server", path=entry.path
                )
            return os.pread(descriptor, entry.end - entry.start, entry.start)
        finally:
            os.close(descriptor)

    def _is_as_read(self, entry: Entry, status: os.stat_result) -> bool:
        """Whether the entry's lines lie where they were; a tape we record to only grows."""
        if self._growing is not None and os.path.realpath(entry.path).startswith(self._growing):
            return status.st_size >= entry.end
        return (status.st_size, status.st_mtime_ns) == self._identity[entry.path]

    def models(self) -> list[str]:
        """The models on the tapes, sorted."""
        return sorted({entry.model for entry in self.entries if entry.model})

    def close(self) -> None:
        """Give the spool back."""
        if self._spool is not None:
            self._spool.close()


def default_cache() -> Path:
    """Where indexes are kept between runs (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "tokentape"


def answers(has_response: bool, ending: Ending | None) -> bool:
    """Whether an exchange is an answer as the upstream gave it, errors and broken ones too."""
    return has_response and ending not in (Ending.LEFT, Ending.STOPPED)


def _cache_name(paths: Sequence[Path], rules: str) -> str:
    where = "\0".join((rules, *(str(path.absolute()) for path in paths)))
    return f"index-{hashlib.sha256(os.fsencode(where)).hexdigest()[:32]}.msgpack"


def _load_cache(path: Path | None) -> _Cache:
    """What an earlier run left. A cache is never trusted to be there, whole, or of our version."""
    if path is None:
        return _Cache()
    try:
        cache = msgspec.msgpack.decode(path.read_bytes(), type=_Cache)
        usable = cache.version == _CACHE_VERSION and all(
            0 <= number < len(cache.texts)
            for file in cache.files.values()
            for row in file.rows
            for number in (row.method, row.operation, row.model)
        )
    except (OSError, msgspec.DecodeError, ValueError):
        return _Cache()
    return cache if usable else _Cache()


def _save_cache(path: Path, cache: _Cache) -> None:
    """Keep an index for the next run. A cache that can't be written is done without."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.msgpack.encode(cache))
        temporary.replace(path)
    except OSError:
        return
