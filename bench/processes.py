"""What /proc tells of processes and of the machine: CPU, memory, and who else took part."""

import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_TICKS = os.sysconf("SC_CLK_TCK")

# Above these a run says more of the machine than of the server, and is repeated.
STEAL_LIMIT = 0.01
OTHERS_LIMIT = 0.05


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all threads; 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """VmRSS of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} has no VmRSS")


def raise_descriptor_limit() -> int:
    """As many open files as this user may have; the children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


@dataclass(frozen=True)
class Disturbance:
    """Shares of one core: taken by the hypervisor, and by processes that are not the bench's."""

    steal: float
    others: float

    @property
    def quiet(self) -> bool:
        return self.steal <= STEAL_LIMIT and self.others <= OTHERS_LIMIT


class Watch:
    """Sees who took CPU between two moments; `pids` are the servers, that still run."""

    def __init__(self, pids: Sequence[int] = ()) -> None:
        self._pids = pids
        self._start = self._reading()

    def _reading(self) -> tuple[float, float, float, float]:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
        # The kernel counts a task's interrupts as its own time, and here apart from it.
        busy = sum(int(fields[k]) for k in (1, 2, 3, 6, 7)) / _TICKS
        ours = sum(
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )
        ours += sum(map(cpu_seconds, self._pids))
        return monotonic(), busy, ours, int(fields[8]) / _TICKS

    def stop(self) -> Disturbance:
        """Who took how much since the watch began; the load must have been waited for."""
        wall, busy, ours, steal = (
            now - then for now, then in zip(self._reading(), self._start, strict=True)
        )
        # The kernel counts in ticks: a short run's difference may come out below nothing.
        return Disturbance(steal / wall, max(0.0, busy - ours) / wall)
