"""What every target may cost, and the cases kept of it: found by it, or known to be hard."""

import contextlib
import os
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, settings

from tokentape import formats
from tokentape.errors import TokenTapeError
from tokentape.limits import Limits
from tokentape.model import Exchange

FOUND = Path(__file__).parent / "found"
LIMITS = Limits(max_bytes=1 << 24, max_depth=200)
_ASKED = os.environ.get("TOKENTAPE_FUZZ_EXAMPLES")
_MOST_MEMORY = 256 << 20
_UNIT = 1 if sys.platform == "darwin" else 1024  # of the memory that getrusage tells
_MOST_SECONDS = 5

settings.register_profile(
    "fuzz",
    max_examples=int(_ASKED or 30),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    # Asked for more: other examples every time, in CI too.
    derandomize=not _ASKED and settings().derandomize,
)
BUDGET = settings.get_profile("fuzz")


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """The law: what runs in here ends well or raises a TokenTapeError, in bounded memory and time.

    The time is the processor's, since a busy machine stops anything for seconds.
    """
    before = resource.getrusage(resource.RUSAGE_SELF)
    with contextlib.suppress(TokenTapeError):
        yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    memory = (after.ru_maxrss - before.ru_maxrss) * _UNIT
    seconds = after.ru_utime - before.ru_utime
    assert memory < _MOST_MEMORY, f"took {memory} bytes"
    assert seconds < _MOST_SECONDS, f"took {seconds} s"


def found(target: str) -> list[bytes]:
    """The cases that are kept of this target; every file of its folder."""
    paths = sorted(path for path in (FOUND / target).iterdir() if path.is_file())
    assert paths, f"no case in {FOUND / target}: was it moved?"
    return [path.read_bytes() for path in paths]


def found_exchanges(target: str) -> list[Exchange]:
    """The exchanges this target once found, kept as tapes."""
    return [
        exchange
        for data in found(target)
        for exchange in formats.read(data, "found.tape.jsonl").tape.exchanges
    ]


def keeps(law: Callable[[bytes], object], target: str) -> None:
    """Try the law on what the target once found."""
    for data in found(target):
        law(data)
