"""Recorded chunks as other stream options would have brought them."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokentape
from tests.chat.whole import UNHURRIED, completions, json_values
from tokentape import view
from tokentape.chat.adapt import adapt
from tokentape.chat.assemble import assemble
from tokentape.chat.split import split

TAPES = Path(tokentape.__file__).parent / "tapes"
HEAD = {"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
USAGE = {"total_tokens": 3}
TEXT = {"index": 0, "delta": {"content": "One"}, "finish_reason": None}
ERROR = {"error": {"message": "overloaded"}}


def chunk(*choices: Any, **fields: Any) -> dict[str, Any]:
    return HEAD | {"choices": list(choices)} | fields


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param([chunk(TEXT)], [chunk(TEXT)], id="none there"),
        pytest.param(
            [chunk(TEXT, usage=None), chunk(usage=USAGE)],
            [chunk(TEXT)],
            id="as the contract has it",
        ),
        pytest.param([chunk(TEXT, usage=USAGE)], [chunk(TEXT)], id="on a choice"),
        pytest.param(
            [chunk(prompt_filter_results=[]), chunk(usage=None, moderation={})],
            [chunk(prompt_filter_results=[]), chunk(moderation={})],
            id="other chunks without choices stay",
        ),
        pytest.param([ERROR, 1, {"usage": 1}], [ERROR, 1, {"usage": 1}], id="what is no chunk"),
    ],
)
def test_usage_that_was_not_asked_for_is_left_out(recorded: Any, expected: Any) -> None:
    before = copy.deepcopy(recorded)
    assert adapt(recorded, include_usage=False, include_obfuscation=True) == expected
    assert recorded == before


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        pytest.param([chunk(TEXT)], [chunk(TEXT)], id="not known"),
        pytest.param([chunk(TEXT, usage=None)], [chunk(TEXT, usage=None)], id="only nulls"),
        pytest.param(
            [chunk(TEXT, usage=None), chunk(usage=USAGE)],
            [chunk(TEXT, usage=None), chunk(usage=USAGE)],
            id="as the contract has it",
        ),
        pytest.param(
            [chunk(TEXT), chunk(TEXT, usage=1), ERROR, chunk(usage=USAGE)],
            [chunk(TEXT, usage=None), chunk(TEXT, usage=1), ERROR, chunk(usage=USAGE)],
            id="a usage chunk and absent keys",
        ),
        pytest.param(
            [chunk(TEXT, service_tier="x", provider="p"), chunk(TEXT, usage=USAGE), ERROR],
            [
                chunk(TEXT, service_tier="x", provider="p", usage=None),
                chunk(TEXT, usage=None),
                ERROR,
                chunk(usage=USAGE),
            ],
            id="on a choice",
        ),
    ],
)
def test_usage_that_was_asked_for_is_there_if_known(recorded: Any, expected: Any) -> None:
    before = copy.deepcopy(recorded)
    assert adapt(recorded, include_usage=True, include_obfuscation=True) == expected
    assert recorded == before


def test_obfuscation_goes_where_it_is_not_wanted_and_never_comes() -> None:
    bare = [chunk(TEXT, 1), ERROR | {"obfuscation": "x"}]
    recorded = [chunk(TEXT | {"obfuscation": "y"}, 1, obfuscation="z"), bare[1]]
    before = copy.deepcopy(recorded)
    assert adapt(recorded, include_usage=False, include_obfuscation=False) == bare
    assert adapt(recorded, include_usage=False, include_obfuscation=True) == recorded == before
    assert adapt(bare, include_usage=False, include_obfuscation=True) == bare


chunk_like = st.fixed_dictionaries(
    {"choices": json_values | st.lists(json_values | st.just({"obfuscation": "x"}), max_size=2)},
    optional={
        "usage": st.none() | st.just(USAGE),
        "obfuscation": json_values,
        "error": json_values,
    },
)


@given(st.lists(json_values | chunk_like, max_size=5), st.booleans(), st.booleans())
def test_any_json_is_taken_and_a_second_time_changes_nothing(
    recorded: list[Any], usage: bool, obfuscation: bool
) -> None:
    found = adapt(recorded, include_usage=usage, include_obfuscation=obfuscation)
    assert adapt(found, include_usage=usage, include_obfuscation=obfuscation) == found


@UNHURRIED
@given(completions())
def test_splitting_and_adapting_agree(completion: dict[str, Any]) -> None:
    asked, unasked = split(completion, include_usage=True), split(completion)
    assert adapt(asked, include_usage=False, include_obfuscation=False) == unasked
    assert adapt(asked, include_usage=True, include_obfuscation=True) == asked


@pytest.mark.parametrize("path", sorted(TAPES.glob("*.jsonl")), ids=lambda path: path.name)
def test_a_real_stream_says_the_same_whatever_the_options(path: Path) -> None:
    for exchange in tokentape.load(path).exchanges:
        recorded = list(view.payloads(exchange))
        whole = assemble(recorded)
        bare = adapt(recorded, include_usage=False, include_obfuscation=False)
        assert not any("usage" in each or "obfuscation" in each for each in bare)
        assert assemble(bare) == {key: whole[key] for key in whole if key != "usage"}
        asked = adapt(recorded, include_usage=True, include_obfuscation=False)
        assert assemble(asked) == whole
        if whole.get("usage"):
            assert all("usage" in each for each in asked)
            assert (asked[-1]["choices"], asked[-1]["usage"]) == ([], whole["usage"])
