"""TokenTape: streaming chat completions, recorded and replayed exactly.

tape = tokentape.load("cassette.yaml")
tokentape.save(tape, "cassette.tape.jsonl")
with tokentape.replay("cassette.tape.jsonl") as server:
    client = OpenAI(base_url=server.base_url, api_key="none-needed")
"""

# Type checkers know this name; `typing` itself would take longer to import than all of this.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from tokentape.completions import chunks, completion
    from tokentape.differences import diff
    from tokentape.errors import (
        FormatError,
        LimitError,
        RefusedError,
        RepairNeeded,
        TokenTapeError,
        UsageError,
    )
    from tokentape.library import load, save
    from tokentape.limits import Limits
    from tokentape.linting import lint
    from tokentape.measure import cost, timing, usage
    from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response, Tape
    from tokentape.testing import replay

# Where each public name lives: imported when it is first used, so that `import tokentape` is fast.
_HOMES = {
    "tokentape.completions": ("chunks", "completion"),
    "tokentape.differences": ("diff",),
    "tokentape.errors": (
        "FormatError",
        "LimitError",
        "RefusedError",
        "RepairNeeded",
        "TokenTapeError",
        "UsageError",
    ),
    "tokentape.library": ("load", "save"),
    "tokentape.limits": ("Limits",),
    "tokentape.linting": ("lint",),
    "tokentape.measure": ("cost", "timing", "usage"),
    "tokentape.model": ("Ending", "Exchange", "Fidelity", "Read", "Request", "Response", "Tape"),
    "tokentape.testing": ("replay",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Ending",
    "Exchange",
    "Fidelity",
    "FormatError",
    "LimitError",
    "Limits",
    "Read",
    "RefusedError",
    "RepairNeeded",
    "Request",
    "Response",
    "Tape",
    "TokenTapeError",
    "UsageError",
    "chunks",
    "completion",
    "cost",
    "diff",
    "lint",
    "load",
    "replay",
    "save",
    "timing",
    "usage",
]


def __getattr__(name: str) -> "Any":
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module 'tokentape' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
