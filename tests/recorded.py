"""Real recordings, as the exchanges in them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from tokentape.errors import TokenTapeError
from tokentape.library import find, open_file
from tokentape.model import Exchange


def exchanges(paths: Iterable[Path], *, repair: bool = False) -> Iterator[tuple[str, Exchange]]:
    """Every exchange of the files there that open, with its file's path."""
    for found in find(paths):
        try:
            tape = open_file(found.path, repair=repair).tape
        except TokenTapeError:
            continue
        for exchange in tape.exchanges:
            yield found.path, exchange
