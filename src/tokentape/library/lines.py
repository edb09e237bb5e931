"""The lines of a file that was opened."""

from tokentape.formats.lines import Lines
from tokentape.formats.tape import LINE_ERRORS
from tokentape.library.files import Opened, read_bytes
from tokentape.limits import DEFAULT_LIMITS, Limits

__all__ = ["Lines", "lines_of"]


def lines_of(opened: Opened, limits: Limits = DEFAULT_LIMITS) -> Lines | None:
    """On which lines the exchanges of this file stand, None where it is there no more."""
    try:
        return Lines(read_bytes(opened.path, limits), opened.format, opened.tape)
    except (OSError, *LINE_ERRORS):
        return None
