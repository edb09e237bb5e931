"""Usage with provenance: the tokens a provider reported, by one set of names, and where."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tokentape.measure.observe import Observed
from tokentape.model import Exchange

Place = Literal["document", "own chunk", "choice chunk", "every chunk"]

# Our name -> where the APIs put it, the first that holds a count taken. Chat completions and its
# derivatives, Responses and Messages, Gemini and its interactions, Bedrock's Converse, Cohere.
NAMES: dict[str, tuple[str, ...]] = {
    "input_tokens": (
        *("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens"),
        *("total_input_tokens", "tokens.input_tokens", "prompt_token_count"),
    ),
    "output_tokens": (
        *("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens"),
        *("total_output_tokens", "tokens.output_tokens", "candidates_token_count"),
    ),
    "total_tokens": ("total_tokens", "totalTokenCount", "totalTokens", "total_token_count"),
    "cached_tokens": (
        *("prompt_tokens_details.cached_tokens", "input_tokens_details.cached_tokens"),
        *("cache_read_input_tokens", "cachedContentTokenCount", "cacheReadInputTokens"),
        *("total_cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"),
        "cached_content_token_count",
    ),
    "cache_write_tokens": (
        *("prompt_tokens_details.cache_write_tokens", "input_tokens_details.cache_write_tokens"),
        *("cache_creation_input_tokens", "cacheWriteInputTokens"),
    ),
    "reasoning_tokens": (
        *("completion_tokens_details.reasoning_tokens", "output_tokens_details.reasoning_tokens"),
        *("thoughtsTokenCount", "thoughts_token_count", "total_thought_tokens"),
        "reasoning_tokens",
    ),
    "input_audio_tokens": (
        *("prompt_tokens_details.audio_tokens", "input_tokens_details.audio_tokens"),
    ),
    "output_audio_tokens": (
        *("completion_tokens_details.audio_tokens", "output_tokens_details.audio_tokens"),
    ),
}
TOKENS = tuple(NAMES)
# These count what was read from a cache, or written to it, beside the input, not in it.
_CACHE_APART = ({"input_tokens", "cache_read_input_tokens"}, {"inputTokens"})
# Gemini's count of what was thought is not part of its output.
_THOUGHTS = frozenset({"thoughtsTokenCount", "thoughts_token_count"})
_MOST = 10**15


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens that a provider reported, under one set of names; None where it did not say.

    `source` is "reported" or "absent": nothing is counted here. `raw` is the usage as it came, the
    last that was not null; `count` says how many there were. `place` says what it came with: a JSON
    document, a chunk without choices, a chunk with them, or every chunk; `event` is the 0-based
    event, None for a document.

    `reasoning_apart`: the reasoning is not part of the output but comes on top of it (Gemini; xAI,
    whose total is prompt + completion + reasoning). `cache_apart`: what the cache gave or took is
    not part of the input (Messages, Converse).
    """

    source: Literal["reported", "absent"] = "absent"
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    reasoning_apart: bool = False
    cache_apart: bool = False
    place: Place | None = None
    event: int | None = None
    count: int = 0
    raw: Mapping[str, Any] | None = None

    @property
    def prompt(self) -> int | None:
        """All tokens that went in, those of the cache among them."""
        if self.input_tokens is None or not self.cache_apart:
            return self.input_tokens
        return self.input_tokens + (self.cached_tokens or 0) + (self.cache_write_tokens or 0)

    @property
    def generated(self) -> int | None:
        """All tokens that were generated, reasoning among them."""
        if self.output_tokens is None or not self.reasoning_apart:
            return self.output_tokens
        return self.output_tokens + (self.reasoning_tokens or 0)


def usage(exchange: Exchange) -> Usage:
    """What the provider reported of an exchange's tokens; `source` is "absent" where nothing."""
    return usage_of(Observed(exchange))


def usage_of(observed: Observed) -> Usage:
    """As `usage`, of an exchange that was observed."""
    reported = observed.usage
    if reported is None:
        return Usage()
    place: Place
    if reported.event is None:
        place = "document"
    elif observed.usages > 1 and observed.usages == observed.events:
        place = "every chunk"
    else:
        place = "choice chunk" if reported.with_choices else "own chunk"
    return normalised(reported.raw, place=place, event=reported.event, count=observed.usages)


def normalised(
    raw: Mapping[str, Any], *, place: Place | None = None, event: int | None = None, count: int = 1
) -> Usage:
    """A provider's own usage under our names. Takes any JSON object."""
    found = {name: _first(raw, paths) for name, paths in NAMES.items()}
    return Usage(
        **found,
        source="reported",
        reasoning_apart=_reasoning_apart(raw, found),
        cache_apart=any(keys <= raw.keys() for keys in _CACHE_APART),
        place=place,
        event=event,
        count=count,
        raw=raw,
    )


def _first(raw: Mapping[str, Any], paths: tuple[str, ...]) -> int | None:
    for path in paths:
        holder, _, name = path.rpartition(".")
        inner = raw.get(holder) if holder else raw
        if isinstance(inner, Mapping):
            value = inner.get(name)
            if type(value) is float and value.is_integer():
                value = int(value)
            if type(value) is int and 0 <= value < _MOST:
                return value
    return None


def _reasoning_apart(raw: Mapping[str, Any], found: Mapping[str, int | None]) -> bool:
    reasoning, output, total = (
        found[name] for name in ("reasoning_tokens", "output_tokens", "total_tokens")
    )
    if not reasoning or output is None:
        return False
    if not _THOUGHTS.isdisjoint(raw) or reasoning > output:
        return True
    return total is not None and total == (found["input_tokens"] or 0) + output + reasoning
