"""What real answers say: against what they say themselves, and against what a person read."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tokentape import apis, load, view
from tokentape.apis import Said, responses
from tokentape.errors import RefusedError
from tokentape.model import Exchange
from tokentape.view import Api

ASKED = (Api.RESPONSES, Api.MESSAGES, Api.GEMINI, Api.BEDROCK)
MARKS = re.compile(rb"/responses|/messages|enerateContent|generate_content|/model/")
# Answers of these APIs that say nothing: embeddings, and a response that had not begun.
SILENT = {
    "TestBedrock.test_inference_profile_embed.yaml#0",
    "test_background_mode_streaming_without_starting_after_vcr.yaml#0",
    "test_background_mode_streaming_without_starting_after_vcr.yaml#1",
}


def exchanges(folder: Path) -> Iterator[tuple[str, Exchange]]:
    for path in sorted(folder.rglob("*.*")):
        # Those of other APIs are many, and take long to open.
        if not path.is_file() or not MARKS.search(path.read_bytes()):
            continue
        try:
            tape = load(path)
        except RefusedError:
            continue
        for number, exchange in enumerate(tape.exchanges):
            yield f"{path.name}#{number}", exchange


@pytest.fixture(scope="module")
def recorded(shared: Path) -> list[tuple[str, Exchange]]:
    found = [
        (name, exchange)
        for name, exchange in exchanges(shared / "recordings")
        if view.api(exchange) in ASKED
    ]
    assert len(found) > 40
    return found


def test_each_answer_says_something(recorded: list[tuple[str, Exchange]]) -> None:
    counted: Counter[str] = Counter()
    silent = set()
    for name, exchange in recorded:
        said = apis.said(exchange)
        assert said.api == view.api(exchange), name
        assert exchange.response is not None
        if exchange.response.status >= 400:
            assert said.error, name
        elif name in SILENT:
            silent.add(name)
            assert said == Said(api=said.api), name
        else:
            assert said.error is None, name
            assert said.text or said.tool_calls or said.reasoning, name
            assert said.finish_reason, name
            assert said.usage, name
            counted[said.api] += 1
    assert silent == SILENT
    assert set(counted) == {*ASKED}


def test_the_deltas_say_what_the_whole_response_says(
    recorded: list[tuple[str, Exchange]],
) -> None:
    streams = 0
    for name, exchange in recorded:
        if view.api(exchange) is not Api.RESPONSES or not view.is_event_stream(exchange):
            continue
        events = [event.payload for event in apis.decoded(exchange)]
        (whole,) = [each["response"] for each in events if each["type"] == "response.completed"]
        deltas, end = responses.Fold(), responses.Fold()
        for event in events:
            if event["type"].endswith((".added", ".delta")):
                deltas.feed("", event)
        end.feed("", whole)
        told = deltas.said()
        said = end.said()
        assert told == msgspec.structs.replace(said, finish_reason=None, usage=None), name
        assert apis.said(exchange) == said, name
        assert said.usage == whole["usage"]
        streams += 1
    assert streams >= 4


# What a person reads in the files: text, tool calls, how it ended, and some of the usage.
READ: list[dict[str, Any]] = json.loads((Path(__file__).parent / "read.json").read_text())


@pytest.mark.parametrize("read", READ, ids=lambda read: Path(read["path"]).parent.name)
def test_it_says_what_a_person_reads(shared: Path, read: dict[str, Any]) -> None:
    said = apis.said(load(shared / "recordings" / read["path"]).exchanges[read["exchange"]])
    assert said.text == read["text"]
    assert [[call.name, call.arguments] for call in said.tool_calls] == read["calls"]
    assert said.finish_reason == read["finish"]
    assert said.usage is not None
    assert read["usage"].items() <= said.usage.items()
