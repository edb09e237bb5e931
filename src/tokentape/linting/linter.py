"""Bytes of one answer in, findings out, as they come."""

from collections.abc import Callable, Collection
from operator import itemgetter
from typing import Any

import msgspec

from tokentape import sse
from tokentape.linting.asked import Asked
from tokentape.linting.asked import asked as asked_by
from tokentape.linting.base import DEFAULT_THRESHOLDS, Finding, On, Thresholds, shown
from tokentape.linting.checks import choice as choices
from tokentape.linting.checks import (
    chunk,
    cost,
    frames,
    logprobs,
    mixing,
    pace,
    request,
    tool,
    usage,
)
from tokentape.linting.rules import BY_CODE, CODES
from tokentape.linting.state import Choice, Stream
from tokentape.model import Ending, Exchange, Fidelity, Request

_SLICE = 1 << 16
# Endings that the provider is not to blame for.
_OURS = (Ending.LEFT, Ending.STOPPED)
_STABLE = ("id", "object", "created", "model", "service_tier", "usage")
_decode = msgspec.json.Decoder().decode
_BAD_JSON = (msgspec.DecodeError, UnicodeError, RecursionError, ValueError)


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
        self._plain: _Plain | None = None

    def response(self, media_type: str) -> list[Finding]:
        """What the head of the response shows; "" is a media type that is not known."""
        stream = self._stream
        if media_type and media_type != "text/event-stream":
            stream.report_stream(
                "SSE103", f"content-type: expected text/event-stream, got {shown(media_type)}"
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
        if len(data) <= _SLICE:
            self._feed(data, offset_us)
        else:
            # In slices, since the events of a large body take ten times its memory.
            for start in range(0, len(data), _SLICE):
                self._feed(data[start : start + _SLICE], offset_us)
        return self._stream.take_new() if self._stream.new else []

    def _begin(self) -> None:
        self._begun = True
        request.check_request(self._stream)

    def _feed(self, data: bytes, offset_us: int | None) -> None:
        looked = self._frames
        if looked is not None:
            looked.feed(data)
        events = self._reader.feed(data)
        if not events:
            return
        if looked is not None:
            looked.join()
        stream = self._stream
        for event in events:
            stream.event, stream.offset = self._events, event.start
            self._events += 1
            if looked is not None:
                looked.check(event)
            if self._chat:
                self._event(event, offset_us)

    def _event(self, event: sse.Event, offset_us: int | None) -> None:
        stream = self._stream
        data = event.data
        if data == "[DONE]":
            if stream.done:
                stream.report("SSE102", "[DONE] again")
            stream.done = True
            return
        if stream.done:
            stream.report("SSE102", "an event after [DONE]")
        try:
            payload = _decode(data)
        except _BAD_JSON as error:
            frames.check_payload(stream, event, error)
            return
        if self._chunks is not None:
            self._chunks(payload)
        plain = self._plain
        if plain is None or not plain.take(payload):
            if not isinstance(payload, dict):
                stream.report("CHK213", "the data is no JSON object", "$")
                return
            before = stream.reports
            brought = check_chunk(stream, payload)
            # One that raised a question has to be looked at, and counted, each time it comes.
            self._plain = _Plain.like(stream, payload) if stream.reports == before else None
            if not brought:
                return
        if self._pace is not None:
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


def new_stream(
    request: Request | Asked,
    fidelity: Fidelity,
    codes: Collection[str],
    thresholds: Thresholds,
    on: On,
    *,
    chat: bool = True,
) -> Stream:
    """The state of an answer, with the rules that can be asked of it."""
    wanted = {On.SSE} if not chat else {On.CHAT, on} | ({On.SSE} if on is On.STREAM else set())
    rules = {
        code: rule
        for code, rule in BY_CODE.items()
        if code in codes and rule.on in wanted and rule.known_at(fidelity)
    }
    asked = request if isinstance(request, Asked) else asked_by(request)
    return Stream(asked, rules, thresholds)


def check_chunk(stream: Stream, payload: dict[str, Any]) -> bool:
    """All questions of one chunk. Returns whether it brings content."""
    if payload.get("error"):
        chunk.check_error(stream, payload)
        if not payload.get("choices"):
            return False
    stream.chunks += 1
    chunk.check_top(stream, payload)
    usage.check_usage(stream, payload)
    return choices.check_choices(stream, payload)


def end_chunks(stream: Stream, *, over: bool, streamed: bool) -> None:
    """What only the end of the chunks shows."""
    choices.end_choices(stream, over=over)
    tool.end_calls(stream, streamed=streamed)
    usage.end_usage(stream, over=over, streamed=streamed)
    if over:
        logprobs.end_logprobs(stream)
    mixing.end_mixing(stream)


class _Plain:
    """What a chunk was like that raised no question; one like it but for its text raises none.

    That is nearly every chunk of a stream, so it is asked with few and cheap comparisons.
    """

    __slots__ = (
        "_choice_keys",
        "_get",
        "_index",
        "_keys",
        "_state",
        "_stream",
        "_usage_keys",
        "_values",
    )

    def __init__(
        self, stream: Stream, state: Choice, payload: dict[str, Any], choice: dict[str, Any]
    ) -> None:
        self._stream = stream
        self._state = state
        # Names in their order: a list of them is compared faster than a set.
        self._keys = [*payload]
        # Two names at least, so that the getter gives a tuple.
        self._get = itemgetter(*(name for name in _STABLE if name in payload))
        self._values = self._get(payload)
        self._choice_keys = [*choice]
        self._index = choice["index"]
        self._usage_keys = int("usage" in payload)

    @classmethod
    def like(cls, stream: Stream, payload: dict[str, Any]) -> "_Plain | None":
        """The pattern of this chunk, None where chunks like it have to be looked at each."""
        listed = payload.get("choices")
        if not isinstance(listed, list) or len(listed) != 1 or len(stream.choices) != 1:
            return None
        choice = listed[0]
        scalars = all(
            payload.get(name) is None or isinstance(payload[name], str | int) for name in _STABLE
        )
        if not isinstance(choice, dict) or not scalars or stream.asked.n != 1:
            return None
        index = choice.get("index")
        state = stream.choices.get(index) if type(index) is int else None
        if (
            state is None
            or not state.payload
            or not state.spoken
            or state.finish
            or state.logprobs is not None
            or stream.done
            or not _is_text(choice)
            or not {"id", "model"} <= payload.keys()
            or payload.get("usage") is not None
            or "error" in payload
        ):
            return None
        return cls(stream, state, payload, choice)

    def take(self, payload: Any) -> bool:
        """Whether this is such a chunk; then it counts as looked at."""
        try:
            if [*payload] != self._keys or self._get(payload) != self._values:
                return False
            (choice,) = payload["choices"]
            if [*choice] != self._choice_keys or choice["index"] is not self._index:
                return False
            delta = choice["delta"]
            content = delta["content"]
            if (
                type(content) is not str
                or not content
                or "<" in content
                or len(delta) != 1
                or choice.get("finish_reason") is not None
                or choice.get("logprobs") is not None
            ):
                return False
        except (AttributeError, KeyError, TypeError, ValueError):
            return False
        self._stream.chunks += 1
        self._stream.usage_keys += self._usage_keys
        return True


def _is_text(choice: dict[str, Any]) -> bool:
    """Whether it is a choice of nothing but text."""
    delta = choice.get("delta")
    return (
        type(delta) is dict
        and len(delta) == 1
        and type(delta.get("content")) is str
        and choice.get("finish_reason") is None
        and choice.get("logprobs") is None
    )
