"""One pass over an exchange: when its content came, its usages, its model, its errors.

All measures are made from what is observed here, so an answer is decoded once for all of them.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from tokentape import apis, view
from tokentape.chat.payloads import stream_payloads
from tokentape.errors import TokenTapeError
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.measure.created import created_in
from tokentape.measure.parts import ONLY, Part, Pieces, failed, part_of, usage_in
from tokentape.model import Exchange, Fidelity


class Mark(msgspec.Struct, frozen=True, gc=False):
    """Content that an event brought to one choice. `offset_us` is None where it is not known.

    `event` and `read` are 0-based. The time of an event is that of the read that completed it, so
    events completed by one read share it.
    """

    event: int
    read: int
    offset_us: int | None
    choice: int
    parts: frozenset[Part]


class Reported(msgspec.Struct, frozen=True):
    """A usage as the provider sent it, and the event it came with (None: a document)."""

    raw: dict[str, Any]
    event: int | None
    with_choices: bool = False


class Observed:
    """What one pass over an exchange finds.

    `marks` are the events that bring content, in order; `chunk_times` the times of the events whose
    `choices` is not empty; `last_time` the time of the last JSON event; `events` counts the JSON
    objects. `model` is the one that answered, `asked` the one asked for. `usage` is the last that
    is not null, `usages` how many there were. `tier` is the service tier that was had.
    """

    def __init__(self, exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> None:
        self.exchange = exchange
        self.api = view.api(exchange)
        self.streaming = apis.decoder(exchange) is not None
        self.timed = exchange.fidelity is Fidelity.WIRE
        self.status = exchange.response.status if exchange.response else None
        self.marks: list[Mark] = []
        self.chunk_times: list[int | None] = []
        self.last_time: int | None = None
        self.events = 0
        self.error = False
        self.usage: Reported | None = None
        self.usages = 0
        self.first_tokens: int | None = None
        self.model = ""
        self.asked = view.model_asked(exchange)
        self.created: int | None = None
        self.tier = ""
        self._pieces = Pieces(exchange)
        for number, (kind, payload, read, offset_us) in enumerate(_events(exchange, limits)):
            if isinstance(payload, dict):
                self._take(kind, payload, number, read, offset_us)
        if not self.streaming:
            self._take_document(limits)

    @property
    def failed(self) -> bool:
        """Whether there is no response, one with an error status, or an error in the stream."""
        return self.status is None or self.status >= 400 or self.error

    def _take(
        self, kind: str, payload: dict[str, Any], number: int, read: int, offset_us: int | None
    ) -> None:
        self.events += 1
        self.last_time = offset_us
        self._about(payload)
        choices = payload.get("choices")
        with_choices = isinstance(choices, list) and bool(choices)
        if with_choices:
            self.chunk_times.append(offset_us)
        raw = usage_in(payload)
        if raw:
            self._use(payload, raw, number, with_choices)
        found: dict[int, frozenset[Part]] = {}
        for piece in self._pieces.of(kind, payload):
            part = part_of(piece)
            if part is not None:
                before = found.get(piece.choice)
                found[piece.choice] = ONLY[part] if before is None else before | {part}
            elif piece.kind == "error":
                self.error = True
        if found and not self.marks and raw:
            tokens = raw.get("completion_tokens")
            self.first_tokens = tokens if type(tokens) is int else None
        for choice, brought in found.items():
            self.marks.append(Mark(number, read, offset_us, choice, brought))

    def _use(
        self, payload: Any, raw: dict[str, Any], event: int | None, with_choices: bool = False
    ) -> None:
        self.usages += 1
        if payload.get("type") == "message_delta" and self.usage is not None:
            # Messages give the input with the first event and the output so far with later ones.
            raw = self.usage.raw | {key: value for key, value in raw.items() if value is not None}
        self.usage = Reported(raw, event, with_choices)

    def _about(self, payload: dict[str, Any]) -> None:
        self.error = self.error or failed(payload)
        if not self.model:
            versions = (payload.get("modelVersion"), payload.get("model_version"))
            self.model = view.model_in(payload) or next(filter(None, map(_text, versions)), "")
        if "service_tier" in payload:
            self.tier = _text(payload["service_tier"]) or self.tier
        elif isinstance(payload.get("response"), dict):
            self.tier = _text(payload["response"].get("service_tier")) or self.tier
        if self.created is None:
            self.created = created_in(payload)

    def _take_document(self, limits: Limits) -> None:
        for payload in view.payloads(self.exchange, limits):
            # Gemini without `alt=sse` gives an array of what would be its events.
            for each in payload if isinstance(payload, list) else (payload,):
                if isinstance(each, dict):
                    self._about(each)
                    if raw := usage_in(each):
                        self._use(each, raw, None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


_CHAT = (view.Api.CHAT, view.Api.COMPLETIONS)
Event = tuple[str, Any, int, int | None]


def _events(exchange: Exchange, limits: Limits) -> Iterator[Event]:
    """The type of each event and what it carries, with the number and time of its last read."""
    reader = apis.decoder(exchange)
    if reader is None or exchange.response is None:
        return
    try:
        if exchange.fidelity is Fidelity.WIRE:
            for number, read in enumerate(view.decoded_reads(exchange, limits)):
                for event in reader.feed(read.data):
                    yield event.type, event.payload, number, read.offset_us
        elif view.is_event_stream(exchange) and view.api(exchange) in _CHAT:
            for value in stream_payloads(view.decoded_body(exchange, limits)):
                yield "", value, 0, None
        else:
            for event in apis.decoded(exchange, limits):
                yield event.type, event.payload, 0, None
    except TokenTapeError:
        # What can't be decoded says nothing more.
        return
