"""Through the official client, sync and async: what users see of a replay."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.server.tapes import JSON, asked, chunk, exchange, stream, write
from tokentape.model import Ending
from tokentape.testing import Replay, replay

CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather"}}
TOOLS = [
    chunk({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "weather"}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"location": '}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"Florence"}'}}]}),
    chunk({}, "tool_calls") + b"data: [DONE]\n\n",
]
TWO = [
    chunk({"content": "a"}, index=0),
    chunk({"content": "b"}, index=1) + chunk({"content": "A"}, index=0),
    chunk({}, "stop", index=0) + chunk({}, "stop", index=1) + b"data: [DONE]\n\n",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    folder = tmp_path_factory.mktemp("tapes")
    refused = b'{"error": {"message": "slow down", "type": "rate_limit", "code": "rate"}}'
    write(
        folder / "all.tape.jsonl",
        exchange(stream("Hel", "lo 😀"), body=asked(text="text"), gap_us=500),
        exchange(TOOLS, body=asked(text="tools"), gap_us=500),
        exchange(TWO, body=asked(text="two", n=2), gap_us=500),
        exchange([refused], body=asked(text="limit"), status=429, headers=JSON, gap_us=500),
        exchange(stream("a", "b")[:-1], body=asked(text="cut"), ending=Ending.CUT, gap_us=500),
    )
    with replay(folder, speed=1) as running:
        yield running


def messages(text: str) -> Any:
    return [{"role": "user", "content": text}]


def gathered(chunks: Iterable[Any]) -> dict[int, tuple[str, str]]:
    """Per choice its text and its tool calls' arguments."""
    found: dict[int, tuple[str, str]] = {}
    for one in chunks:
        for choice in one.choices:
            text, arguments = found.get(choice.index, ("", ""))
            text += choice.delta.content or ""
            for call in choice.delta.tool_calls or ():
                arguments += (call.function and call.function.arguments) or ""
            found[choice.index] = (text, arguments)
    return found


CASES: list[tuple[str, dict[str, Any], dict[int, tuple[str, str]]]] = [
    ("text", {}, {0: ("Hello 😀", "")}),
    ("tools", {}, {0: ("", '{"location": "Florence"}')}),
    ("two", {"n": 2}, {0: ("aA", ""), 1: ("b", "")}),
]


def client(server: Replay) -> OpenAI:
    return OpenAI(base_url=server.base_url, api_key="none", max_retries=0)


@pytest.mark.parametrize(("text", "more", "expected"), CASES)
def test_sync(server: Replay, text: str, more: Any, expected: Any) -> None:
    with client(server) as asking:
        chunks = asking.chat.completions.create(
            model="gpt-4o", messages=messages(text), stream=True, **more
        )
        assert gathered(chunks) == expected


async def _ask(server: Replay, text: str, more: Any) -> list[Any]:
    async with AsyncOpenAI(base_url=server.base_url, api_key="none", max_retries=0) as asking:
        chunks: AsyncIterator[Any] = await asking.chat.completions.create(
            model="gpt-4o", messages=messages(text), stream=True, **more
        )
        return [one async for one in chunks]


@pytest.mark.parametrize(("text", "more", "expected"), CASES)
def test_async(server: Replay, text: str, more: Any, expected: Any) -> None:
    assert gathered(asyncio.run(_ask(server, text, more))) == expected


def test_a_recorded_refusal_is_that_refusal(server: Replay) -> None:
    with client(server) as asking, pytest.raises(openai.RateLimitError, match="slow down"):
        asking.chat.completions.create(model="gpt-4o", messages=messages("limit"), stream=True)


def test_a_recorded_cut_is_a_broken_connection_after_what_came(server: Replay) -> None:
    found: list[str | None] = []
    with client(server) as asking:
        chunks = asking.chat.completions.create(
            model="gpt-4o", messages=messages("cut"), stream=True
        )
        with pytest.raises(openai.APIConnectionError):
            found.extend(one.choices[0].delta.content for one in chunks)
    assert found == ["", "a", "b"]


def test_a_miss_reads_well_and_is_not_asked_again(server: Replay) -> None:
    before = len(server.journal())
    with OpenAI(base_url=server.base_url, api_key="none", max_retries=5) as asking:
        with pytest.raises(openai.NotFoundError) as raised:
            asking.chat.completions.create(model="gpt-4o", messages=messages("texd"), stream=True)
        assert [model.id for model in asking.models.list()] == ["gpt-4o"]
    assert 'got      "texd"' in raised.value.message
    assert raised.value.code == "tape_miss"
    assert len(server.journal()) == before + 1
