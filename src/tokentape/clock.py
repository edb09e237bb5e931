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


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


class SystemClock:
    """The machine's clocks."""

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    def wall(self) -> str:
        return _rfc3339(datetime.now(UTC))


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
