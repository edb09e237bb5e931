"""Recordings in and out: bytes to a tape and a tape to bytes, by format.

`read` takes any bytes and gives a Reading or raises one of our errors; `write` gives the bytes of
a file. Nothing here opens files.
"""

import msgspec

from tokentape.errors import FormatError, LimitError, RepairNeeded, TokenTapeError, UsageError
from tokentape.formats import (
    event_stream,
    go_vcr,
    har,
    llama_stack,
    refusals,
    transcript,
    unpack,
    vcrpy,
)
from tokentape.formats import (
    repair as mending,
)
from tokentape.formats import (
    tape as native,
)
from tokentape.formats.base import Format, losses
from tokentape.formats.fields import reads
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.media import EVENT_STREAM, media_type
from tokentape.model import REPAIRED, Exchange, Fidelity, Tape

__all__ = ["FORMATS", "Reading", "by_name", "detect", "losses", "read", "write"]

# In the order they are tried: the ones with the surest marks first.
FORMATS: tuple[Format, ...] = (
    native.FORMAT,
    har.FORMAT,
    llama_stack.FORMAT,
    go_vcr.FORMAT,
    vcrpy.FORMAT,
    event_stream.FORMAT,
    transcript.FORMAT,
)

_BY_NAME = {format.name: format for format in FORMATS}
# Endings that packing puts behind a name.
_PACKED = (".gz", ".zst")
_LISTING = "line numbers of a listing taken off"


class Reading(msgspec.Struct, frozen=True):
    """A tape, the name of the format it was read from, and what was repaired."""

    tape: Tape
    format: str
    repairs: tuple[str, ...] = ()


def by_name(name: str) -> Format:
    """The format of this name. Raises UsageError, which lists the known ones."""
    try:
        return _BY_NAME[name]
    except KeyError:
        known = ", ".join(_BY_NAME)
        raise UsageError(f"expected a format, one of {known}; got {name!r}") from None


def detect(data: bytes, name: str) -> Format:
    """The format of these bytes, by content, then by a name that means one format only.

    Raises RefusedError, which names what the bytes are instead.
    """
    for format in FORMATS:
        if format.sniff(data, name):
            return format
    if data.strip():
        for format in FORMATS:
            if name.endswith(format.suffixes):
                return format
    raise refusals.refusal(data)


def read(
    data: bytes,
    name: str,
    *,
    format: str | None = None,
    repair: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Reading:
    """The tape in a file's bytes; `name` is its path with `/`, for detection and messages.

    gzip and zstd are undone, a byte order mark and the numbers of a listing are taken off.
    Raises RefusedError where the file is no recording, RepairNeeded where it is broken but clear
    and `repair` is False, FormatError where it is damaged, LimitError beyond the limits.
    """
    try:
        return _read(data, name, None if format is None else by_name(format), repair, limits)
    except RecursionError:
        raise LimitError("nested too deep", path=name) from None
    except TokenTapeError as error:
        error.at(name)
        raise


def _read(data: bytes, name: str, chosen: Format | None, repair: bool, limits: Limits) -> Reading:
    if chosen is event_stream.FORMAT and not name.endswith(_PACKED):
        # Said to be a body as it came: whatever its first bytes look like, they are its own.
        unpacked = unpack.Unpacked(data)
    else:
        unpacked = unpack.decompress(data, limits)
    packed_name = name
    for ending in _PACKED:
        packed_name = packed_name.removesuffix(ending)
    text = unpacked.data
    is_native = chosen is native.FORMAT or native.FORMAT.sniff(text, packed_name)
    # A killed recorder leaves a tape that opens, packed or not.
    if not unpacked.ended and not is_native:
        raise FormatError("expected a whole compressed file, got one that breaks off")
    notes: tuple[str, ...] = ()
    if not is_native and (listed := unpack.unnumbered(text)) is not None:
        text, notes = listed, (_LISTING,)
    found = chosen or detect(unpack.without_bom(text), packed_name)
    if found is not event_stream.FORMAT:
        text = unpack.without_bom(text)
    tape = found.read(text, packed_name, limits)
    exchanges, repairs = _mended(tape.exchanges, repair)
    if notes or repairs:
        noted = [
            msgspec.structs.replace(exchange, notes=(*notes, *exchange.notes))
            if notes
            else exchange
            for exchange in exchanges
        ]
        tape = msgspec.structs.replace(tape, exchanges=tuple(noted))
    return Reading(tape, found.name, repairs)


def _mended(
    exchanges: tuple[Exchange, ...], repair: bool
) -> tuple[tuple[Exchange, ...], tuple[str, ...]]:
    found: list[Exchange] = []
    repairs: list[str] = []
    for number, exchange in enumerate(exchanges):
        count = mending.run_together(exchange.body) if _may_need_repair(exchange) else 0
        if not count or exchange.response is None:
            found.append(exchange)
            continue
        what = f"a blank line put behind {count} events that ran together"
        repairs.append(what if len(exchanges) == 1 else f"exchange {number}: {what}")
        body = reads(mending.separated(exchange.body))
        response = msgspec.structs.replace(exchange.response, reads=body)
        notes = (*exchange.notes, REPAIRED + what)
        found.append(msgspec.structs.replace(exchange, response=response, notes=notes))
    if repairs and not repair:
        raise RepairNeeded(tuple(repairs))
    return tuple(found), tuple(repairs)


def _may_need_repair(exchange: Exchange) -> bool:
    # What came over the wire so is the truth about it, broken or not.
    if exchange.response is None or exchange.fidelity is Fidelity.WIRE:
        return False
    return media_type(exchange.response.headers) in ("", EVENT_STREAM)


def write(tape: Tape, format: str) -> bytes:
    """The bytes of a file of this format.

    Raises UsageError where it can't be written, LimitError where its values are nested too deep.
    """
    chosen = by_name(format)
    if chosen.write is None:
        written = ", ".join(known.name for known in FORMATS if known.write is not None)
        raise UsageError(f"{format} is only read; written are {written}")
    try:
        return chosen.write(tape)
    except RecursionError:
        raise LimitError(f"nested too deep to be written as {format}") from None
