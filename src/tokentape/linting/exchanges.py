"""Findings of an exchange, or of a whole tape."""

from collections.abc import Collection

import msgspec

from tokentape import media, view
from tokentape.errors import TokenTapeError
from tokentape.linting.base import Finding, On
from tokentape.linting.checks import choice, chunk, cost, request, usage
from tokentape.linting.linter import Linter
from tokentape.linting.questions import end_chunks, new_stream
from tokentape.linting.rules import CODES
from tokentape.linting.state import Stream
from tokentape.linting.thresholds import DEFAULT_THRESHOLDS, Thresholds
from tokentape.model import REPAIRED, Ending, Exchange, Fidelity, Tape, header

_OK = 200


def lint(
    recorded: Tape | Exchange,
    *,
    codes: Collection[str] = CODES,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> list[Finding]:
    """The findings of an exchange, or of all exchanges of a tape, with their numbers.

    One finding a rule and exchange: where the breach is first, and how often it is. `codes` are
    the rules to ask, such as {"CHO306", "DEL402"}; see `tokentape.linting.select`.
    """
    if isinstance(recorded, Exchange):
        return lint_exchange(recorded, codes=codes, thresholds=thresholds)
    return [
        msgspec.structs.replace(finding, exchange=number)
        for number, exchange in enumerate(recorded.exchanges)
        for finding in lint_exchange(exchange, codes=codes, thresholds=thresholds)
    ]


def lint_exchange(
    exchange: Exchange,
    *,
    codes: Collection[str] = CODES,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> list[Finding]:
    """The findings of one exchange, in the order of the stream; [] where no rule is about it."""
    response = exchange.response
    if response is None:
        return []
    chat = view.api(exchange) is view.Api.CHAT
    whole = 200 <= response.status < 300
    streamed = view.is_event_stream(exchange) or (chat and media.begins_as_events(exchange.body))
    if whole and streamed:
        return _lint_stream(exchange, codes, thresholds, chat=chat)
    if not chat or (whole and view.is_streaming(exchange)):
        return []
    stream = new_stream(exchange.request, exchange.fidelity, codes, thresholds, On.CHAT)
    request.check_request(stream)
    if whole:
        # What comes with another status is an error document, no answer.
        _lint_document(exchange, stream)
    return stream.findings()


def _lint_stream(
    exchange: Exchange, codes: Collection[str], thresholds: Thresholds, *, chat: bool
) -> list[Finding]:
    linter = Linter(
        exchange.request, fidelity=exchange.fidelity, chat=chat, thresholds=thresholds, codes=codes
    )
    linter.response(view.media_type(exchange))
    for note in exchange.notes:
        if note.startswith(REPAIRED):
            linter.repaired(note.removeprefix(REPAIRED))
    try:
        for read in view.decoded_reads(exchange):
            linter.feed(read.data, read.offset_us)
    except TokenTapeError as error:
        linter.undecoded(error.message)
    else:
        linter.end(exchange.ending)
        linter.price(exchange)
    return linter.findings()


def _is_empty(exchange: Exchange) -> bool:
    """Whether an answer without bytes was one, and it is not the recording that left them out."""
    response = exchange.response
    assert response is not None
    length = header(response.headers, "content-length")
    sent = exchange.request.method.upper() == "POST" and response.status == _OK
    return sent and exchange.fidelity is not Fidelity.EVENTS and length in (None, "0")


def _lint_document(exchange: Exchange, stream: Stream) -> None:
    """A chat completion that came as one JSON document."""
    try:
        body = view.decoded_body(exchange)
    except TokenTapeError as error:
        stream.report_stream("CHK213", f"the answer can't be decoded: {error.message}", "$")
        return
    payload = view.parse_json(body)
    if not isinstance(payload, dict):
        # A document that was cut is no document.
        if exchange.ending is Ending.COMPLETE:
            if body:
                stream.report_stream("CHK213", "the answer is no JSON object", "$")
            elif _is_empty(exchange):
                stream.report_stream("CHO307", "no choice came: the answer is empty")
        return
    if chunk.is_error(payload):
        chunk.check_error(stream, payload)
        return
    stream.chunks = 1
    if stream.asked.stream:
        stream.report_stream("REQ806", "a stream was asked for, one document came", "$.stream")
    chunk.check_top(stream, payload, whole=True)
    usage.check_usage(stream, payload, whole=True)
    choice.check_choices(stream, payload, whole=True)
    end_chunks(stream, over=True, streamed=False)
    cost.check_cost(stream, exchange)
