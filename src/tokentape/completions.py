"""What an exchange says: its chunks, its completion, or why it has none."""

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
    """

    completion: dict[str, Any] | None = None
    skipped: str | None = None
    partial: str | None = None


def completion(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> dict[str, Any]:
    """The `chat.completion` that an exchange's answer is, or that its chunks add up to.

    A JSON answer comes as it is. A stream that broke gives what came; `assembled` says so. An
    error inside a stream stands under `error`. The legacy completions API gives a
    `text_completion`.

    Raises UsageError, saying why, where there is none: see `skipped`.
    """
    found = assembled(exchange, limits)
    if found.completion is None:
        raise UsageError(f"expected an exchange with a chat completion; got {found.skipped}")
    return found.completion


def skipped(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Why an exchange has no completion, None where it has one.

    Another API, no response, a status that is no success, a body that can't be decoded, or one
    that is neither a completion nor a stream of chunks.
    """
    return assembled(exchange, limits).skipped


def chunks(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> list[dict[str, Any]]:
    """The decoded chunks of a streamed answer; a JSON answer is split into them, with its usage.

    Assembled they are the completion. An error object in the stream is among them. Raises
    UsageError, saying why, where there are none.
    """
    answer = _answer(exchange, limits)
    if isinstance(answer, str):
        raise UsageError(f"expected an exchange with a chat completion; got {answer}")
    if isinstance(answer, dict):
        return split(answer, include_usage=True)
    folded = _fold(exchange, answer)
    if folded.completion is None:
        raise UsageError(f"expected an exchange with a chat completion; got {folded.skipped}")
    return [payload for payload in answer if is_chunk(payload)]


def assembled(exchange: Exchange, limits: Limits = DEFAULT_LIMITS) -> Assembled:
    """The completion of an exchange, how far it is to be trusted, or why there is none."""
    answer = _answer(exchange, limits)
    if isinstance(answer, str):
        return Assembled(skipped=answer)
    if isinstance(answer, dict):
        return Assembled(completion=answer)
    return _fold(exchange, answer)


def _fold(exchange: Exchange, payloads: list[Any]) -> Assembled:
    assembler = Assembler()
    feed = assembler.feed
    for payload in payloads:
        feed(payload)
    if not assembler.begun:
        why = f"a stream without chunks: none of its {len(payloads)} events is one"
        return Assembled(skipped=why)
    found = assembler.completion()
    if found.get("error") and not found["choices"]:
        return Assembled(skipped=f"an error in place of an answer: {_told(found['error'])}")
    return Assembled(completion=found, partial=_partial(exchange, payloads, found))


def _answer(exchange: Exchange, limits: Limits) -> str | dict[str, Any] | list[Any]:
    """A JSON completion, the payloads of a stream, or the reason why there is neither."""
    api = view.api(exchange)
    if api not in _APIS:
        return f"another API: {api}"
    if exchange.response is None:
        return f"no response: {exchange.ending}"
    try:
        body = view.decoded_body(exchange, limits)
    except TokenTapeError as error:
        return f"a body that can't be read: {error.message}"
    status = exchange.response.status
    if not 200 <= status < 300:
        told = _error_in(view.parse_json(body))
        return f"HTTP status {status}" + (f": {told}" if told else "")
    if view.is_event_stream(exchange):
        found = list(stream_payloads(body))
        if found:
            return found
    answer = view.parse_json(body)
    if isinstance(answer, dict) and isinstance(answer.get("choices"), list):
        return answer
    return _no_answer(exchange, body, answer)


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


def _partial(exchange: Exchange, payloads: list[Any], found: dict[str, Any]) -> str | None:
    reasons = []
    if exchange.ending is not Ending.COMPLETE:
        reasons.append(str(exchange.ending))
    if found.get("error"):
        reasons.append(f"an error in the stream: {_told(found['error'])}")
    texts = [payload.data for payload in payloads if type(payload) is NotJson]
    broken = [text for text in texts if not text.startswith("[DONE]")]
    if broken:
        reasons.append(f"not JSON: {len(broken)} of its {len(payloads)} events")
    open_ = [str(c["index"]) for c in found["choices"] if not c["finish_reason"]]
    if not found["choices"]:
        reasons.append("no choice in it")
    elif open_ and len(broken) == len(texts):
        reasons.append(f"neither [DONE] nor a finish_reason of choice {', '.join(open_)}")
    return "; ".join(reasons) or None


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
