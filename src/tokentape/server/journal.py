"""What the server did: a bounded list of requests, and plain counters."""

from collections import deque
from typing import Any, Literal

import msgspec

from tokentape.matching import Candidate
from tokentape.pacing import Lateness
from tokentape.texts import escaped

Outcome = Literal["hit", "miss", "refused", "recorded", "forwarded"]


class Record(msgspec.Struct, frozen=True, gc=False):
    """One request. Times are microseconds, `at_us` on the server's clock.

    `entry` is what answered, and `outcome` then "hit"; it is None for what was forwarded, a miss or
    a refusal, and `says` tells why. `number` is that of what was forwarded. `took_us` ends with the
    last write, or with the client's leaving (`left`). Reads and bytes are those of the body, handed
    to the kernel; `cut` is set when the server's own end came first.
    """

    outcome: Outcome
    at_us: int
    took_us: int
    status: int
    entry: Candidate | None = None
    reads: int = 0
    of_reads: int = 0
    size: int = 0
    of_size: int = 0
    left: bool = False
    cut: bool = False
    lateness_us: tuple[int, int, int] | None = None
    method: str = ""
    target: str = ""
    says: str = ""
    scope: str | None = None
    number: int = 0


class Counters:
    """Plain numbers, counted where things happen and read by /_tape/metrics."""

    __slots__ = (
        "forwarded",
        "hits",
        "lateness",
        "left",
        "misses",
        "open",
        "reads",
        "recorded",
        "refused",
        "size",
    )

    def __init__(self) -> None:
        self.hits = 0
        self.misses = 0
        self.refused = 0
        self.recorded = 0
        self.forwarded = 0
        self.left = 0
        self.reads = 0
        self.size = 0
        self.open = 0
        self.lateness = Lateness()


class Journal:
    """The last requests, oldest first."""

    def __init__(self, size: int, started_us: int) -> None:
        self.records: deque[Record] = deque(maxlen=size)
        self.started_us = started_us
        self.total = 0

    def add(self, record: Record) -> None:
        self.total += 1
        self.records.append(record)

    def unrecorded(self, number: int) -> None:
        """What was to be recorded is not on its tape: it was forwarded, and no more."""
        for at in range(len(self.records) - 1, -1, -1):
            record = self.records[at]
            if record.number == number:
                says = f"not recorded; {record.says}" if record.says else "not recorded"
                self.records[at] = msgspec.structs.replace(record, outcome="forwarded", says=says)
                return

    def rows(self) -> list[dict[str, Any]]:
        """The records as JSON values, numbered from the first request of all on; times in
        milliseconds since the server started.
        """
        first = self.total - len(self.records) + 1
        return [self._row(number, record) for number, record in enumerate(self.records, first)]

    def _row(self, number: int, record: Record) -> dict[str, Any]:
        entry = record.entry
        late = record.lateness_us
        took_ms = record.took_us / 1000
        return {
            "number": number,
            "at_ms": (record.at_us - self.started_us) / 1000,
            "method": entry.method if entry else record.method,
            "operation": entry.operation if entry else record.target,
            "path": escaped(entry.path) if entry else None,
            "exchange": entry.exchange if entry else None,
            "scope": escaped(entry.scope) if entry else record.scope,
            "outcome": record.outcome,
            "says": escaped(record.says) or None,
            "status": record.status or None,
            "writes": record.reads,
            "of_writes": record.of_reads,
            "bytes": record.size,
            "of_bytes": record.of_size,
            "duration_ms": took_ms,
            "left_early": record.left,
            "left_at_ms": took_ms if record.left else None,
            "cut_by_shutdown": record.cut,
            "lateness_ms": dict(
                zip(("p50", "p99", "max"), (value / 1000 for value in late), strict=True)
            )
            if late
            else None,
        }
