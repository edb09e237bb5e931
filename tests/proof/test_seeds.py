"""Every seed through real clients: what it holds is what they get."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from openai import AsyncOpenAI, OpenAI

from tests.seeds import SEEDS
from tokentape import view
from tokentape.cli import cli
from tokentape.library import Library
from tokentape.model import Exchange
from tokentape.testing import Replay, replay

BUNDLED = {
    "000": "reasoning",
    "001": "two-choices",
    "002": "repaired",
    "003": "bedrock",
    "004": "tool-call",
}


class Said(msgspec.Struct):
    """What one exchange's stream adds up to, as a client sees it."""

    contents: dict[int, str] = {}
    reasoning: str = ""
    tool: str = ""
    arguments: str = ""
    finishes: dict[int, str] = {}
    usage: tuple[int, int] | None = None


HELD: dict[str, list[Said]] = {
    "000": [
        Said({0: "Yes"}, 'We need to respond: "Yes".', finishes={0: "stop"}, usage=(90, 18)),
    ],
    "002": [
        Said({0: "Hello! How can I assist you today?"}, finishes={0: "stop"}, usage=(8, 10)),
    ],
    "004": [
        Said(
            tool="weather",
            arguments='{"location":"Florence, Italy"}',
            finishes={0: "tool_calls"},
            usage=(64, 25),
        ),
        Said(
            {
                0: "The current temperature in Florence, Italy is 40°C. Let me know if you’d like "
                "more detailed info—such as conditions (sunny, cloudy, etc.), wind speed, or "
                "forecasts for upcoming days!"
            },
            finishes={0: "stop"},
            usage=(95, 55),
        ),
    ],
}


def add(said: Said, chunk: Any) -> None:
    """Take in one chunk of the official client."""
    if chunk.usage is not None:
        said.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    for choice in chunk.choices:
        delta = choice.delta
        if delta.content:
            said.contents[choice.index] = said.contents.get(choice.index, "") + delta.content
        said.reasoning += getattr(delta, "reasoning_content", None) or ""
        for call in delta.tool_calls or []:
            said.tool += call.function.name or ""
            said.arguments += call.function.arguments or ""
        if choice.finish_reason:
            said.finishes[choice.index] = choice.finish_reason


def request_of(exchange: Exchange) -> dict[str, Any]:
    """The request as an application makes it; a raw stream kept none, so any will do."""
    asked = view.request_json(exchange)
    if asked is None:
        asked = {"messages": [{"role": "user", "content": "Hello"}], "stream": True}
        asked["model"] = view.model(exchange)
    assert isinstance(asked, dict)
    return asked


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The five seeds, converted by the command."""
    folder = tmp_path_factory.mktemp("seeds")
    for number, name in BUNDLED.items():
        words = ["convert", str(SEEDS[number]), str(folder / f"{name}.tape.jsonl")]
        result = CliRunner().invoke(cli, words + ["--repair"] * (number == "002"))
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(scope="module")
def server(converted: Path) -> Iterator[Replay]:
    with replay(converted) as server:
        yield server


@pytest.fixture(scope="module")
def exchanges(converted: Path) -> dict[str, list[Exchange]]:
    library = Library([converted])
    found: dict[str, list[Exchange]] = {}
    for entry in library.entries:
        number = next(n for n, name in BUNDLED.items() if f"/{name}." in entry.path)
        found.setdefault(number, []).append(library.load(entry))
    library.close()
    return found


def test_the_bundled_tapes_are_the_seeds_converted(converted: Path) -> None:
    bundled = files("tokentape") / "tapes"
    names = sorted(path.name for path in converted.iterdir())
    # The one beside them is recorded (upstreams/paced.py).
    assert {item.name for item in bundled.iterdir()} == {*names, "paced.tape.jsonl"}
    for name in names:
        assert (bundled / name).read_bytes() == (converted / name).read_bytes()


@pytest.mark.parametrize("number", BUNDLED)
def test_the_sync_client_gets_what_the_seed_holds(
    server: Replay, exchanges: dict[str, list[Exchange]], number: str
) -> None:
    found = []
    with OpenAI(base_url=server.base_url, api_key="none-needed", max_retries=0) as client:
        for exchange in exchanges[number]:
            said = Said({}, finishes={})
            for chunk in client.chat.completions.create(**request_of(exchange)):
                add(said, chunk)
            found.append(said)
    check(number, found)


@pytest.mark.parametrize("number", BUNDLED)
def test_the_async_client_gets_what_the_seed_holds(
    server: Replay, exchanges: dict[str, list[Exchange]], number: str
) -> None:
    async def ask() -> list[Said]:
        found = []
        async with AsyncOpenAI(
            base_url=server.base_url, api_key="none-needed", max_retries=0
        ) as client:
            for exchange in exchanges[number]:
                said = Said({}, finishes={})
                async for chunk in await client.chat.completions.create(**request_of(exchange)):
                    add(said, chunk)
                found.append(said)
        return found

    check(number, asyncio.run(ask()))


def check(number: str, found: list[Said]) -> None:
    if number in HELD:
        assert found == HELD[number]
        return
    # 001 and 003 speak at length: enough that every choice came, and how it begins and ends.
    (said,) = found
    assert said.finishes == ({0: "stop", 1: "stop"} if number == "001" else {0: "stop"})
    assert set(said.contents) == set(said.finishes)
    assert all("Latin" in text and "sol" in text.lower() for text in said.contents.values())
    if number == "003":
        assert said.contents[0].endswith("In Latin the Sun is called **Sol** (genitive *Solis*).")


@pytest.mark.parametrize("number", BUNDLED)
def test_curl_gets_the_same_bytes(
    server: Replay, exchanges: dict[str, list[Exchange]], number: str
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing")
    for exchange in exchanges[number]:
        body = exchange.request.body or json.dumps(request_of(exchange)).encode()
        got = subprocess.run(
            ["curl", "-sN", f"{server.base_url}/chat/completions", "--data-binary", "@-"],
            input=body,
            capture_output=True,
            check=True,
        )
        assert got.stdout == exchange.body


def test_the_tool_call_s_arguments_are_the_location(exchanges: dict[str, list[Exchange]]) -> None:
    assert json.loads(HELD["004"][0].arguments) == {"location": "Florence, Italy"}


@pytest.mark.parametrize("number", BUNDLED)
def test_a_seed_is_served_as_it_is(number: str) -> None:
    library = Library([SEEDS[number]], repair=True)
    assert len(library.entries) == (2 if number == "004" else 1)
    assert not library.refused
    library.close()
    unrepaired = Library([SEEDS[number]])
    assert [refused.what for refused in unrepaired.refused] == (
        ["needs repair"] if number == "002" else []
    )
    unrepaired.close()
