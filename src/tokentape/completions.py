"""What an exchange says: its chunks, its completion, or why it has none."""

from collections.abc import Iterator
from typing import Any

import msgspec

from tokentape import view
from tokentape.chat.assemble import Assembler, is_chunk
from tokentape.chat.payloads import NotJson, stream_payloads
from tokentape.chat.split import split
from tokentape.errors import TokenTapeError, UsageError
from tokentape.limits import DEFAULT_LIMITS, Limits
from tokentape.model import Ending, Exchange

_APIS = (view.Api.CHAT, view.Api.COMPLETIONS)
_LONGEST = 200


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """What assembling an exchange gave: a completion, or the reason why there is none (`skipped`).

    `partial` says why the completion may not be all of the answer; None where nothing tells so.
    `streamed` tells one that was put together of chunks from one that came whole.
    """

    completion: dict[str, Any] | None = None
    skipped: str | None = None
    partial: str | None = None
    streamed: bool = False


def completion(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The `chat.completion` that an exchange's answer is, or that its chunks add up to.

    A JSON answer comes as it is. A stream that broke gives what came; `assembled` says so. An
    error inside a stream stands under `error`. The legacy completions API gives a
    `text_completion`.

    Raises UsageError, saying why, where there is none: another API, no response, a status that is
    no success, a body that can't be decoded, or one that is neither a completion nor a stream of
    chunks.
    """
    found = assembled(exchange, limits)
    if found.completion is None:
        raise UsageError(f"expected an exchange with a chat completion; got {found.skipped}")
    return found.completion


def chunks(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> list[dict[str, Any]]:
    """The decoded chunks of a streamed answer; a JSON answer is split into them, with its usage.

    Assembled they are the completion. An error object in the stream is among them. Raises
    UsageError, saying why, where there are none.
    """
    found = assembled(exchange, limits)
    if found.completion is None:
        raise UsageError(f"expected an exchange with a chat completion; got {found.skipped}")
    if not found.streamed:
        return split(found.completion, include_usage=True)
    return [payload for payload in view.payloads(exchange, limits) if is_chunk(payload)]


def assembled(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Assembled:
    """The completion of an exchange, how far it is to be trusted, or why there is none."""
    api = view.api(exchange)
    if api not in _APIS:
        return Assembled(skipped=f"another API: {api}")
    if exchange.response is None:
        return Assembled(skipped=f"no response: {exchange.ending}")
    try:
        body = view.decoded_body(exchange, limits)
    except TokenTapeError as error:
        return Assembled(skipped=f"a body that can't be read: {error.message}")
    status = exchange.response.status
    if not 200 <= status < 300:
        told = _error_in(view.parse_json(body))
        return Assembled(skipped=f"HTTP status {status}" + (f": {told}" if told else ""))
    if view.is_event_stream(exchange):
        return _streamed(exchange, body)
    return _document(exchange, body)


def _streamed(exchange: Exchange, body: bytes) -> Assembled:
    assembler = Assembler()
    feed = assembler.feed
    events = 0
    texts = []  # the events that are not JSON
    for events, payload in enumerate(stream_payloads(body), 1):  # noqa: B007 - counts them
        if type(payload) is NotJson:
            texts.append(payload.data)
        else:
            feed(payload)
    if not events:
        return _document(exchange, body)
    if not assembler.begun:
        return Assembled(skipped=f"a stream without chunks: none of its {events} events is one")
    found = assembler.completion()
    if found.get("error") and not found["choices"]:
        return Assembled(skipped=f"an error in place of an answer: {_told(found['error'])}")
    broken = sum(not text.startswith("[DONE]") for text in texts)
    reasons = list(_reasons(exchange, found, done=broken < len(texts)))
    if broken:
        reasons.append(f"not JSON: {broken} of its {events} events")
    return Assembled(completion=found, partial="; ".join(reasons) or None, streamed=True)


def _reasons(exchange: Exchange, found: dict[str, Any], *, done: bool) -> Iterator[str]:
    """Why a stream's completion may not be all of the answer."""
    if exchange.ending is not Ending.COMPLETE:
        yield str(exchange.ending)
    if found.get("error"):
        yield f"an error in the stream: {_told(found['error'])}"
    if not found["choices"]:
        yield "no choice in it"
    unfinished = [
        str(choice["index"]) for choice in found["choices"] if not choice["finish_reason"]
    ]
    if unfinished and not done:
        yield f"neither [DONE] nor a finish_reason of choice {', '.join(unfinished)}"


def _document(exchange: Exchange, body: bytes) -> Assembled:
    answer = view.parse_json(body)
    if isinstance(answer, dict) and isinstance(answer.get("choices"), list):
        return Assembled(completion=answer)
    return Assembled(skipped=_no_answer(exchange, body, answer))


def _no_answer(exchange: Exchange, body: bytes, answer: Any) -> str:
    if error := _error_in(answer):
        return f"an error in place of an answer: {error}"
    if not body:
        return f"an empty body ({exchange.ending})"
    if view.is_event_stream(exchange):
        return "a stream without one whole event"
    if answer is None:
        return f"a body that is neither JSON nor SSE ({view.media_type(exchange) or 'no type'})"
    return "JSON that is no completion: it has no list of choices"


def _error_in(answer: Any) -> str:
    """What a JSON body that is no completion says went wrong, "" where it says nothing."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return ""
    for field in ("error", "message", "detail"):
        if answer.get(field):
            return _told(answer[field])
    return ""


def _told(error: Any) -> str:
    """An error object in one short line: its message, or all of it."""
    if isinstance(error, dict) and error.get("message"):
        error = error["message"]
    if not isinstance(error, str):
        try:
            error = msgspec.json.encode(error).decode()
        except (UnicodeError, RecursionError):
            return "an error object that is no text"
    line = " ".join(error.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
