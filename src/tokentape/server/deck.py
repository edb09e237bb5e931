"""What all connections of one replay server share: matching, prepared answers, journal."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tokentape.clock import Clock
from tokentape.library import Entry, Library
from tokentape.matching import Asked, Explanation, Matcher, Miss, ask, explain, operation
from tokentape.server.answer import Answer, Wire, prepare
from tokentape.server.journal import Counters, Journal
from tokentape.server.settings import Settings
from tokentape.server.wheel import Wheel

# What the server tells of itself. The list of models, asked for in a scope, is the recorded one.
ADMIN = "the server itself"
ADMIN_PATH = b"/_tape/"

_MEMO_BYTES = 16 * 1024 * 1024
_MEMO_ONE = 64 * 1024
_MEMO_ROUTES = 4096


class Answers:
    """Prepared answers, the least used dropped first, bounded in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[int, Answer] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: int) -> Answer | None:
        answer = self._kept.get(key)
        if answer is not None:
            self._kept.move_to_end(key)
        return answer

    def put(self, key: int, answer: Answer) -> None:
        """Keep it, unless it alone is more than all may be."""
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


class Deck:
    """Made and used on the server's loop; only `load` and `explain` may run on the worker.

    What may take long never happens on the loop, where streams keep time.
    """

    def __init__(
        self,
        library: Library,
        settings: Settings,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[str], None],
    ) -> None:
        self.library = library
        self.settings = settings
        self.now_us = clock.monotonic_us
        self.tell = tell
        self.matcher: Matcher[Entry] = Matcher(library.entries, settings.exhausted)
        self.answers = Answers(settings.answers_bytes)
        self.wheel = Wheel(loop, clock.monotonic_us)
        self.journal = Journal(settings.journal_size, clock.monotonic_us())
        self.counters = Counters()
        self.sweeps = 0
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokentape-tapes")
        self.asked: dict[bytes, Asked] = {}
        self._asked_bytes = 0
        self.routes: dict[bytes, str] = {}

    def ask(self, body: bytes) -> Asked:
        """What matching needs of a body; kept in `asked`, so that it is parsed once."""
        asked = ask(body)
        if len(body) <= _MEMO_ONE:
            if self._asked_bytes > _MEMO_BYTES:
                self.asked.clear()
                self._asked_bytes = 0
            self.asked[body] = asked
            self._asked_bytes += len(body) + 300
        return asked

    def route(self, target: bytes) -> str:
        """The operation of a request target, or ADMIN; kept in `routes`."""
        path = target.partition(b"?")[0]
        if path.startswith(ADMIN_PATH) or path.rstrip(b"/") == b"/v1/models":
            found = ADMIN
        else:
            found = self.operation(target)
        if len(target) <= 1000:
            if len(self.routes) >= _MEMO_ROUTES:
                self.routes.clear()
            self.routes[target] = found
        return found

    def operation(self, target: bytes) -> str:
        return operation(target.decode("latin-1"))

    def load(self, entry: Entry, wire: Wire) -> Answer:
        """The prepared answer, from disk. Raises TokenTapeError when the tape is not as it was."""
        return prepare(self.library.load(entry), self.settings.speed, wire)

    def explain(self, miss: Miss, body: bytes, target: str) -> Explanation:
        def recorded_body(entry: Entry) -> bytes | None:
            return self.library.load(entry).request.body

        return explain(self.library.entries, miss, body, target, recorded_body)
