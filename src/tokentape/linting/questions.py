"""All questions of one answer, in their order: of each chunk, and of the end."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from tokentape.linting.asked import Asked
from tokentape.linting.asked import asked as asked_by
from tokentape.linting.base import On, Rule
from tokentape.linting.checks import choice, chunk, logprobs, mixing, tool, usage
from tokentape.linting.rules import BY_CODE
from tokentape.linting.state import Stream
from tokentape.linting.thresholds import Thresholds
from tokentape.model import Fidelity, Request


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
    rules = _rules(frozenset(codes), fidelity, on, chat)
    asked = request if isinstance(request, Asked) else asked_by(request)
    return Stream(asked, rules, thresholds)


@lru_cache(maxsize=64)
def _rules(codes: frozenset[str], fidelity: Fidelity, on: On, chat: bool) -> Mapping[str, Rule]:
    wanted = {On.SSE} if not chat else {On.CHAT, on} | ({On.SSE} if on is On.STREAM else set())
    return MappingProxyType(
        {
            code: rule
            for code, rule in BY_CODE.items()
            if code in codes and rule.on in wanted and rule.known_at(fidelity)
        }
    )


def check_chunk(stream: Stream, payload: dict[str, Any]) -> bool:
    """All questions of one chunk. Returns whether it brings content."""
    if payload.get("error"):
        chunk.check_error(stream, payload)
        if not payload.get("choices"):
            return False
    stream.chunks += 1
    chunk.check_top(stream, payload)
    usage.check_usage(stream, payload)
    return choice.check_choices(stream, payload)


def end_chunks(stream: Stream, *, over: bool, streamed: bool) -> None:
    """What only the end of the chunks shows."""
    choice.end_choices(stream, over=over)
    tool.end_calls(stream, streamed=streamed)
    usage.end_usage(stream, over=over, streamed=streamed)
    if over:
        logprobs.end_logprobs(stream)
    mixing.end_mixing(stream)
