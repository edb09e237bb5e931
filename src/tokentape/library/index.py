"""What lies where: an entry per exchange, kept small; bodies stay on disk until they are asked for.

Native tapes are read where they lie. Exchanges of any other format are spooled, once, as native
lines into an unnamed temporary file, so that both are loaded the same way.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tokentape import view
from tokentape.errors import FormatError, RepairNeeded, TokenTapeError
from tokentape.formats import tape as native
from tokentape.library.files import Found, Refusal, find, open_file, read_bytes, refusal
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.matching import body_key
from tokentape.model import Exchange

_CACHE_VERSION = 1
# A folder that is indexed in a blink needs no cache beside it.
_CACHE_FROM = 2_000


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What the library keeps in memory of one exchange.

    `number` is its place in path order; `exchange` its place in the tape. `body_key` is None where
    the recording does not know its request. `start` and `end` are the bytes of its lines, in the
    tape or, where `spooled`, in the spool.
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


class _File(msgspec.Struct, frozen=True, array_like=True):
    """The identity of an indexed native tape, and its entries."""

    size: int
    mtime_ns: int
    entries: list[Entry]


class _Cache(msgspec.Struct, array_like=True):
    version: int
    files: dict[str, _File]


def _entry(
    exchange: Exchange, found: Found, number: int, span: tuple[int, int], spooled: bool
) -> Entry:
    return Entry(
        number=0,
        path=str(found.path),
        exchange=number,
        scope=exchange.scope if exchange.scope is not None else found.scope,
        method=sys.intern(exchange.request.method.upper()),
        operation=sys.intern(view.operation_of(exchange)),
        body_key=body_key(exchange.request.body),
        model=sys.intern(view.model(exchange)),
        streaming=view.is_streaming(exchange),
        status=exchange.response.status if exchange.response else 0,
        start=span[0],
        end=span[1],
        spooled=spooled,
    )


def _index_native(data: bytes, found: Found) -> list[Entry]:
    """Entries of a native tape. Raises FormatError, LimitError."""
    tape = native.read(data, str(found.path), DEFAULT_LIMITS)
    return [
        _entry(exchange, found, number, span, spooled=False)
        for number, (exchange, span) in enumerate(
            zip(tape.exchanges, native.spans(data), strict=True)
        )
    ]


class Library:
    """Every exchange below the given paths, in path order.

    `refused` lists the files that hold none that we read. A folder that can't be listed raises
    UsageError; a file never does.
    """

    def __init__(
        self,
        paths: Iterable[Path | str],
        *,
        repair: bool = False,
        limits: Limits = DEFAULT_LIMITS,
        cache: Path | None = None,
    ) -> None:
        self.entries: Sequence[Entry] = []
        self.refused: list[Refusal] = []
        self._repair = repair
        self._limits = limits
        self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the library
        self._spooled = 0
        self._identity: dict[str, tuple[int, int]] = {}
        paths = [Path(path) for path in paths]
        cache_file = cache / _cache_name(paths) if cache is not None else None
        known = _load_cache(cache_file)
        files: dict[str, _File] = {}
        for found in find(paths):
            path = str(found.path)
            try:
                status = os.stat(path)
                identity = (status.st_size, status.st_mtime_ns)
                cached = known.get(path)
                if cached is not None and (cached.size, cached.mtime_ns) == identity:
                    files[path] = cached
                else:
                    entries = self._index(found)
                    files[path] = _File(*identity, entries)
                self._identity[path] = identity
            except (TokenTapeError, OSError) as error:
                self.refused.append(refusal(found.path, error))
        self.entries = [
            msgspec.structs.replace(entry, number=number)
            for number, entry in enumerate(e for file in files.values() for e in file.entries)
        ]
        if cache_file is not None and len(self.entries) >= _CACHE_FROM and files != known:
            _save_cache(cache_file, files)

    def _index(self, found: Found) -> list[Entry]:
        if found.path.suffix != ".zst":
            data = read_bytes(found.path, self._limits)
            if native.sniff(data, str(found.path)):
                return _index_native(data, found)
        try:
            opened = open_file(found.path, repair=self._repair, limits=self._limits)
        except RepairNeeded as error:
            raise error
        entries: list[Entry] = []
        for number, exchange in enumerate(opened.tape.exchanges):
            lines = b"".join(native.exchange_lines(number, exchange))
            start = self._spooled
            self._spool.seek(start)
            self._spool.write(lines)
            self._spooled = start + len(lines)
            entries.append(_entry(exchange, found, number, (start, self._spooled), spooled=True))
        self._spool.flush()
        return entries

    def load(self, entry: Entry) -> Exchange:
        """Read one exchange from disk.

        Raises FormatError where its tape changed or vanished since it was indexed.
        """
        if entry.spooled:
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
            if (status.st_size, status.st_mtime_ns) != self._identity[entry.path]:
                raise FormatError(
                    "the tape changed since it was indexed; restart the server", path=entry.path
                )
            return os.pread(descriptor, entry.end - entry.start, entry.start)
        finally:
            os.close(descriptor)

    def models(self) -> list[str]:
        """The models on the tapes, sorted."""
        return sorted({entry.model for entry in self.entries if entry.model})

    def close(self) -> None:
        """Give the spool back."""
        self._spool.close()


def default_cache() -> Path:
    """Where indexes are kept between runs (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(home) / "tokentape"


def _cache_name(paths: Sequence[Path]) -> str:
    where = "\0".join(str(path.absolute()) for path in paths)
    return f"index-{hashlib.sha256(os.fsencode(where)).hexdigest()[:32]}.msgpack"


def _load_cache(path: Path | None) -> dict[str, _File]:
    """What an earlier run left. A cache is never trusted to be there, whole, or of our version."""
    if path is None:
        return {}
    try:
        cache = msgspec.msgpack.decode(path.read_bytes(), type=_Cache)
    except (OSError, msgspec.DecodeError, ValueError):
        return {}
    return cache.files if cache.version == _CACHE_VERSION else {}


def _save_cache(path: Path, files: dict[str, _File]) -> None:
    """Keep the entries of native tapes. A cache that can't be written is done without."""
    kept = {name: file for name, file in files.items() if not any(e.spooled for e in file.entries)}
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.msgpack.encode(_Cache(_CACHE_VERSION, kept)))
        temporary.replace(path)
    except OSError:
        return
