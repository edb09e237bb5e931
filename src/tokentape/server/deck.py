"""What all connections of one server share: matching, prepared answers, upstreams, journal."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tokentape.clock import Clock
from tokentape.library import Entry, Library, scope_of
from tokentape.library.index import answers
from tokentape.matching import (
    CHAT,
    Asked,
    Explanation,
    Matcher,
    Miss,
    Reason,
    ask,
    explain,
    operation,
    toggled,
)
from tokentape.model import Ending
from tokentape.server.answers import Answers, Way, way_of
from tokentape.server.journal import Counters, Journal
from tokentape.server.observer import Observer, folded, shielded, shielded_observer
from tokentape.server.settings import Settings
from tokentape.server.telling import Telling, missed_text
from tokentape.server.upstream import Sites
from tokentape.server.wheel import Wheel

if TYPE_CHECKING:
    from tokentape.server.dial import Dial
    from tokentape.server.forward import Forward
    from tokentape.server.recorder import Recorder, Recording
    from tokentape.server.sign import Signer

# What the server tells of itself. The list of models, asked for in a scope, is the recorded one.
ADMIN = "the server itself"
ADMIN_PATH = b"/_tape/"

_MEMO_BYTES = 16 * 1024 * 1024
_MEMO_ONE = 64 * 1024
_MEMO_ROUTES = 4096

Wanted = tuple[str, str, bytes]  # method, operation and key of a request


class _Settling:
    """Exchanges that answer the same request, on their way to the disk, and who waits for them."""

    __slots__ = ("exchanges", "waiting")

    def __init__(self) -> None:
        self.exchanges = 0
        self.waiting: list[Callable[[], None]] = []


class Deck:
    """Made and used on the server's loop; only `explain` may run on the worker.

    What may take long never happens on the loop, where streams keep time. `replays` and `forwards`
    are what may become of a request. Raises UsageError where the settings can't be done.
    """

    dial: "Dial"
    forward: "type[Forward]"
    signer: "Signer"

    def __init__(
        self,
        library: Library,
        settings: Settings,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[str], None],
        observer: Observer | None = None,
    ) -> None:
        mode = settings.mode
        self.replays = mode in ("replay", "auto")
        self.forwards = mode != "replay"
        self.observer = None if observer is None else shielded_observer(observer)
        self.departed: set[Forward] = set()  # whose clients left, and whose ends are waited for
        self.forwarded = 0  # exchanges, which their numbers count
        self.recorder: Recorder | None = None
        self._settling: dict[Wanted, _Settling] = {}
        self._unsettled: dict[Recording, Wanted] = {}
        self.redaction = settings.redaction
        self.library = library
        self.settings = settings
        # What was asked of one upstream is no answer of another.
        self.several = bool(settings.origins)
        self.now_us = clock.monotonic_us
        self._tell = shielded(tell)
        self._telling = Telling(lambda count: tell(missed_text(count)))
        entries = library.entries
        if mode == "auto":
            entries = [entry for entry in entries if entry.whole]
        self.matcher: Matcher[Entry] = Matcher(entries, settings.exhausted)
        self.wheel = Wheel(loop, clock.monotonic_us)
        self.journal = Journal(settings.journal_size, clock.monotonic_us())
        self.counters = Counters()
        self.sweeps = 0
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokentape-tapes")
        self.answers = Answers(library, settings, loop, self.worker)
        self.asked: dict[bytes, Asked] = {}
        self._asked_bytes = 0
        self.routes: dict[bytes, str] = {}
        if self.forwards:
            self._make_ready(clock, loop)

    def _make_ready(self, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        """What only forwarding needs, and replay never imports."""
        from importlib.metadata import version

        from tokentape.server.dial import Dial
        from tokentape.server.forward import Forward
        from tokentape.server.recorder import Recorder

        settings = self.settings
        self.forward = Forward
        self.sites = Sites(settings.upstreams)
        self.dial = Dial(settings, loop, clock.monotonic_us)
        if any(upstream.sigv4 for upstream in settings.upstreams):
            from tokentape.server.sign import Signer

            self.signer = Signer(self.worker)
        if settings.records:
            assert settings.tapes is not None
            folder = Path(settings.tapes)
            self.library.expect_growth(folder)
            self.recorder = Recorder(
                folder,
                settings.redaction,
                clock,
                loop,
                writer=f"tokentape {version('tokentape')}",
                settled=self._settled,
                unrecorded=self._unrecorded,
                trouble=self.trouble,
            )

    def sweep(self) -> None:
        """Now and then: what is not used any more goes."""
        self.sweeps += 1
        if self.forwards:
            self.dial.sweep()

    def left(self, client: object) -> None:
        """A client's connection is closed."""
        if self.forwards:
            self.dial.left(client)

    def close(self) -> None:
        """Everything that came is on disk when this returns."""
        if self.forwards:
            self.dial.close()
        if self.recorder is not None:
            self.recorder.close()
            self._sum_up(self.recorder)
        self._telling.close()

    def _sum_up(self, recorder: "Recorder") -> None:
        if recorder.lost:
            numbers = folded(recorder.lost_numbers)
            more = ", …" if recorder.lost > len(recorder.lost_numbers) else ""
            self.trouble(
                f"{recorder.lost} of {recorder.begun} exchanges were not recorded: {numbers}{more}"
            )

    def _unrecorded(self, number: int) -> None:
        self.journal.unrecorded(number)
        if self.observer is not None:
            self.observer.unrecorded(number)

    def tell(self, text: str) -> None:
        """A block for the operator, soon."""
        self._telling.put(partial(self._tell, text))

    def trouble(self, message: str) -> None:
        """Tell the operator."""
        if self.observer is not None:
            self.observer.trouble(message)
        else:
            self.tell(message)

    # What is recorded while it is asked for again

    def begun(self, recording: "Recording", wanted: Wanted) -> None:
        """An exchange that will answer such requests is over, and on its way to the disk."""
        self._unsettled[recording] = wanted
        self._settling.setdefault(wanted, _Settling()).exchanges += 1

    def when_settled(self, wanted: Wanted, retry: Callable[[], None]) -> bool:
        """Whether such an exchange is on its way to the disk; then `retry` is called afterwards."""
        settling = self._settling.get(wanted)
        if settling is None:
            return False
        settling.waiting.append(retry)
        return True

    def ask(self, body: bytes) -> Asked:
        """What matching needs of a body; kept in `asked`, so that it is parsed once."""
        asked = ask(self.redaction.body(body))
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
        listing = not self.forwards and path.rstrip(b"/") == b"/v1/models"
        ours = listing or path.startswith(ADMIN_PATH)
        found = ADMIN if ours else self.operation(target)
        if len(target) <= 1000:
            if len(self.routes) >= _MEMO_ROUTES:
                self.routes.clear()
            self.routes[target] = found
        return found

    def operation(self, target: bytes) -> str:
        """The operation of a request target, as it is asked for at its upstream where it has one:
        that is what a tape says.
        """
        found = self.sites.find(target) if self.forwards else None
        if found is not None:
            site, rest = found
            target = site.target(rest)
        return operation(self._clean(target))

    def told(self, target: bytes) -> str:
        """A request target as it may be shown: no secret of its query is."""
        clean = self._clean(target)
        try:
            return clean.encode("latin-1").decode()
        except UnicodeDecodeError:
            return clean

    def _clean(self, target: bytes) -> str:
        return self.redaction.url(target.decode("latin-1"))

    def _settled(self, recording: "Recording") -> None:
        """A recording is on disk, or lost: it answers from now on what asks the same."""
        asked, exchange, place = recording.asked, recording.exchange, recording.place
        if (
            asked is not None
            and exchange is not None
            and not place.lost
            and answers(exchange.response is not None, recording.ending)
        ):
            entry = self.library.add(
                exchange,
                asked,
                path=place.path,
                scope=scope_of(place.name),
                number=place.number,
                span=(place.start, place.end),
                complete=recording.ending is Ending.COMPLETE,
            )
            self.matcher.add(entry)
        wanted = self._unsettled.pop(recording, None)
        if wanted is None:
            return
        settling = self._settling[wanted]
        settling.exchanges -= 1
        if not settling.exchanges:
            del self._settling[wanted]
            for retry in settling.waiting:
                retry()

    def way(self, entry: Entry, asked: Asked) -> Way:
        """How to serve an exchange whose request wanted other stream options than this one."""
        known = entry.options >= 0 and entry.streaming and asked.streaming
        fits = known and entry.operation == CHAT and entry.status == 200
        return way_of(asked) if fits and self.settings.synthesise else 0

    def find_turned(self, miss: Miss, asked: Asked, body: bytes) -> tuple[Entry, Way] | None:
        """An exchange that answers this request but for `stream`, and how to serve it."""
        if (
            miss.reason is not Reason.UNMATCHED
            or miss.operation != CHAT
            or not self.settings.synthesise
        ):
            return None
        key = toggled(self.redaction.body(body))
        if key is None:
            return None
        # The key ends with the upstream's number, where there are several.
        key += asked.key[len(key) :]
        streaming = not asked.streaming
        found = self.matcher.find_aside(
            miss.method,
            miss.operation,
            key,
            miss.scope,
            miss.model,
            streaming,
            lambda entry: entry.streaming is streaming and entry.status == 200 and entry.complete,
        )
        return None if found is None else (found, way_of(asked))

    def explain(self, miss: Miss, body: bytes, target: str) -> Explanation:
        def recorded_body(entry: Entry) -> bytes | None:
            recorded = self.library.load(entry).request.body
            return None if recorded is None else self.redaction.body(recorded)

        def unturned(entry: Entry) -> str:
            from tokentape.synthesis import Unmade, turned

            if not self.settings.synthesise:
                return "--synthesise serves it"
            try:
                turned(self.library.load(entry), include_usage=False)
            except Unmade as error:
                return f"can't be synthesised from it: {error.message}"
            return ""

        redacted = self.redaction.body(body)
        return explain(self.library.entries, miss, redacted, target, recorded_body, unturned)
