"""Which line of a tape may follow which, whatever else the lines hold."""

import msgspec

from tokentape.errors import FormatError


class Line(msgspec.Struct, gc=False):
    """What every line behind the first says of itself."""

    line: str
    exchange: int
    offset_us: int | None = None


class _Open:
    """An exchange that has not ended."""

    __slots__ = ("last_us", "responded")

    def __init__(self) -> None:
        self.last_us = 0
        self.responded = False


class LineOrder:
    """Lines in the order in which they stand; `next` is the number of the next exchange.

    `next` is at first the number that the first request line must have. What is kept is bounded by
    the exchanges that are in progress at the same time.
    """

    def __init__(self, first: int = 0) -> None:
        self.next = first
        self._first = first
        self._open: dict[int, _Open] = {}

    def follow(self, line: Line) -> None:
        """Take the next line. Raises FormatError where it can't stand there."""
        number, kind = line.exchange, line.line
        if kind == "request":
            if number != self.next:
                raise FormatError(
                    f"expected the request of exchange {self.next} next, got exchange {number}"
                )
            self.next += 1
            self._open[number] = _Open()
            return
        if kind not in ("response", "read", "end"):
            raise FormatError(
                f"expected a line of kind request, response, read or end, got {kind!r}"
            )
        exchange = self._open.get(number)
        if exchange is None:
            if self._first <= number < self.next:
                raise FormatError(
                    f"expected no line of exchange {number} behind its end line, got another "
                    f"{kind!r}"
                )
            raise FormatError(
                f"expected a request line for exchange {number} before its {kind} line"
            )
        if kind == "response":
            if exchange.responded:
                raise FormatError(f"expected one response line of exchange {number}, got a second")
            exchange.responded = True
        elif kind == "read" and not exchange.responded:
            raise FormatError(f"expected a response line of exchange {number} before its reads")
        if line.offset_us is not None:
            if line.offset_us < exchange.last_us:
                raise FormatError(
                    f"expected the offset of this {kind} to be at least {exchange.last_us} µs, "
                    f"that of the line before it; got {line.offset_us} µs"
                )
            exchange.last_us = line.offset_us
        if kind == "end":
            del self._open[number]
