"""Prepared answers: read from the tapes once for all who ask, kept within bounds."""

import asyncio
from collections import OrderedDict
from concurrent.futures import Executor
from weakref import WeakValueDictionary

import msgspec

from tokentape.library import Entry, Library
from tokentape.matching import UNOBSCURED, USAGE, Asked
from tokentape.server.answer import Answer, Wire, prepare
from tokentape.server.settings import Settings

_LOAD_HERE = 256 * 1024  # bytes of a tape that are read on the loop

# How an exchange is served: as it was recorded (0), or made for what is asked: bits for a stream,
# its usage, and no obfuscation.
Way = int
_MADE, _STREAM, _OPTIONS = 1, 2, 4


def way_of(asked: Asked) -> Way:
    return _MADE | (_STREAM if asked.streaming else 0) | asked.options * _OPTIONS


def answer_key(entry: Entry, wire: Wire, way: Way = 0) -> int:
    """What `Answers` keeps the answer for such a client under."""
    return entry.number << 6 | way << 2 | wire


class Answers:
    """Used on the server's loop; what takes long is done on the worker.

    The least used are dropped first. One that somebody still reads is found as long as it is
    there, kept or not.
    """

    def __init__(
        self,
        library: Library,
        settings: Settings,
        loop: asyncio.AbstractEventLoop,
        worker: Executor,
    ) -> None:
        self._library = library
        self._speed = settings.speed
        self._limit = settings.answers_bytes
        self._loop = loop
        self._worker = worker
        self._loading: dict[int, asyncio.Future[Answer]] = {}
        self._kept: OrderedDict[int, Answer] = OrderedDict()
        self._there: WeakValueDictionary[int, Answer] = WeakValueDictionary()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: int) -> Answer | None:
        answer = self._kept.get(key)
        if answer is not None:
            self._kept.move_to_end(key)
            return answer
        answer = self._there.get(key)
        if answer is not None:
            self.put(key, answer)
        return answer

    def put(self, key: int, answer: Answer) -> None:
        """Keep it, unless it alone is more than all may be."""
        self._there[key] = answer
        before = self._kept.pop(key, None)
        if before is not None:
            self.size -= before.weight
        if answer.weight > self._limit:
            return
        self._kept[key] = answer
        self.size += answer.weight
        while self.size > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self.size -= dropped.weight

    def load(self, entry: Entry, wire: Wire, way: Way = 0) -> "Answer | asyncio.Future[Answer]":
        """The prepared answer, read from disk, and kept; of a large one the promise of it.

        All that ask for one while it is read share it. Raises TokenTapeError when the tape is not
        as it was, Unmade where the exchange can't be served this way; the promise does, too.
        """
        key = answer_key(entry, wire, way)
        loading = self._loading.get(key)
        if loading is None and not way and entry.end - entry.start <= _LOAD_HERE:
            # On the loop, since a busy one lets no other thread run for long.
            answer = self._prepare(entry, wire, way)
            self.put(key, answer)
            return answer
        if loading is None:

            def loaded(future: asyncio.Future[Answer]) -> None:
                del self._loading[key]
                if not future.cancelled() and future.exception() is None:
                    self.put(key, future.result())

            loading = self._loop.run_in_executor(self._worker, self._prepare, entry, wire, way)
            self._loading[key] = loading
            # Told before those who wait, each of whom may end up asking again.
            loading.add_done_callback(loaded)
        return loading

    def _prepare(self, entry: Entry, wire: Wire, way: Way) -> Answer:
        exchange = self._library.load(entry)
        if not way:
            return prepare(exchange, self._speed, wire)
        # Nobody who is served what was recorded waits for this import.
        from tokentape.synthesis import adapted, turned

        options = way // _OPTIONS
        usage = bool(options & USAGE)
        if bool(way & _STREAM) is not entry.streaming:
            made = turned(exchange, include_usage=usage)
        elif found := adapted(
            exchange,
            include_usage=None if usage is bool(entry.options & USAGE) else usage,
            include_obfuscation=not options & UNOBSCURED,
        ):
            made = found
        else:
            return prepare(exchange, self._speed, wire)
        answer = prepare(made.exchange, self._speed, wire)
        return msgspec.structs.replace(answer, made=made.what, at_once=False)
