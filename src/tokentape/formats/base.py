"""What a format is: how it is recognised, read and written, and what it cannot hold."""

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from tokentape.formats.fields import header_lists
from tokentape.limits import Limits
from tokentape.model import Exchange, Fidelity, Headers, Tape


class Aspect(StrEnum):
    """What a recording may know. A format declares what it holds; `convert` reports the rest."""

    FIDELITY = "fidelity"
    REQUEST = "request"
    REQUEST_HEADERS = "request headers"
    REQUEST_BODY_BYTES = "request body bytes"
    STARTED = "start time"
    HTTP_VERSION = "http version"
    STATUS = "status"
    RESPONSE_HEADERS = "response headers"
    HEADER_ORDER = "header order"
    TIME_TO_HEADERS = "time to headers"
    READS = "read boundaries"
    READ_TIMES = "read times"
    DURATION = "duration"
    BODY_BYTES = "response body bytes"
    ENDING = "ending"
    SCOPE = "scope"
    NOTES = "notes"
    SEVERAL = "more than one exchange"


EVERYTHING = frozenset(Aspect)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One on-disk format.

    `sniff(data, name)` says whether decompressed, unnumbered bytes look like this format; it must
    be cheap and must not raise. `read(data, name, limits)` gives the tape or raises FormatError,
    RefusedError or LimitError. `write(tape)` gives the file's bytes, or is None where the format
    is only read. `suffixes` are the endings of a destination that mean this format.
    `looked_up(exchange)` is the file name under which the format's own tools look for a request;
    None where they do not go by it. It raises FormatError where the request has no such name.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    sniff: Callable[[bytes, str], bool]
    read: Callable[[bytes, str, Limits], Tape]
    write: Callable[[Tape], bytes] | None = None
    holds: frozenset[Aspect] = frozenset()
    looked_up: Callable[[Exchange], str] | None = None


def known(exchange: Exchange) -> frozenset[Aspect]:
    """What this exchange knows, so that `known - format.holds` is what writing it would lose."""
    found: set[Aspect] = set()
    request, response = exchange.request, exchange.response
    if exchange.fidelity is Fidelity.EVENTS:
        # Elsewhere the rendered bytes would pass for recorded ones.
        found.add(Aspect.FIDELITY)
    if request.url:
        found.add(Aspect.REQUEST)
    if any(map(_is_mixed, (request.headers, response.headers if response else ()))):
        found.add(Aspect.HEADER_ORDER)
    if request.headers:
        found.add(Aspect.REQUEST_HEADERS)
    if request.body:
        found.add(Aspect.REQUEST_BODY_BYTES)
    if request.started is not None:
        found.add(Aspect.STARTED)
    if request.http_version or (response is not None and response.http_version):
        found.add(Aspect.HTTP_VERSION)
    if exchange.ending != "complete":
        found.add(Aspect.ENDING)
    if exchange.scope is not None:
        found.add(Aspect.SCOPE)
    if exchange.notes:
        found.add(Aspect.NOTES)
    if exchange.end_offset_us is not None:
        found.add(Aspect.DURATION)
    if response is not None:
        found.add(Aspect.STATUS)
        if response.headers:
            found.add(Aspect.RESPONSE_HEADERS)
        if response.offset_us is not None:
            found.add(Aspect.TIME_TO_HEADERS)
        if exchange.fidelity is not Fidelity.EVENTS and response.body:
            found.add(Aspect.BODY_BYTES)
        if exchange.fidelity is Fidelity.WIRE:
            found.add(Aspect.READS)
            if any(read.offset_us is not None for read in response.reads):
                found.add(Aspect.READ_TIMES)
    return frozenset(found)


def _is_mixed(headers: Headers) -> bool:
    """Whether a header comes again behind another, which a mapping of names can't hold."""
    names = [name for name, _ in headers]
    grouped = [name for name, values in header_lists(headers).items() for _ in values]
    return names != grouped


def losses(exchanges: Iterable[Exchange], holds: frozenset[Aspect]) -> tuple[Aspect, ...]:
    """What these exchanges know and a format that `holds` this much can't keep, in fixed order."""
    exchanges = tuple(exchanges)
    lost = set().union(*(known(exchange) for exchange in exchanges)) - holds
    if len(exchanges) > 1 and Aspect.SEVERAL not in holds:
        lost.add(Aspect.SEVERAL)
    return tuple(aspect for aspect in Aspect if aspect in lost)
