"""What is wrong with a stream, told in the terminal while it is forwarded."""

import msgspec

from tokentape.cli.console import Lines, print_line
from tokentape.cli.follow import Follow
from tokentape.errors import TokenTapeError
from tokentape.linting import Finding, Linter, Severity, Thresholds, lint_exchange, select
from tokentape.matching import operation
from tokentape.matching.operation import CHAT
from tokentape.media import EVENT_STREAM
from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response
from tokentape.server import Begun, Observer
from tokentape.texts import one_line

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


# A JSON answer of more decoded bytes is not looked at: it is kept until it ends.
_MOST_WHOLE = 4 * 1024 * 1024
# The cost is not compared with list prices here: those take long to import.
_CODES = select(ignored=["USG612"])


class Whole:
    """One answer that is no event stream, kept until its end."""

    def __init__(self, request: Request, status: int, coding: str) -> None:
        self._request = request
        self._status = status
        self._follow = Follow(coding)
        self._parts: list[bytes] = []
        self._size = 0
        self._came = False

    def take(self, data: bytes) -> None:
        """Raises TokenTapeError where it can't be decoded, or is too long."""
        self._came = self._came or bool(data)
        part = self._follow.take(data)
        self._parts.append(part)
        self._size += len(part)
        if self._size > _MOST_WHOLE:
            raise TokenTapeError(f"an answer of more than {_MOST_WHOLE} bytes")

    def end(self, ending: Ending, thresholds: Thresholds) -> list[Finding]:
        """What is wrong with it."""
        if self._came and not self._size:
            # Too short to be told from one that is in no coding.
            return []
        exchange = Exchange(
            request=self._request,
            response=Response(status=self._status, reads=(Read(b"".join(self._parts)),)),
            ending=ending,
            fidelity=Fidelity.BYTES,
        )
        return lint_exchange(exchange, codes=_CODES, thresholds=thresholds)


class Followed(msgspec.Struct):
    """One stream that is linted."""

    linter: Linter
    follow: Follow


class LintWatch:
    """An observer that prints the errors and warnings of answers, and tells another one all.

    Those of event streams as they come, those of other chat completions at their end. What can't be
    decoded is said to be linted no further.
    """

    def __init__(self, lines: Lines, thresholds: Thresholds, behind: Observer) -> None:
        self._lines = lines
        self._thresholds = thresholds
        self._behind = behind
        self._asked: dict[int, Request] = {}  # until the head of the response is in
        self._followed: dict[int, Followed] = {}
        self._whole: dict[int, Whole] = {}

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
        if request is None or not 200 <= status < 300:
            return
        chat = operation(request.url) == CHAT
        if not streaming:
            if chat:
                self._whole[number] = Whole(request, status, coding)
            return
        linter = Linter(request, chat=chat, thresholds=self._thresholds)
        self._followed[number] = Followed(linter, Follow(coding))
        self._tell(number, linter.response(EVENT_STREAM))

    def read(self, number: int, data: bytes, offset_us: int) -> None:
        self._behind.read(number, data, offset_us)
        followed, whole = self._followed.get(number), self._whole.get(number)
        try:
            if followed is not None:
                self._tell(number, followed.linter.feed(followed.follow.take(data), offset_us))
            elif whole is not None:
                whole.take(data)
        except TokenTapeError as error:
            self._followed.pop(number, None)
            self._whole.pop(number, None)
            self._print(f"#{number}  linted no further: {error.message}", "yellow")

    def ended(self, number: int, *, ending: Ending, offset_us: int, note: str | None) -> None:
        self._asked.pop(number, None)
        followed = self._followed.pop(number, None)
        if followed is not None:
            self._tell(number, followed.linter.end(ending))
        whole = self._whole.pop(number, None)
        if whole is not None:
            self._tell(number, whole.end(ending, self._thresholds))
        self._behind.ended(number, ending=ending, offset_us=offset_us, note=note)

    def unrecorded(self, number: int) -> None:
        self._behind.unrecorded(number)

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
        print_line(self._lines, one_line(text), style)
