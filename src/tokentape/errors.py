"""The errors TokenTape raises for input it was given.

    TokenTapeError              everything below; catch this one
    ├── FormatError             a file is not what its format says
    │   ├── RefusedError        a file that is no HTTP recording we read; `what` names what it is
    │   └── RepairNeeded        broken but clear: opens with repair=True / --repair
    ├── LimitError              larger, deeper or more compressed than the limits allow
    └── UsageError              the call can't be done as it was asked (a destination that exists,
                                a format that is not written, a port in use)

Each message says what was expected, what came, where, and what to do next.
"""


class TokenTapeError(Exception):
    """The base of all. `path`, `line` (1-based) and `exchange` (0-based) say where, if known."""

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        line: int | None = None,
        exchange: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.line = line
        self.exchange = exchange

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place = f"{place}:{self.line}" if place else f"line {self.line}"
        if self.exchange is not None:
            place = f"{place}, exchange {self.exchange}" if place else f"exchange {self.exchange}"
        return f"{place}: {self.message}" if place else self.message

    def at(self, path: str) -> "TokenTapeError":
        """This error, with the path it happened at filled in where it had none."""
        if self.path is None:
            self.path = path
        return self


class FormatError(TokenTapeError):
    """A file is not what its format says."""


class RefusedError(FormatError):
    """A file that holds no HTTP exchange we read. `what` names what it is instead."""

    def __init__(self, what: str, why: str, *, path: str | None = None) -> None:
        super().__init__(f"{what}: {why}", path=path)
        self.what = what
        self.why = why


class RepairNeeded(FormatError):
    """Broken, but it is clear what was meant; `repairs` says what a repair would do."""

    def __init__(self, repairs: tuple[str, ...], *, path: str | None = None) -> None:
        super().__init__(
            f"needs repair: {'; '.join(repairs)}. Open it with repair=True (--repair)", path=path
        )
        self.repairs = repairs


class LimitError(TokenTapeError):
    """Larger, deeper or more compressed than the limits allow."""


class UsageError(TokenTapeError):
    """The call can't be done as it was asked."""
