"""Bytes of one answer in, findings out, as they come."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from tokentape import media, sse, view
from tokentape.linting.asked import Asked
from tokentape.linting.base import Finding, On, shown
from tokentape.linting.checks import cost, frames, pace, request
from tokentape.linting.checks.delta import is_reasoning
from tokentape.linting.plain import Plain
from tokentape.linting.questions import check_chunk, end_chunks, new_stream
from tokentape.linting.rules import CODES
from tokentape.linting.thresholds import DEFAULT_THRESHOLDS, Thresholds
from tokentape.model import Ending, Exchange, Fidelity, Request

_SLICE = 1 << 16
# Endings that the provider is not to blame for.
_OURS = (Ending.LEFT, Ending.STOPPED)
_decode = msgspec.json.Decoder().decode
_BAD_JSON = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)


def _unread(data: str, error: Exception) -> str:
    """Why this data could not be decoded: it is no JSON, or more than a parser takes."""
    if isinstance(error, RecursionError):
        return "the data can't be read: nested deeper than a parser takes"
    if "out of range" in str(error):
        return "the data can't be read: a number is out of the range that a parser takes"
    return f"the data is no JSON: {str(error)[:120]}"


class Linter:
    """One streamed answer. `feed` its bytes (content coding undone), then say how it `end`s.

    `request` is the request as it was recorded or is known, or what was `Asked`. Without `chat` the
    stream is of another API, and only what holds for every event stream is asked. `codes` are the
    rules to ask, all without it. `chunks` is given every decoded payload, so that one decoding
    serves an assembler too.

    `feed` and `end` return the findings that are new; `findings` has them all, with counts.
    """

    def __init__(
        self,
        request: Request | Asked,
        *,
        fidelity: Fidelity = Fidelity.WIRE,
        chat: bool = True,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        codes: Collection[str] = CODES,
        chunks: Callable[[Any], object] | None = None,
    ) -> None:
        self._stream = new_stream(request, fidelity, codes, thresholds, On.STREAM, chat=chat)
        self._chat = chat
        self._reader = sse.EventReader()
        self._frames = (
            frames.Frames(self._stream, chat=chat) if fidelity is not Fidelity.EVENTS else None
        )
        self._pace = pace.Pace(self._stream) if fidelity is Fidelity.WIRE else None
        self._chunks = chunks
        self._events = 0
        self._begun = False
        self._fed = 0  # bytes, in all
        self._edge = 0  # the end of the last event
        self._past_reader = 0  # bytes that the reader of events did not see
        self._plain: Plain | None = None

    def response(self, media_type: str) -> list[Finding]:
        """What the head of the response shows; "" is a media type that is not known."""
        stream = self._stream
        if media_type and media_type != media.EVENT_STREAM:
            stream.report_stream(
                "SSE103", f"content-type: expected {media.EVENT_STREAM}, got {shown(media_type)}"
            )
        if self._chat and stream.asked.known and not stream.asked.stream:
            stream.report_stream("REQ806", "no stream was asked for, one came", "$.stream")
        return stream.take_new()

    def repaired(self, how: str) -> list[Finding]:
        """The bytes are not as they came: blank lines were missing and have been put back."""
        self._stream.report_stream("SSE106", f"events without a blank line behind them: {how}")
        return self._stream.take_new()

    def undecoded(self, why: str) -> list[Finding]:
        """The body can't be decoded: there are no events to look at."""
        self._stream.report_stream("SSE111", why)
        return self._stream.take_new()

    def feed(self, data: bytes, offset_us: int | None = None) -> list[Finding]:
        """The findings that these bytes bring. `offset_us` is when they were read, if known."""
        if not self._begun:
            self._begin()
        # In slices, since the events of a large body take ten times its memory; up to the end of a
        # frame where there is one, since whole frames are looked at faster.
        start = 0
        while start < len(data):
            least = start + (_SLICE if self._events else 0)
            blank = data.find(sse.BLANK, least, least + _SLICE) if len(data) > least else -1
            end = blank + len(sse.BLANK) if blank >= 0 else start + _SLICE
            self._feed(data[start:end], offset_us)
            start = end
        return self._stream.take_new() if self._stream.new else []

    def _begin(self) -> None:
        self._begun = True
        request.check_request(self._stream)

    def _feed(self, data: bytes, offset_us: int | None) -> None:
        if self._fed == self._edge and self._events and self._chat and not self._stream.done:
            data = self._feed_frames(data, offset_us)
            if not data:
                return
        self._fed += len(data)
        looked = self._frames
        if looked is not None:
            looked.feed(data)
        events = self._reader.feed(data)
        if not events:
            if looked is not None:
                looked.shed()
            return
        if looked is not None:
            looked.join()
        self._edge = events[-1].end + self._past_reader
        for event in events:
            self._at(event)
            if self._chat:
                self._event(event, offset_us)

    def _feed_frames(self, data: bytes, offset_us: int | None) -> bytes:
        """Look at whole frames of the usual form, past the reader of events; return what is left.

        Called between two events, where such frames mean what they mean by themselves.
        """
        texts = sse.plain_data(data)
        if texts is None:
            return data
        stream, chunks, paced = self._stream, self._chunks, self._pace
        position = self._fed
        for text in texts:
            try:
                payload = _decode(text if text.isascii() else text.decode())
            except _BAD_JSON:
                # `[DONE]` too: the reader takes it from here.
                break
            stream.event, stream.offset = self._events, position
            self._events += 1
            position += len(text) + len(sse.DATA) + len(sse.BLANK)
            if chunks is not None:
                chunks(payload)
            if self._plain is None or not self._plain.take(payload):
                self._payload(payload, offset_us)
            elif paced is not None:
                paced.content(offset_us)
        passed = position - self._fed
        self._fed = self._edge = position
        self._past_reader += passed
        if self._frames is not None:
            self._frames.past_reader = self._past_reader
        return data[passed:]

    def _at(self, event: sse.Event) -> None:
        """Look at the bytes of this event, and put what is found from now on down to it."""
        stream, looked = self._stream, self._frames
        stream.event, stream.offset = self._events, event.start + self._past_reader
        self._events += 1
        if looked is not None:
            looked.check(event)

    def _event(self, event: sse.Event, offset_us: int | None) -> None:
        stream = self._stream
        if event.data == "[DONE]":
            if stream.done:
                stream.report("SSE102", "[DONE] again")
            stream.done = True
            self._plain = None
            return
        if stream.done:
            stream.report("SSE102", "an event after [DONE]")
        try:
            payload = _decode(event.data)
        except _BAD_JSON as error:
            payload = view.parse_json(event.data)
            if payload is None:
                if event.data:
                    stream.report("SSE104", _unread(event.data, error))
                return
            stream.report("CHK218", "half of a surrogate pair stands escaped", "$")
        if self._chunks is not None:
            self._chunks(payload)
        self._payload(payload, offset_us)

    def _payload(self, payload: Any, offset_us: int | None) -> None:
        stream = self._stream
        if not isinstance(payload, dict):
            stream.report("CHK213", "the data is no JSON object", "$")
            return
        before = stream.reports
        brought = check_chunk(stream, payload)
        # One that raised a question has to be looked at, and counted, each time it comes.
        self._plain = Plain.like(stream, payload) if stream.reports == before else None
        if brought and self._pace is not None:
            if is_reasoning(payload):
                self._pace.reasoning(offset_us)
            else:
                self._pace.content(offset_us)

    def end(self, ending: Ending = Ending.COMPLETE) -> list[Finding]:
        """The findings that only the end shows."""
        if not self._begun:
            self._begin()
        stream = self._stream
        over = ending not in _OURS
        if self._frames is not None:
            stream.event = stream.offset = None
            self._frames.end()
            frames.end_frames(
                stream,
                pending=self._reader.pending,
                done=stream.done,
                over=over,
                chat=self._chat,
            )
        if self._chat:
            end_chunks(stream, over=over, streamed=True)
        if self._pace is not None:
            self._pace.end()
        return stream.take_new()

    def price(self, exchange: Exchange) -> list[Finding]:
        """What the whole exchange shows, once it is recorded: its cost against the list price."""
        cost.check_cost(self._stream, exchange)
        return self._stream.take_new()

    def findings(self) -> list[Finding]:
        """All findings so far, each with its count, in the order of the stream."""
        return self._stream.findings()
