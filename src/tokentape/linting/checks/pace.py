"""TIM: when content came, by the offsets of the reads that brought it."""

from tokentape.linting.state import Stream
from tokentape.linting.thresholds import Thresholds


class _Bursts:
    """The longest run of events that came faster than `burst_rate`."""

    __slots__ = ("_begun", "_rate", "_run", "events", "most", "start_us", "took_us")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self.events = 0
        # The run that is not over: its events and its first offset.
        self._run = 0
        self._begun = 0
        # The longest.
        self.most = 0
        self.start_us = 0
        self.took_us = 0

    def add(self, offset_us: int, count: int) -> None:
        """Events in reads of one offset."""
        self.events += count
        run = self._run + count
        took_us = offset_us - self._begun
        if run == count or (run - 1) * 1_000_000 <= self._rate * took_us:
            run, self._begun, took_us = count, offset_us, 0
        self._run = run
        if run > self.most:
            self.most, self.start_us, self.took_us = run, self._begun, took_us

    def copy(self) -> "_Bursts":
        """Another one that is where this one is."""
        other = _Bursts(self._rate)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def told(self, limits: Thresholds, what: str) -> str:
        """What to say of it; "" where it is not one answer cut up."""
        if (
            self.most < max(limits.burst_events, 2)
            or self.most < limits.burst_share * self.events
            or self.start_us < limits.burst_wait_ms * 1000
        ):
            return ""
        return (
            f"{self.most} of {self.events} {what} within {self.took_us / 1000:.1f} ms, "
            f"{self.start_us / 1000:.0f} ms after the request"
        )


class Pace:
    """The offsets of content events, folded as they come. Offsets are microseconds."""

    __slots__ = (
        *("_all", "_known", "_last", "_stall_us", "_stream", "_text", "_texts", "_thoughts"),
    )

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._stall_us = stream.thresholds.stall_ms * 1000
        self._last: int | None = -1  # of the last content, below 0 where there was none
        self._known = True
        # Of the reads at the last offset: events with text or tools, and with reasoning only.
        self._texts = 0
        self._thoughts = 0
        self._text = _Bursts(stream.thresholds.burst_rate)
        self._all: _Bursts | None = None  # reasoning too, once there is any

    def content(self, offset_us: int | None) -> None:
        """An event that brings text or tool calls, in a read of this offset."""
        last = self._last
        if offset_us != last:
            self._last = offset_us
            if offset_us is None or last is None:
                self._known = False
            elif last >= 0:
                if self._all is None and not self._thoughts:
                    self._text.add(last, self._texts)
                    self._texts = 0
                else:
                    self._fold(last)
                pause_us = offset_us - last
                if pause_us > self._stall_us:
                    self._stream.report("TIM902", f"{pause_us / 1e6:.1f} s without content")
        self._texts += 1

    def reasoning(self, offset_us: int | None) -> None:
        """An event that brings reasoning and nothing else."""
        self.content(offset_us)
        self._texts -= 1
        self._thoughts += 1

    def _fold(self, offset_us: int) -> None:
        if self._thoughts and self._all is None:
            self._all = self._text.copy()
        if self._all is not None:
            self._all.add(offset_us, self._texts + self._thoughts)
        if self._texts:
            self._text.add(offset_us, self._texts)
        self._texts = self._thoughts = 0

    def end(self) -> None:
        """No more content."""
        if not self._known or self._last is None or self._last < 0:
            return
        self._fold(self._last)
        limits = self._stream.thresholds
        told = self._all.told(limits, "content events") if self._all is not None else ""
        what = "content events" if self._all is None else "events with text"
        told = told or self._text.told(limits, what)
        if told:
            self._stream.report_stream("TIM901", told)
