"""What an exchange is to a person: its API, its events, its model, its row in a listing."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any
from urllib.parse import unquote

import msgspec

from tokentape import content, eventstream, media, sse
from tokentape.chat.payloads import NotJson, stream_payloads
from tokentape.chat.payloads import parse_json as parse_json
from tokentape.errors import TokenTapeError
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.matching import operation
from tokentape.model import Exchange, Read, header


class Api(StrEnum):
    """The API an exchange speaks."""

    CHAT = "chat.completions"
    COMPLETIONS = "completions"
    RESPONSES = "responses"
    MESSAGES = "messages"
    GEMINI = "gemini"
    BEDROCK = "bedrock"
    EMBEDDINGS = "embeddings"
    OTHER = "other"


_BY_OPERATION = {
    "/chat/completions": Api.CHAT,
    "/completions": Api.COMPLETIONS,
    "/responses": Api.RESPONSES,
    "/messages": Api.MESSAGES,
    "/embeddings": Api.EMBEDDINGS,
    "/embed_content": Api.EMBEDDINGS,
    "/api/embed": Api.EMBEDDINGS,
    "/generate_content": Api.GEMINI,
    "/generate_content_stream": Api.GEMINI,
}
# Gemini's `/models/NAME:VERB`, its colon perhaps escaped, and Bedrock's `/model/NAME/VERB`, where
# the name may be one of Amazon's, with colons and slashes in it.
_MODEL_IN_URL = re.compile(r"/models/([^/:?#%]+)(?::|%3A)|/model/([^?#]+)/", re.IGNORECASE)
# What Google's verbs behind the colon ask for; what a publisher's own model is asked, its answer
# tells.
_BY_VERB = {
    "generateContent": Api.GEMINI,
    "streamGenerateContent": Api.GEMINI,
    "embedContent": Api.EMBEDDINGS,
    "batchEmbedContents": Api.EMBEDDINGS,
}
_PUBLISHERS_OWN = ("rawPredict", "streamRawPredict")
# A response by its id: fetched, or gone on with.
_RESPONSE = re.compile(r"/responses/resp_[^/?]+(?:\?|$)")
_SLICE = 1 << 16


def media_type(exchange: Exchange) -> str:
    """The response's content type, lower case, without parameters; "" where unknown."""
    return "" if exchange.response is None else media.media_type(exchange.response.headers)


def decoded_body(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The response body with its content coding undone. Raises FormatError, LimitError."""
    if exchange.response is None:
        return b""
    coding = header(exchange.response.headers, "content-encoding")
    return content.decode(exchange.body, coding, limits)


def decoded_reads(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Iterator[Read]:
    """The reads of the response with its content coding undone, one after another.

    Of a body in several codings, one in another, it is one read that knows no time. Raises
    FormatError, LimitError.
    """
    if exchange.response is None:
        return
    coding = header(exchange.response.headers, "content-encoding") or ""
    if "," in coding:
        yield Read(decoded_body(exchange, limits))
        return
    decoder = content.Decoder(exchange.body, coding, limits)
    for read in exchange.response.reads:
        yield Read(decoder.feed(read.data), read.offset_us)


def is_event_stream(exchange: Exchange) -> bool:
    """Whether the response body is SSE, by its content type or by how it begins."""
    return exchange.response is not None and media.is_event_stream(exchange.response)


def is_streaming(exchange: Exchange) -> bool:
    """Whether the response is a stream of any kind."""
    of_other_kinds = (media.AMAZON_EVENT_STREAM, *media.NDJSON)
    return is_event_stream(exchange) or media_type(exchange) in of_other_kinds


def _decoded(exchange: Exchange, limits: Limits) -> bytes:
    """The response body with its content coding undone, b"" where it can't be."""
    try:
        return decoded_body(exchange, limits)
    except TokenTapeError:
        return b""


def each_event(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Iterator[sse.Event]:
    """The SSE events of the response one after another, none where `events` gives []."""
    # In slices, since the events of a large body take ten times its memory.
    if is_event_stream(exchange):
        reader = sse.EventReader()
        body = _decoded(exchange, limits)
        for start in range(0, len(body), _SLICE):
            yield from reader.feed(body[start : start + _SLICE])


def events(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> list[sse.Event]:
    """The SSE events of the response, [] where it is no event stream or can't be decoded."""
    return list(each_event(exchange, limits))


def count_events(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> int:
    """How many events, NDJSON lines or binary messages the response holds; 0 for a document."""
    kind = media_type(exchange)
    if kind == media.AMAZON_EVENT_STREAM:
        return eventstream.count(_decoded(exchange, limits))
    if kind in media.NDJSON:
        return sum(1 for line in exchange.body.splitlines() if line.strip())
    return sum(1 for _ in each_event(exchange, limits))


def payloads(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Iterator[Any]:
    """The JSON values of the events, or the one of a JSON response; what is not JSON left out."""
    if not is_event_stream(exchange):
        value = parse_json(_decoded(exchange, limits))
        return iter(() if value is None else (value,))
    found = stream_payloads(_decoded(exchange, limits))
    return (value for value in found if value is not None and type(value) is not NotJson)


def request_json(exchange: Exchange) -> Any:
    """The request body's JSON value, or None."""
    return parse_json(exchange.request.body) if exchange.request.body else None


def model_in(payload: Any) -> str:
    """The model a payload names: its own, or that of the object it carries."""
    if not isinstance(payload, dict):
        return ""
    # Responses events carry `response`, Anthropic's first event carries `message`.
    for holder in (payload, payload.get("response"), payload.get("message")):
        if isinstance(holder, dict) and isinstance(holder.get("model"), str) and holder["model"]:
            return str(holder["model"])
    return ""


def model_asked(exchange: Exchange) -> str:
    """The model that the request's body names, or its URL as Gemini's and Bedrock's do, else ""."""
    named = model_in(request_json(exchange))
    if named:
        return named
    found = _MODEL_IN_URL.search(exchange.request.url)
    return unquote(found[1] or found[2]) if found else ""


def model(exchange: Exchange) -> str:
    """The model asked for, else the one that answered, else ""."""
    return model_asked(exchange) or next(filter(None, map(model_in, payloads(exchange))), "")


def _operation_in(payload: Any) -> str:
    """The operation whose response this payload is part of, or ""."""
    if not isinstance(payload, dict):
        return ""
    kind, type_ = payload.get("object"), payload.get("type")
    if kind in ("chat.completion.chunk", "chat.completion"):
        return "/chat/completions"
    if kind == "text_completion":
        return "/completions"
    if kind == "response" or (isinstance(type_, str) and type_.startswith("response.")):
        return "/responses"
    if type_ in ("message_start", "message"):
        return "/messages"
    choices = payload.get("choices")
    if isinstance(choices, list) and any(map(_is_chat, choices)):
        return "/chat/completions"
    return ""


def _is_chat(choice: Any) -> bool:
    return isinstance(choice, dict) and ("delta" in choice or "message" in choice)


def operation_of(exchange: Exchange) -> str:
    """The operation of the request; where the recording has no request, told by the response."""
    return operation(exchange.request.url) if exchange.request.url else _operation_told(exchange)


def _operation_told(exchange: Exchange) -> str:
    """The operation that the response tells of, or ""."""
    return next(filter(None, map(_operation_in, payloads(exchange))), "")


def api(exchange: Exchange) -> Api:
    """Which API this exchange speaks, by its operation."""
    found = operation_of(exchange)
    if found.startswith("/models/") and ":" in found:
        verb = found.rpartition(":")[2]
        if verb not in _PUBLISHERS_OWN:
            return _BY_VERB.get(verb, Api.OTHER)
        found = _operation_told(exchange)
    elif found.startswith("/model/"):
        return Api.BEDROCK
    elif _RESPONSE.search(found):
        return Api.RESPONSES
    return _BY_OPERATION.get(found, Api.OTHER)


def duration_us(exchange: Exchange) -> int | None:
    """From the request to the end of the response, None where the recording does not know."""
    if exchange.end_offset_us is not None:
        return exchange.end_offset_us
    reads = exchange.response.reads if exchange.response else ()
    return reads[-1].offset_us if reads else None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange in `tokentape ls`. `duration_ms` and `status` are None where unknown."""

    path: str
    exchange: int
    format: str
    fidelity: str
    method: str
    url: str
    status: int | None
    api: str
    streaming: bool
    events: int
    bytes: int
    duration_ms: float | None
    ending: str
    needs_repair: bool


def row(exchange: Exchange, *, path: str, number: int, format: str, needs_repair: bool) -> Row:
    """The row of one exchange."""
    took = duration_us(exchange)
    return Row(
        path=path,
        exchange=number,
        format=format,
        fidelity=exchange.fidelity.value,
        method=exchange.request.method,
        url=exchange.request.url,
        status=exchange.response.status if exchange.response else None,
        api=api(exchange).value,
        streaming=is_streaming(exchange),
        events=count_events(exchange),
        bytes=len(exchange.body),
        duration_ms=None if took is None else took / 1000,
        ending=exchange.ending.value,
        needs_repair=needs_repair,
    )
