"""An answer's bytes to its events, for every API: SSE, Amazon's binary event stream, JSON."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from tokentape import media, sse, view
from tokentape.apis import bedrock
from tokentape.chat.payloads import parse_json
from tokentape.errors import FormatError, TokenTapeError
from tokentape.eventstream import HeaderValue, Message, MessageReader, messages
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.model import Exchange

_SLICE = 1 << 16


class Decoded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event: `payload` is the JSON value of `data`, None where it is not JSON.

    `type` is the `event` field of SSE, or the event type or exception type among the `headers` of
    a binary message; "" without any. The base64 in which Bedrock wraps a model's own events is
    undone. `start` and `end` are byte offsets into the decoded body.
    """

    type: str = ""
    data: str = ""
    payload: Any = None
    headers: dict[str, HeaderValue] = {}
    start: int = 0
    end: int = 0


class EventDecoder:
    """Feed the bytes of a streamed answer as they come; get the events they complete."""

    def __init__(self, *, binary: bool) -> None:
        self._messages = MessageReader() if binary else None
        self._events = sse.EventReader()

    @property
    def broken(self) -> FormatError | None:
        """What is wrong with a binary stream, None while nothing is."""
        return self._messages.broken if self._messages is not None else None

    def feed(self, data: bytes) -> list[Decoded]:
        """The events that these bytes complete, in order."""
        if self._messages is not None:
            return [_of_message(message) for message in self._messages.feed(data)]
        return [
            Decoded(
                type=event.type,
                data=event.data,
                payload=parse_json(event.data),
                start=event.start,
                end=event.end,
            )
            for event in self._events.feed(data)
        ]


def is_binary(exchange: Exchange) -> bool:
    """Whether the response is Amazon's binary event stream."""
    return view.media_type(exchange) == media.AMAZON_EVENT_STREAM


def decoder(exchange: Exchange) -> EventDecoder | None:
    """A decoder for this exchange's answer, None where it is not streamed."""
    binary = is_binary(exchange)
    return EventDecoder(binary=binary) if binary or view.is_event_stream(exchange) else None


def decoded(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Iterator[Decoded]:
    """The events of an answer; a JSON answer is one event, an array of them one for each item.

    What is broken or can't be decoded ends it: there is no error.
    """
    try:
        body = view.decoded_body(exchange, limits)
    except TokenTapeError:
        return
    reader = decoder(exchange)
    if reader is None:
        yield from _documents(body)
        return
    for start in range(0, len(body), _SLICE):
        yield from reader.feed(body[start : start + _SLICE])


def broken(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Why the body holds more than `decoded` gives: damaged coding, damaged or cut messages.

    None where nothing is wrong with the bytes. What an open event of SSE holds is not looked at.
    """
    try:
        body = view.decoded_body(exchange, limits)
        if is_binary(exchange):
            messages(body)
    except TokenTapeError as error:
        return error.message
    return None


def _documents(body: bytes) -> Iterator[Decoded]:
    value = parse_json(body)
    if isinstance(value, list):
        yield from (Decoded(payload=item) for item in value)
    elif value is not None:
        yield Decoded(payload=value)
    elif body[:64].lstrip().startswith(b"["):
        yield from (Decoded(payload=item) for item in _items_of_cut(body))


def _items_of_cut(body: bytes) -> Iterator[Any]:
    """The whole items that a JSON array which was cut begins with."""
    text = body.decode("utf-8", "replace")
    position = text.find("[") + 1
    scan = json.JSONDecoder().raw_decode
    while True:
        while text[position : position + 1] in (" ", "\t", "\r", "\n", ","):
            position += 1
        try:
            _, end = scan(text, position)
        except (ValueError, RecursionError):
            return
        yield parse_json(text[position:end])
        position = end


def _of_message(message: Message) -> Decoded:
    kind = message.text(":message-type")
    data: bytes = message.payload
    if kind == "error":
        told = {"code": message.text(":error-code"), "message": message.text(":error-message")}
        type, data = "error", msgspec.json.encode(told)
    elif kind == "exception":
        type = message.text(":exception-type")
    else:
        type = message.text(":event-type")
        if type == "chunk":
            inner = bedrock.inner(parse_json(data))
            data = data if inner is None else inner
    return Decoded(
        type=type,
        data=data.decode("utf-8", "replace"),
        payload=parse_json(data),
        headers=message.headers,
        start=message.start,
        end=message.end,
    )
