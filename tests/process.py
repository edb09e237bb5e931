"""A server of ours in a process of its own, for tests."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def serving(
    program: str, *words: object, options: Sequence[str] = ()
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A process of this program and its base URL, once it told it; killed at the end.

    The options are those of Python.
    """
    started = subprocess.Popen(
        [sys.executable, *options, "-c", program, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": ""},
    )
    try:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line.startswith("base_url: http://127.0.0.1:"), started.communicate()
        yield started, line.removeprefix("base_url: ").strip()
    finally:
        started.kill()
        started.communicate()
