"""SSE: the bytes of the event stream."""

import re

from tokentape.linting.state import Stream
from tokentape.sse import Event

_BOM = b"\xef\xbb\xbf"
# A line that is no comment and not empty.
_FIELD = re.compile(rb"(?:\A|[\r\n])[^:\r\n]")
_MOST_HELD = 1 << 16
_BLANK = (b"\n\n", b"\r\r", b"\r\n\r\n")
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n)")


class Frames:
    """Looks at the bytes between one event's end and the next one's, comments included.

    A frame of the usual form, `data: ` and a blank line, is told by its length alone.
    """

    def __init__(self, stream: Stream, *, chat: bool) -> None:
        self._stream = stream
        self._chat = chat
        self.past_reader = 0  # bytes of the stream that came past here; offsets are without them
        self._held: list[bytes] = []
        self._buffer = b""
        self._offset = 0  # of the buffer's first byte in the stream
        self._size = 0  # of the bytes that are held
        self._most = _MOST_HELD
        self._looked = 0  # up to where the stream is looked at

    def feed(self, data: bytes) -> None:
        """More bytes."""
        self._held.append(data)
        self._size += len(data)

    def shed(self) -> None:
        """After a read that brought no event: let go of bytes that none needs.

        Comments, and fields without data, can come for ever.
        """
        if self._size <= self._most:
            return
        self.join()
        held = self._buffer
        end = max(held.rfind(mark) + len(mark) if mark in held else 0 for mark in _BLANK)
        if _FIELD.search(held, end) is None:
            end = max(held.rfind(b"\n"), held.rfind(b"\r"), end - 1) + 1
        if end:
            self._odd(held[:end], self._offset, None)
            self._looked = self._offset + end
        # A long event is kept whole, as the reader of events keeps it.
        self._size = len(held) - end
        self._most = max(_MOST_HELD, 2 * self._size)

    def join(self) -> None:
        """Make the bytes that came ready for `check`."""
        self._size = 0
        self._buffer = self._buffer[self._looked - self._offset :]
        self._offset = self._looked
        self._buffer = b"".join((self._buffer, *self._held)) if self._buffer else self._joined()
        self._held.clear()

    def _joined(self) -> bytes:
        return self._held[0] if len(self._held) == 1 else b"".join(self._held)

    def check(self, event: Event) -> None:
        """The bytes from the last event's end to this one's."""
        start = self._looked
        self._looked = event.end
        data = event.data
        size = len(data) if data.isascii() else len(data.encode())
        # U+FFFD stands for what is no UTF-8, if it did not come as such.
        if event.end - start == size + 8 and data and "\ufffd" not in data:
            return
        self._odd(self._buffer[start - self._offset : event.end - self._offset], start, data)

    def end(self) -> None:
        """The bytes behind the last event, which no blank line closed or which hold no data."""
        self.join()
        rest = self._buffer
        if rest:
            self._odd(rest, self._offset, None)
        self._buffer = b""

    def _report(self, code: str, message: str, offset: int) -> None:
        self._stream.report(code, message, offset=offset + self.past_reader)

    def _odd(self, frame: bytes, start: int, data: str | None) -> None:
        report = self._report
        if start + self.past_reader == 0 and frame.startswith(_BOM):
            if self._chat:
                report("SSE108", "the stream begins with a byte order mark", offset=0)
            frame, start = frame[len(_BOM) :], len(_BOM)
        if not frame.isascii():
            try:
                frame.decode()
            except UnicodeDecodeError as error:
                report(
                    "SSE107",
                    f"byte {frame[error.start]:#04x} is no UTF-8: {error.reason}",
                    offset=start + error.start,
                )
        if not self._chat:
            return
        if data is not None and "\n" in data:
            report("SSE105", f"the data is in {data.count(chr(10)) + 1} lines", offset=start)
        self._lines(frame, start)

    def _lines(self, frame: bytes, start: int) -> None:
        """Comments, and events without data: an empty `data:` line, or fields and none at all."""
        begin: int | None = None  # where the fields of the event began
        brings = False
        for line in _LINE.finditer(frame):
            text = line.group(1)
            if not text:
                if begin is not None and not brings:
                    self._report("SSE109", "an event without data", offset=start + begin)
                begin, brings = None, False
            elif text.startswith(b":"):
                shown = text[:60].decode("utf-8", "backslashreplace")
                self._report("SSE110", f"a comment: {shown!r}", offset=start + line.start())
            else:
                begin = line.start() if begin is None else begin
                name, _, value = text.partition(b":")
                brings = brings or (name == b"data" and bool(value.removeprefix(b" ")))


def end_frames(stream: Stream, *, pending: bool, done: bool, over: bool, chat: bool) -> None:
    """How the stream ends: `pending` bytes that nothing closed, and whether `[DONE]` came."""
    if not over:
        return
    if pending:
        stream.report_stream("SSE106", "the stream ends within an event: no blank line closes it")
    if chat and not done:
        stream.report_stream("SSE101", "the stream ends without [DONE]")
