"""Time as a dependency: the only module that reads a clock."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def monotonic_us(self) -> int:
        """Microseconds since some fixed point; never goes back."""

    def wall(self) -> str:
        """Wall-clock time, RFC 3339 in UTC with microseconds."""

    def sleep_until(self, moment_us: int) -> None:
        """Return once `monotonic_us` has reached this moment; at once where it has."""


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class SystemClock:
    """The machine's clocks."""

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def wall(self) -> str:
        return _rfc3339(datetime.now(UTC))

    def sleep_until(self, moment_us: int) -> None:
        while (left := moment_us - self.monotonic_us()) > 0:
            time.sleep(left / 1_000_000)


class ManualClock:
    """A clock that stands still until it is moved: for tests."""

    def __init__(self, start_us: int = 0) -> None:
        self.now_us = start_us

    def advance(self, microseconds: int) -> None:
        self.now_us += microseconds

    def monotonic_us(self) -> int:
        return self.now_us

    def wall(self) -> str:
        return _rfc3339(datetime.fromtimestamp(self.now_us / 1_000_000, UTC))

    def sleep_until(self, moment_us: int) -> None:
        self.now_us = max(self.now_us, moment_us)
