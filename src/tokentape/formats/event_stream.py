"""A bare event stream, as `curl -N` prints it: one response body and nothing else."""

import re

from tokentape.errors import UsageError
from tokentape.formats.base import Aspect, Format
from tokentape.formats.fields import reads
from tokentape.limits import Limits
from tokentape.media import EVENT_STREAM
from tokentape.model import Exchange, Request, Response, Tape

NAME = "sse"
SUFFIX = ".sse"

_HEADERS = (("content-type", EVENT_STREAM),)
_FIRST = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?::|(?:data|event|id|retry)(?::|\r|\n))")
_DATA = re.compile(rb"^data:", re.MULTILINE)
_SNIFFED = 1 << 16


def sniff(data: bytes, name: str) -> bool:
    """The first line is a comment or a field, and there is data."""
    head = data[:_SNIFFED]
    return _FIRST.match(head) is not None and (
        _DATA.search(head) is not None or name.endswith(SUFFIX)
    )


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """One exchange: the file is its response body, the request is not known."""
    exchange = Exchange(
        request=Request(method="POST", url="", body=None),
        response=Response(status=200, headers=_HEADERS, reads=reads(data)),
    )
    return Tape(exchanges=(exchange,))


def write(tape: Tape) -> bytes:
    """The body of the one exchange. Raises UsageError where there are none or more."""
    if len(tape.exchanges) != 1:
        raise UsageError(
            f"an event stream file holds exactly one exchange, this tape has {len(tape.exchanges)};"
            " choose one with --exchange"
        )
    return tape.exchanges[0].body


FORMAT = Format(
    name=NAME,
    title="event stream",
    suffixes=(SUFFIX,),
    sniff=sniff,
    read=read,
    write=write,
    holds=frozenset({Aspect.BODY_BYTES}),
)
