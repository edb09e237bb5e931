"""Recordings as files: found in folders, opened whatever their format, saved whole."""

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import zstandard

from tokentape import formats
from tokentape.errors import (
    LimitError,
    RefusedError,
    RepairNeeded,
    TokenTapeError,
    UsageError,
)
from tokentape.formats.base import Format
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.model import Tape

# Endings that say how a recording is kept, not what it is called.
_SUFFIXES = (*(".tape.jsonl", ".jsonl", ".json", ".yaml", ".yml", ".har", ".sse", ".txt", ".log"),)


class Exists(UsageError):
    """There is a file at the destination, and it was not to be replaced."""


class Found(msgspec.Struct, frozen=True, gc=False):
    """A file to open; `scope` is its path below the folder it was found in, without the suffix.

    `size` and `mtime_ns` are what it was when it was found; -1 where that could not be told.
    """

    path: str
    scope: str
    size: int = -1
    mtime_ns: int = -1


class Refusal(msgspec.Struct, frozen=True):
    """A file that was not opened: what it is, and why that is no recording of ours."""

    path: str
    what: str
    why: str


class Opened(msgspec.Struct, frozen=True):
    """A tape with the format it was in. `repairs` is not empty where it needed repair."""

    path: Path
    tape: Tape
    format: str
    repairs: tuple[str, ...] = ()


def scope_of(path: str) -> str:
    """The scope a file stands for: its path, with `/` between, without its format's suffixes."""
    scope = path.replace(os.sep, "/").removesuffix(".zst").removesuffix(".gz")
    for suffix in _SUFFIXES:
        if scope.endswith(suffix) and not f"/{scope}".endswith(f"/{suffix}"):
            return scope.removesuffix(suffix)
    return scope


def refusal(path: str, error: Exception) -> Refusal:
    """What to tell the user of a file that was not opened."""
    if isinstance(error, RefusedError):
        return Refusal(path, error.what, error.why)
    if isinstance(error, RepairNeeded):
        return Refusal(path, "needs repair", "; ".join(error.repairs) + "; open it with --repair")
    if isinstance(error, TokenTapeError):
        line = "" if error.line is None else f"line {error.line}: "
        what = "over the limits" if isinstance(error, LimitError) else "damaged"
        return Refusal(path, what, line + error.message)
    if isinstance(error, OSError):
        return Refusal(path, "unreadable", error.strerror or str(error))
    raise error


def _walk(root: str) -> Iterator[Found]:
    """Every file below a folder in the order of its path, hidden names left out.

    Links to folders are not followed: what they lead to is either walked anyway or outside. A
    folder below that can't be listed is given as if it were a file, which then can't be read.
    """
    real = os.path.realpath(root)
    below = len(os.path.join(root, ""))
    # A stack of our own: folders may be nested deeper than Python may call, or than files open.
    todo = [_listed(root, real, below)]
    while todo:
        if not todo[-1]:
            todo.pop()
            continue
        item = todo[-1].pop()
        if isinstance(item, Found):
            yield item
            continue
        try:
            todo.append(_listed(item, real, below))
        except OSError:
            yield Found(item, scope_of(item[below:]))


def _listed(folder: str, root: str, below: int) -> list[Found | str]:
    """What is in a folder, the last name first; a folder in it as its path."""
    # From an open folder the kernel finds a file by its name alone: a third faster for many.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    before = os.path.join(folder, "")
    found: list[Found | str] = []
    try:
        with os.scandir(descriptor) as listing:
            entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = before + entry.name
            if entry.is_dir(follow_symlinks=False):
                found.append(path)
            elif not entry.is_symlink() or _leads_to_file_in(path, root):
                found.append(_found(path, below, entry))
    finally:
        os.close(descriptor)
    return found


def _leads_to_file_in(path: str, root: str) -> bool:
    # Where links lead in a circle, realpath gives one of them.
    return not os.path.isdir(path) and Path(os.path.realpath(path)).is_relative_to(root)


def _found(path: str, below: int, entry: "os.DirEntry[str]") -> Found:
    try:
        status = entry.stat()
    except OSError:
        return Found(path, scope_of(path[below:]))
    return Found(path, scope_of(path[below:]), status.st_size, status.st_mtime_ns)


def find(paths: Iterable[Path | str]) -> Iterator[Found]:
    """The files that these paths name, folders walked, in path order; none of them twice.

    Raises UsageError where a path does not exist or is a folder that can't be listed.
    """
    given = [os.fspath(path) for path in paths]
    seen: set[str] = set()
    for root in given:
        for found in _below(root):
            if len(given) > 1:
                real = os.path.abspath(found.path)
                if real in seen:
                    continue
                seen.add(real)
            yield found


def _below(root: str) -> Iterator[Found]:
    """The files of one path that was given."""
    if os.path.isdir(root):
        try:
            yield from _walk(root)
        except OSError as error:
            raise UsageError(f"{error.filename} can't be listed: {error.strerror}") from None
    elif os.path.exists(root):
        status = os.stat(root)
        scope = scope_of(os.path.basename(root))
        yield Found(root, scope, status.st_size, status.st_mtime_ns)
    else:
        raise UsageError(f"no such file or folder: {root}")


def _opened(path: str, flags: int) -> int:
    # Else a pipe that nobody writes to would hold us for ever.
    return os.open(path, flags | os.O_NONBLOCK)


def read_bytes(path: Path | str, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """A regular file's bytes. Raises OSError, LimitError; RefusedError for pipes and devices."""
    with open(path, "rb", opener=_opened) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise RefusedError("not a regular file", "only files and folders are read")
        if status.st_size > limits.max_bytes:
            raise LimitError(
                f"expected at most {limits.max_bytes} bytes, got {status.st_size}; "
                "raise the limit: Limits(max_bytes=…), --max-bytes"
            )
        return file.read()


def open_file(
    path: Path | str,
    *,
    format: str | None = None,
    repair: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Opened:
    """Open one recording of any format.

    Raises OSError where the file can't be read, RepairNeeded where it is broken but clear and
    `repair` is False, RefusedError where it is no recording, FormatError and LimitError.
    """
    path = Path(path)
    try:
        data = read_bytes(path, limits)
        reading = formats.read(data, path.as_posix(), format=format, repair=repair, limits=limits)
    except TokenTapeError as error:
        raise error.at(str(path)) from None
    return Opened(path, reading.tape, reading.format, reading.repairs)


def load(
    path: Path | str,
    *,
    format: str | None = None,
    repair: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Tape:
    """The tape in a file of any format; `open_file` says which format it was. Same errors."""
    return open_file(path, format=format, repair=repair, limits=limits).tape


def format_for(path: Path | str) -> Format:
    """The format that a destination's name means. Raises UsageError where it means none."""
    name = Path(path).name
    matches = [
        (len(suffix), format.name)
        for format in formats.FORMATS
        if format.write is not None
        for suffix in format.suffixes
        if name.endswith(suffix)
    ]
    if not matches:
        writable = [format for format in formats.FORMATS if format.write is not None]
        known = ", ".join(f"{f.suffixes[0]} ({f.name})" for f in writable if f.suffixes)
        raise UsageError(f"{path}: the name says no format; say it with --to, or end in {known}")
    return formats.by_name(max(matches)[1])


def _compressed(data: bytes, path: Path) -> bytes:
    return zstandard.ZstdCompressor(level=9).compress(data) if path.suffix == ".zst" else data


def save(tape: Tape, path: Path | str, *, format: str | None = None, force: bool = False) -> None:
    """Write a tape as a file, whole or not at all; `.zst` compresses.

    The format is the one named, else the one the name ends in. Raises UsageError where the file
    exists and `force` is False (Exists), where it can't be written, or where the format can't
    hold it.
    """
    path = Path(path)
    chosen = formats.by_name(format) if format is not None else format_for(path)
    data = _compressed(formats.write(tape, chosen.name), path)
    write_whole(data, path, force=force)


def write_whole(data: bytes, path: Path, *, force: bool) -> None:
    """Put bytes at a path in one step: a failure leaves what was there, and nothing else."""
    temporary: Path | None = None
    try:
        if path.exists():
            if not path.is_file():
                raise UsageError(f"{path} can't be written: it is not a regular file")
            if not force:
                raise FileExistsError
        beside = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        temporary = beside
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(temporary, path)
        else:
            # A link never replaces what another process put there since we looked.
            os.link(temporary, path)
    except FileExistsError:
        raise Exists(f"{path} exists; pass force=True to replace it") from None
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
