"""What an answer says, whichever API gave it: text, reasoning, tool calls, finish, usage, error."""

from itertools import islice
from typing import Any

import msgspec

from tokentape import view
from tokentape.apis import bedrock, chat, gemini, messages, responses
from tokentape.apis.base import Choice, Fold, Said, Speaks, ToolCall
from tokentape.apis.decode import Decoded, EventDecoder, broken, decoded, decoder, is_binary
from tokentape.errors import TokenTapeError
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.model import Exchange
from tokentape.view import Api

__all__ = [
    "NAMES",
    "Choice",
    "Decoded",
    "EventDecoder",
    "Fold",
    "Said",
    "Speaks",
    "ToolCall",
    "broken",
    "decoded",
    "decoder",
    "fold",
    "is_binary",
    "said",
    "spoken",
]

_SPEAKERS: tuple[Speaks, ...] = (chat, responses, messages, gemini, bedrock)
_BY_API: dict[Api, Speaks] = {
    Api.CHAT: chat,
    Api.COMPLETIONS: chat,
    Api.RESPONSES: responses,
    Api.MESSAGES: messages,
    Api.GEMINI: gemini,
    Api.BEDROCK: bedrock,
}
# The APIs whose answers are understood.
NAMES = tuple(api.value for api in _BY_API)
# How many events are looked at for the API they speak.
_LOOKED_AT = 16


def _speaker(exchange: Exchange, limits: Limits) -> tuple[Speaks, str]:
    """The module of the API the answer speaks, and the API's name."""
    asked = view.api(exchange)
    if is_binary(exchange):
        asked = Api.BEDROCK
    by_request = _BY_API.get(asked)
    if asked is not Api.BEDROCK:
        for event in islice(decoded(exchange, limits), _LOOKED_AT):
            speaker = spoken(event.payload)
            if speaker is not None:
                return speaker, asked.value if speaker is by_request else speaker.API
    return by_request or chat, asked.value


def spoken(payload: Any) -> Speaks | None:
    """The API that the payload of one event is of, None where it does not tell."""
    if not isinstance(payload, dict):
        return None
    return next((speaker for speaker in _SPEAKERS if speaker.speaks(payload)), None)


def fold(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Fold:
    """A fresh fold for the API this exchange's answer speaks.

    Told by the answer, because gateways give the answers of one API below the URL of another;
    where it does not tell, by the request; else one for chat completions.
    """
    return _speaker(exchange, limits)[0].Fold()


def said(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Said:
    """What an exchange's answer says, streamed or whole.

    Of a stream that was cut, what came; nothing at all where there is no response or none that is
    understood. Never raises. `error` is also that of an answer whose status says that it failed:
    the `error` of its JSON, else the JSON, else the text.
    """
    speaker, api = _speaker(exchange, limits)
    adding = speaker.Fold()
    last = None
    for last in decoded(exchange, limits):
        adding.feed(last.type, last.payload)
    found = adding.said()
    error = found.error
    if error is None and exchange.response is not None and exchange.response.status >= 400:
        error = _failure(exchange, last, limits)
    return msgspec.structs.replace(found, api=api, error=error)


def _failure(exchange: Exchange, last: Decoded | None, limits: Limits) -> Any:
    if last is not None and last.payload is not None:
        payload = last.payload
        return (payload.get("error") if isinstance(payload, dict) else None) or payload
    try:
        body = view.decoded_body(exchange, limits)
    except TokenTapeError:
        body = exchange.body
    return body.decode("utf-8", "replace") or None
