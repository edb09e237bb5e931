"""TIM: when content came, by the offsets of the reads that brought it."""

from tokentape.linting.state import Stream


class Pace:
    """The offsets of content events, folded as they come. Offsets are microseconds."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._events = 0
        self._first: int | None = None
        self._last = 0
        self._known = True

    def content(self, offset_us: int | None) -> None:
        """An event that brings content, in a read of this offset."""
        if offset_us is None:
            self._known = False
            return
        self._events += 1
        if self._first is None:
            self._first = offset_us
        else:
            pause_us = offset_us - self._last
            if pause_us > self._stream.thresholds.stall_ms * 1000:
                self._stream.report("TIM902", f"{pause_us / 1e6:.1f} s without content")
        self._last = offset_us

    def end(self) -> None:
        """No more content."""
        limits = self._stream.thresholds
        if not self._known or self._first is None or self._events < limits.burst_events:
            return
        took_us = self._last - self._first
        waited = self._first >= limits.burst_wait_ms * 1000
        if waited and (self._events - 1) * 1_000_000 > limits.burst_rate * took_us:
            self._stream.report_stream(
                "TIM901",
                f"{self._events} content events within {took_us / 1000:.1f} ms, "
                f"after {self._first / 1000:.0f} ms of waiting",
            )
