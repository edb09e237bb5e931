"""What is wrong with a stream, told in the terminal while it is forwarded."""

import msgspec
from rich.console import Console

from tokentape.cli.follow import Follow
from tokentape.errors import TokenTapeError
from tokentape.linting import Finding, Linter, Severity, Thresholds
from tokentape.matching import operation
from tokentape.matching.operation import CHAT
from tokentape.media import EVENT_STREAM
from tokentape.model import Ending, Request
from tokentape.server import Begun, Observer
from tokentape.texts import one_line

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


class Followed(msgspec.Struct):
    """One stream that is linted."""

    linter: Linter
    follow: Follow


class LintWatch:
    """An observer that prints the errors and warnings of event streams, and tells another one all.

    A stream that can't be decoded is said to be linted no further.
    """

    def __init__(self, console: Console, thresholds: Thresholds, behind: Observer) -> None:
        self._console = console
        self._thresholds = thresholds
        self._behind = behind
        self._asked: dict[int, Request] = {}  # until the head of the response is in
        self._followed: dict[int, Followed] = {}

    def began(self, number: int, begun: Begun) -> None:
        self._asked[number] = Request(method=begun.method, url=begun.target, body=begun.body)
        self._behind.began(number, begun)

    def responded(
        self, number: int, *, status: int, streaming: bool, coding: str, offset_us: int
    ) -> None:
        self._behind.responded(
            number, status=status, streaming=streaming, coding=coding, offset_us=offset_us
        )
        request = self._asked.pop(number, None)
        if request is None or not streaming or not 200 <= status < 300:
            return
        chat = operation(request.url) == CHAT
        linter = Linter(request, chat=chat, thresholds=self._thresholds)
        self._followed[number] = Followed(linter, Follow(coding))
        self._tell(number, linter.response(EVENT_STREAM))

    def read(self, number: int, data: bytes, offset_us: int) -> None:
        self._behind.read(number, data, offset_us)
        followed = self._followed.get(number)
        if followed is None:
            return
        try:
            self._tell(number, followed.linter.feed(followed.follow.take(data), offset_us))
        except TokenTapeError as error:
            del self._followed[number]
            self._print(f"#{number}  linted no further: {error.message}", "yellow")

    def ended(self, number: int, *, ending: Ending, offset_us: int, note: str | None) -> None:
        self._asked.pop(number, None)
        followed = self._followed.pop(number, None)
        if followed is not None:
            self._tell(number, followed.linter.end(ending))
        self._behind.ended(number, ending=ending, offset_us=offset_us, note=note)

    def trouble(self, message: str) -> None:
        self._behind.trouble(message)

    def _tell(self, number: int, findings: list[Finding]) -> None:
        for found in findings:
            if found.severity is Severity.INFO:
                continue
            event = "" if found.event is None else f" event {found.event}"
            where = f" {found.json_path}" if found.json_path else ""
            told = f"{found.rule} {found.severity.value}: {found.message}"
            self._print(f"#{number}{event}{where}: {told}", _STYLES[found.severity])

    def _print(self, text: str, style: str) -> None:
        self._console.print(
            one_line(text), style=style, markup=False, highlight=False, soft_wrap=True
        )
