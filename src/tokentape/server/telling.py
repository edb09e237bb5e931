"""What the operator is told, said by a thread of its own: nobody waits for who reads it."""

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

_MOST_WAITING = 1000
_CLOSE_S = 1.0


class Telling:
    """Says one thing after the other, in order, and drops what comes while too much waits.

    `missed` is called on the thread, where they would have been said, with how many were dropped.
    What raises is not said; that includes SystemExit.
    """

    def __init__(self, missed: Callable[[int], None], *, most: int = _MOST_WAITING) -> None:
        self._tell_missed = missed
        self._most = most
        self._waiting: deque[Callable[[], None]] = deque()
        self._missed = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, say: Callable[[], None]) -> None:
        """Have this called soon. Never waits."""
        with self._changed:
            # Behind what was dropped nothing is said before that is.
            if self._missed or len(self._waiting) >= self._most:
                self._missed += 1
                return
            self._waiting.append(say)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="tokentape-telling", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def close(self, timeout_s: float = _CLOSE_S) -> bool:
        """Say what waits; whether that was done in time."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is None:
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while (say := self._next()) is not None:
            with suppress(Exception, SystemExit):
                say()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._missed or self._closed)
            if self._waiting:
                return self._waiting.popleft()
            if self._missed:
                missed, self._missed = self._missed, 0
                return partial(self._tell_missed, missed)
            return None


def missed_text(count: int) -> str:
    """What is said in place of so many that were dropped."""
    return f"… {count} {'lines were' if count > 1 else 'line was'} not shown: nobody reads stderr"
