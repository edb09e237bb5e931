"""The same word, different formulas: what each tool calls TTFT, ITL and TPOT.

Each definition is one entry of DEFINITIONS, its formulas in words beside its code. In the words,
*start* is when the request was sent, *n* the output tokens that the provider reported (with the
reasoning, where that is counted apart), and *content* an event that brings text, reasoning, a
refusal or a part of a tool call.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import msgspec

from tokentape.errors import UsageError


class Times(msgspec.Struct, frozen=True):
    """What the formulas are given: times in microseconds since the request was sent.

    `content`: a list for each choice, of its events with content; `text`: only those with text of
    the answer. `chunks`: the events whose `choices` is not empty; `last`: the last JSON event;
    `end`: the end of the response, None where it did not end well. `tokens` is n. `first_tokens`:
    the output tokens of the usage that stood on the first chunk with content.
    """

    content: Sequence[Sequence[int]]
    text: Sequence[int]
    chunks: Sequence[int]
    last: int | None
    end: int | None
    tokens: int | None
    first_tokens: int | None = None


class Measures(msgspec.Struct, frozen=True):
    """What a definition makes of the times, in microseconds; None where it can't be known.

    `itl_us` holds every gap where the definition takes gaps, else one mean for the exchange.
    """

    ttft_us: float | None = None
    itl_us: tuple[float, ...] | None = None
    tpot_us: float | None = None
    end_to_end_us: float | None = None
    tokens_per_second: float | None = None


MEASURES = tuple(field.name for field in msgspec.structs.fields(Measures))
NOT_DEFINED = "not defined"


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A tool's formulas, in words and as code."""

    name: str
    tool: str
    ttft: str
    itl: str
    tpot: str
    end_to_end: str
    tokens_per_second: str
    measure: Callable[[Times], Measures]

    def formula(self, measure: str) -> str:
        """The words of one of MEASURES."""
        return str(getattr(self, measure.removesuffix("_us")))


def _over(amount: float | None, count: float | None) -> float | None:
    """A quotient, None where a part of it is not known or it would divide by nothing."""
    return None if amount is None or count is None or count <= 0 else amount / count


def _minus(later: float | None, earlier: float | None) -> float | None:
    return None if later is None or earlier is None else later - earlier


def _span(times: Sequence[int]) -> float | None:
    """From the first to the last; None where they are one moment, which holds no pace."""
    return times[-1] - times[0] if times and times[-1] > times[0] else None


def _less(tokens: int | None, count: int) -> int | None:
    return None if tokens is None else tokens - count


def _gaps(times: Sequence[int]) -> tuple[float, ...]:
    return tuple(later - earlier for earlier, later in pairwise(times))


def _rate(tokens: int | None, took_us: float | None) -> float | None:
    return None if tokens is None else _over(tokens * 1_000_000, took_us)


def _one(value: float | None) -> tuple[float, ...] | None:
    return None if value is None else (value,)


def _content(times: Times) -> Sequence[int]:
    """The events with content of all choices, in order."""
    if len(times.content) == 1:
        return times.content[0]
    return sorted(time for choice in times.content for time in choice)


def _first(times: Sequence[int]) -> int | None:
    return times[0] if times else None


def _of_one(times: Times) -> int | None:
    """n where it belongs to one choice; the usage of several is their sum."""
    return times.tokens if len(times.content) == 1 else None


def _tokentape(times: Times) -> Measures:
    content = _content(times)
    return Measures(
        ttft_us=_first(content),
        itl_us=tuple(gap for choice in times.content for gap in _gaps(choice)) if content else None,
        tpot_us=_over(_span(content), _less(_of_one(times), 1)),
        end_to_end_us=times.end,
        tokens_per_second=_rate(times.tokens, times.end),
    )


def _aiperf(times: Times) -> Measures:
    content, tokens = _content(times), _of_one(times)
    first = times.first_tokens or 1
    if tokens is not None and first >= tokens:
        first = 1
    itl = _over(_span(content), _less(tokens, first))
    latency = content[-1] if content and times.end is not None else None
    return Measures(
        ttft_us=_first(content),
        itl_us=_one(itl),
        end_to_end_us=latency,
        tokens_per_second=None if itl is None else 1_000_000 / itl,
    )


def _vllm(times: Times) -> Measures:
    ttft, latency = _first(times.chunks), times.last if times.end is not None else None
    decode = _minus(latency, ttft)
    return Measures(
        ttft_us=ttft,
        itl_us=_gaps(times.chunks) if times.chunks else None,
        tpot_us=_over(decode or None, _less(_of_one(times), 1)),
        end_to_end_us=latency,
        tokens_per_second=_rate(times.tokens, latency),
    )


def _guidellm(times: Times) -> Measures:
    content, tokens = _content(times), _of_one(times)
    return Measures(
        ttft_us=_first(content),
        itl_us=_one(_over(_span(content), _less(tokens, 1))),
        tpot_us=_over(content[-1] if content else None, tokens),
        end_to_end_us=times.end,
        tokens_per_second=_rate(times.tokens, times.end),
    )


def _llmperf(times: Times) -> Measures:
    return Measures(
        ttft_us=_first(times.text),
        itl_us=_one(_over(times.text[-1] if times.text else None, _of_one(times))),
        end_to_end_us=times.end,
        tokens_per_second=_rate(times.tokens, times.end),
    )


DEFINITIONS = (
    Definition(
        name="tokentape",
        tool="TokenTape",
        ttft="first content − start",
        itl="the gaps between content and the next content of the same choice",
        tpot="(last content − first content) / (n − 1), of one choice",
        end_to_end="end of the response − start",
        tokens_per_second="n / end-to-end",
        measure=_tokentape,
    ),
    Definition(
        name="aiperf",
        tool="NVIDIA AIPerf",
        ttft="first content − start",
        itl=(
            "(last content − first content) / (n − tokens of the first chunk); those are what a "
            "usage on that chunk says, else 1"
        ),
        tpot=NOT_DEFINED,
        end_to_end="last content − start",
        tokens_per_second="1 / ITL (per user)",
        measure=_aiperf,
    ),
    Definition(
        name="vllm",
        tool="vLLM bench",
        ttft="first chunk with non-empty `choices` − start; a chunk with only a role counts",
        itl="the gaps between chunks with non-empty `choices`",
        tpot="(end-to-end − TTFT) / (n − 1)",
        end_to_end="last chunk, that of the usage too but not `[DONE]`, − start",
        tokens_per_second="n / end-to-end",
        measure=_vllm,
    ),
    Definition(
        name="guidellm",
        tool="GuideLLM",
        ttft="first content − start",
        itl="(last content − first content) / (n − 1)",
        tpot="(last content − start) / n: TTFT included",
        end_to_end="end of the response − start",
        tokens_per_second="n / end-to-end",
        measure=_guidellm,
    ),
    Definition(
        name="llmperf",
        tool="LLMPerf",
        ttft="first non-empty `delta.content` − start: reasoning and tool calls do not count",
        itl="the sum of the gaps between texts, TTFT included, / n",
        tpot=NOT_DEFINED,
        end_to_end="end of the response − start",
        tokens_per_second="n / end-to-end",
        measure=_llmperf,
    ),
)
DEFAULT = "tokentape"


def by_name(name: str) -> Definition:
    """The definition of that name. Raises UsageError listing the names."""
    for definition in DEFINITIONS:
        if definition.name == name:
            return definition
    known = ", ".join(definition.name for definition in DEFINITIONS)
    raise UsageError(f"definition: expected one of {known}, got {name!r}")
