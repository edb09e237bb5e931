"""Usage: whose numbers, by which names, and where in the stream they stood."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.measure.streams import at, role, usage
from tests.samples import DONE, chunk, streamed
from tests.seeds import SEEDS
from tokentape import load
from tokentape import usage as usage_of
from tokentape.measure import Usage, normalised
from tokentape.measure.tokens import NAMES

# what sent it -> its usage, and what of it our names hold, with the two sums.
RAW: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[int, int]]] = {
    "OpenAI": (
        {
            "prompt_tokens": 61,
            "completion_tokens": 16,
            "total_tokens": 77,
            "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 2},
            "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
        },
        {
            "input_tokens": 61,
            "output_tokens": 16,
            "total_tokens": 77,
            "cached_tokens": 8,
            "input_audio_tokens": 2,
            "reasoning_tokens": 4,
            "output_audio_tokens": 0,
        },
        (61, 16),
    ),
    "null details": (
        {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": None},
        {"input_tokens": 1, "output_tokens": 2},
        (1, 2),
    ),
    "xAI, total = prompt + completion + reasoning": (
        {
            "prompt_tokens": 496,
            "completion_tokens": 277,
            "total_tokens": 894,
            "completion_tokens_details": {"reasoning_tokens": 121},
        },
        {
            "input_tokens": 496,
            "output_tokens": 277,
            "total_tokens": 894,
            "reasoning_tokens": 121,
            "reasoning_apart": True,
        },
        (496, 398),
    ),
    "more reasoning than completion": (
        {
            "prompt_tokens": 57,
            "completion_tokens": 10,
            "total_tokens": 67,
            "completion_tokens_details": {"reasoning_tokens": 37},
        },
        {
            "input_tokens": 57,
            "output_tokens": 10,
            "total_tokens": 67,
            "reasoning_tokens": 37,
            "reasoning_apart": True,
        },
        (57, 47),
    ),
    "Responses": (
        {
            "input_tokens": 104,
            "input_tokens_details": {"cached_tokens": 100},
            "output_tokens": 51,
            "output_tokens_details": {"reasoning_tokens": 50},
            "total_tokens": 155,
        },
        {
            "input_tokens": 104,
            "output_tokens": 51,
            "total_tokens": 155,
            "cached_tokens": 100,
            "reasoning_tokens": 50,
        },
        (104, 51),
    ),
    "Messages": (
        {
            "input_tokens": 394,
            "cache_creation_input_tokens": 10,
            "cache_read_input_tokens": 5,
            "output_tokens": 66,
        },
        {
            "input_tokens": 394,
            "output_tokens": 66,
            "cached_tokens": 5,
            "cache_write_tokens": 10,
            "cache_apart": True,
        },
        (409, 66),
    ),
    "Gemini": (
        {
            "promptTokenCount": 54,
            "candidatesTokenCount": 15,
            "thoughtsTokenCount": 5,
            "totalTokenCount": 74,
            "cachedContentTokenCount": 50,
        },
        {
            "input_tokens": 54,
            "output_tokens": 15,
            "reasoning_tokens": 5,
            "total_tokens": 74,
            "cached_tokens": 50,
            "reasoning_apart": True,
        },
        (54, 20),
    ),
    "Converse": (
        {"inputTokens": 21, "outputTokens": 69, "totalTokens": 95, "cacheReadInputTokens": 5},
        {
            "input_tokens": 21,
            "output_tokens": 69,
            "total_tokens": 95,
            "cached_tokens": 5,
            "cache_apart": True,
        },
        (26, 69),
    ),
    "whole numbers written as floats": (
        {"prompt_tokens": 3.0, "completion_tokens": 4.5},
        {"input_tokens": 3},
        (3, -1),
    ),
    "no counts": (
        {"prompt_tokens": True, "completion_tokens": -1, "total_tokens": "7"},
        {},
        (-1, -1),
    ),
}


@pytest.mark.parametrize("who", RAW)
def test_names_are_one_over_the_apis(who: str) -> None:
    raw, names, (prompt, generated) = RAW[who]
    found = normalised(raw)
    assert found == Usage(source="reported", count=1, raw=raw, **names)
    assert (found.prompt, found.generated) == tuple(
        None if count < 0 else count for count in (prompt, generated)
    )


ZERO = {"index": 0, "delta": {"content": "a"}}


@pytest.mark.parametrize(
    ("frames", "place", "event", "count", "tokens"),
    [
        ([chunk("a"), usage(completion=7), DONE], "own chunk", 1, 1, 7),
        ([chunk("a"), usage(completion=7, choices=[ZERO]), DONE], "choice chunk", 1, 1, 7),
        ([usage(completion=n, choices=[ZERO]) for n in (1, 2, 3)], "every chunk", 2, 3, 3),
        ([chunk("a"), usage(completion=1), usage(completion=2)], "own chunk", 2, 2, 2),
        ([usage(completion=5), chunk("a"), b'data: {"usage": null}\n\n'], "own chunk", 0, 1, 5),
        ([b'data: {"x_groq": {"usage": {"completion_tokens": 9}}}\n\n'], "own chunk", 0, 1, 9),
    ],
)
def test_where_it_stood_is_told_and_the_last_that_is_not_null_counts(
    frames: list[bytes], place: str, event: int, count: int, tokens: int
) -> None:
    found = usage_of(streamed(*frames))
    assert (found.place, found.event, found.count) == (place, event, count)
    assert found.output_tokens == tokens


def test_nothing_is_counted_where_nothing_was_reported() -> None:
    found = usage_of(at((10, role()), (20, chunk("a b c"))))
    assert found == Usage(source="absent")
    assert found.output_tokens is None


def test_messages_give_the_input_first_and_the_output_last() -> None:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 9, "output_tokens": 1}}}
    delta = {"type": "message_delta", "usage": {"output_tokens": 5, "input_tokens": None}}
    frames = [b"data: " + json.dumps(each).encode() + b"\n\n" for each in (start, delta)]
    found = usage_of(streamed(*frames))
    assert (found.input_tokens, found.output_tokens, found.count) == (9, 5, 2)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
_PATHS = sorted({part for paths in NAMES.values() for path in paths for part in path.split(".")})


@given(
    st.dictionaries(
        st.sampled_from(_PATHS), _JSON | st.dictionaries(st.sampled_from(_PATHS), _JSON)
    )
)
def test_any_usage_gives_counts_or_none(raw: dict[str, Any]) -> None:
    found = normalised(raw)
    for name in NAMES:
        value = getattr(found, name)
        assert value is None or (type(value) is int and value >= 0)


def test_seed_000_reports_its_usage_on_the_chunk_that_finishes() -> None:
    found = usage_of(load(SEEDS["000"]).exchanges[0])
    assert (found.input_tokens, found.output_tokens, found.place) == (90, 18, "choice chunk")
