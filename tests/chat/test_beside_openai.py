"""Every difference that docs/assembly.md shows is there, with the openai-python installed."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from docs import beside_openai
from docs.beside_openai import CASES, Case, Place, at, named, ours, theirs
from openai import VERSION

from tests.recorded import exchanges
from tests.seeds import SEEDS
from tokentape.completions import assembled, chunks

PLACES = [
    pytest.param(case, place, id=f"{case.title}: {named(place)}")
    for case in CASES
    for place in case.places
]


def test_the_page_is_of_the_version_it_names() -> None:
    page = Path(beside_openai.__file__).with_name("assembly.md").read_text()
    assert f"openai-python {VERSION.split('.')[0]} makes" in page
    assert "\n".join(beside_openai.page()) in page


@pytest.mark.parametrize(("case", "place"), PLACES)
def test_they_differ(case: Case, place: tuple[str | int, ...]) -> None:
    mine, other = at(ours(case.chunks), place), theirs(case.chunks)
    assert mine is not None
    if isinstance(other, dict):
        with contextlib.suppress(LookupError):
            assert mine != at(other, place), (
                f"openai-python {VERSION} gets {named(place)} of {case.title!r} right: "
                "take it off the page"
            )


def test_where_nothing_departs_from_the_contract_they_agree() -> None:
    chunks = [
        beside_openai._chunk({"role": "assistant", "content": ""}),
        beside_openai._chunk({"content": "Yes"}),
        beside_openai._chunk({}, "stop"),
        beside_openai._chunk(choices=[], usage=beside_openai.USAGE),
    ]
    other = theirs(chunks)
    assert isinstance(other, dict)
    for place in (("id",), ("model",), ("object",), ("usage",)):
        assert at(ours(chunks), place) == at(other, place)
    for name in ("role", "content"):
        told: Place = ("choices", 0, "message", name)
        assert at(ours(chunks), told) == at(other, told)


# Streams of the sample that it can't read at all.
UNREAD = ("test_openrouter_web_search_annotations_stream.yaml",)


def said(message: dict[str, Any]) -> Any:
    """What a message says, in fields that both take the same way."""
    functions = [(call["id"], call["function"]) for call in message.get("tool_calls") or ()]
    return (
        [message.get(name) for name in ("content", "refusal", "reasoning", "reasoning_content")],
        [(id, function["name"], function["arguments"]) for id, function in functions],
    )


def test_of_real_streams_they_say_the_same(shared: Path) -> None:
    count = 0
    for path, exchange in exchanges([*SEEDS.values(), shared / "recordings"], repair=True):
        mine = assembled(exchange)
        if not mine.streamed or path.endswith(UNREAD):
            continue
        assert mine.completion is not None
        other = theirs(chunks(exchange))
        assert isinstance(other, dict), (path, other)
        count += 1
        assert mine.completion.get("usage") == other.get("usage")
        for one, two in zip(mine.completion["choices"], other["choices"], strict=True):
            assert said(one["message"]) == said(two["message"]), path
            assert one["finish_reason"] == two.get("finish_reason")
    assert count > 80
