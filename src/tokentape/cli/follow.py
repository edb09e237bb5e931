"""The bytes of one event stream while it runs: its content coding undone, within bounds."""

from tokentape.content import Decoder
from tokentape.errors import TokenTapeError
from tokentape.limits import Limits

# A stream of more decoded bytes, or of so many without a blank line, is followed no further.
_MOST_DECODED = 64 * 1024 * 1024
_MOST_PENDING = 16 * 1024 * 1024
# By so many bytes a body that is not in the coding that its headers name is told from one that is.
_TELLING = 16
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r", b"\r\n\r")


class Follow:
    """Give it the reads in order. `coding` is that of the response, "" where there is none."""

    def __init__(self, coding: str) -> None:
        self._coding = "" if coding == "identity" else coding
        self._decoder: Decoder | None = None
        self._first = b""  # until it is made
        self._pending = 0
        self._tail = b""

    def take(self, data: bytes) -> bytes:
        """The decoded bytes of one read. Raises TokenTapeError where it can't be followed further:
        a coding that can't be undone, or more than is kept of one event.
        """
        if self._coding:
            if self._decoder is None:
                data = self._first = self._first + data
                if len(data) < _TELLING:
                    return b""
                self._decoder = Decoder(data, self._coding, Limits(max_bytes=_MOST_DECODED))
            data = self._decoder.feed(data)
        # A blank line may be cut by the end of a read.
        seam = self._tail + data
        self._tail = seam[-3:]
        self._pending += len(data)
        if any(blank in seam for blank in _BLANK_LINES):
            self._pending = 0
        elif self._pending > _MOST_PENDING:
            raise TokenTapeError(f"no blank line within {_MOST_PENDING} bytes")
        return data
