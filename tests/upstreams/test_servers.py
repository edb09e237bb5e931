"""Real inference servers, recorded through TokenTape and replayed when they are gone."""

import http.client
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from openai import APIStatusError, OpenAI
from upstreams.environments import missing
from upstreams.processes import Server, announcing
from upstreams.processes import tokentape as command

import tokentape
from tests.upstreams.tap import Tap, tapping
from tokentape import sse
from tokentape.model import Ending, Exchange, Fidelity, header
from tokentape.view import events, is_event_stream, request_json
from upstreams import servers

QUESTION: Any = [{"role": "user", "content": "What is a tape?"}]
LEFT_AFTER = 2
# Far more than are read before the client leaves.
LEFT_OF = 1500


@dataclass(frozen=True)
class Provider:
    name: str
    model: str
    serve: Callable[[], AbstractContextManager[Server]]


MLX = Provider("mlx", servers.MLX_MODEL, servers.mlx)
TRANSFORMERS = Provider("transformers", servers.TRANSFORMERS_MODEL, servers.transformers)


@dataclass(frozen=True)
class Recorded:
    """What the clients got while recording, what the provider sent, and the tape."""

    provider: Provider
    told: dict[str, Any]
    sent: list[bytes]
    folder: Path

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tokentape.load(self.folder / "default.tape.jsonl").exchanges

    def exchange(self, name: str) -> Exchange:
        return self.exchanges[list(self.told).index(name)]


def stream(client: OpenAI, model: str) -> Any:
    chunks = client.chat.completions.create(
        model=model,
        messages=QUESTION,
        max_tokens=24,
        stream=True,
        stream_options={"include_usage": True},
    )
    return [chunk.to_dict() for chunk in chunks]


def whole(client: OpenAI, model: str) -> Any:
    answer = client.chat.completions.create(
        model=model,
        messages=QUESTION,
        max_tokens=24,
    )
    return answer.to_dict()


def unknown_model(client: OpenAI, model: str) -> Any:
    return failure(lambda: whole(client, "no-such-model"))


def refused(client: OpenAI, model: str) -> Any:
    """One server minds the number, the other the name."""
    asked = {"model": model, "messages": QUESTION, "max_tokens": -1, "no_such_name": 1}
    return failure(lambda: client.post("/chat/completions", cast_to=object, body=asked))


def failure(ask: Callable[[], object]) -> Any:
    with pytest.raises(APIStatusError) as raised:
        ask()
    return {
        "kind": type(raised.value).__name__,
        "status": raised.value.status_code,
        "body": raised.value.response.text,
    }


def left(client: OpenAI, model: str) -> Any:
    """The first chunks of a stream that the client leaves."""
    chunks = client.chat.completions.create(
        model=model,
        messages=QUESTION,
        max_tokens=LEFT_OF,
        stream=True,
    )
    found = [chunk.to_dict() for chunk, _ in zip(chunks, range(LEFT_AFTER), strict=False)]
    chunks.close()
    return found


ASKED = {"stream": stream, "whole": whole, "refused": refused, "unknown model": unknown_model}


def held_up(base_url: str, model: str, after_first: Callable[[], None]) -> str:
    """The body of a stream, as text; something happens behind its first read."""
    where = urlsplit(base_url)
    connection = http.client.HTTPConnection(where.netloc, timeout=60)
    asked = {"model": model, "messages": QUESTION, "max_tokens": 32, "stream": True}
    body = msgspec.json.encode(asked)
    path = f"{where.path}/chat/completions"
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    first = response.read1()
    after_first()
    found = first + response.read()
    connection.close()
    return found.decode()


def ask_all(
    base_url: str,
    model: str,
    *,
    hold_up: Callable[[], None] = lambda: None,
    after_left: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Every scenario in order, by name; each is one request."""
    told = {"held up": held_up(base_url, model, hold_up)}
    with OpenAI(base_url=base_url, api_key="none-needed", max_retries=0) as client:
        told["left"] = left(client, model)
        after_left()
        for name, ask in ASKED.items():
            told[name] = ask(client, model)
    return told


@pytest.fixture(scope="module", params=[MLX, TRANSFORMERS], ids=lambda provider: provider.name)
def recorded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    if why := missing("servers", "models"):
        pytest.skip(why)
    provider: Provider = request.param
    folder = tmp_path_factory.mktemp(provider.name)
    with provider.serve() as server, tapping(server.base_url) as tap:
        record = command("serve", "--mode", "record", "--upstream", tap.base_url)
        with announcing([*record, "--tapes", folder, "--port", "0"]) as recorder:
            told = ask_all(
                recorder.base_url,
                provider.model,
                hold_up=lambda: stop_for_a_while(recorder, tap),
                after_left=tap.await_left,
            )
        sent = tap.bodies()
    return Recorded(provider, told, sent, folder)


def stop_for_a_while(recorder: Server, tap: Tap) -> None:
    """Keep the recorder from running until the provider has sent all: a busy machine."""
    os.kill(recorder.pid, signal.SIGSTOP)
    try:
        tap.await_end()
    finally:
        os.kill(recorder.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def replayed(recorded: Recorded) -> dict[str, Any]:
    serve = command("serve", recorded.folder, "--port", "0", "--speed", "max")
    with announcing(serve) as server:
        return ask_all(server.base_url, recorded.provider.model)


def test_the_tape_holds_what_the_provider_sent(recorded: Recorded) -> None:
    assert len(recorded.exchanges) == len(recorded.told) == len(recorded.sent)
    for exchange, sent in zip(recorded.exchanges, recorded.sent, strict=True):
        assert exchange.fidelity is Fidelity.WIRE
        if exchange.ending is Ending.LEFT:
            assert sent.startswith(exchange.body)
        else:
            assert exchange.ending is Ending.COMPLETE
            assert exchange.body == sent


def test_a_client_that_leaves_is_recorded_as_that(recorded: Recorded) -> None:
    exchange = recorded.exchange("left")
    assert exchange.ending is Ending.LEFT
    assert len(recorded.told["left"]) == LEFT_AFTER <= len(events(exchange)) < LEFT_OF


def test_clients_get_the_same_from_the_tape(recorded: Recorded, replayed: dict[str, Any]) -> None:
    for name, told in recorded.told.items():
        assert replayed[name] == told, name
    assert len(recorded.told["stream"]) > 3
    assert recorded.told["whole"]["usage"]["completion_tokens"] > 0
    assert recorded.told["unknown model"]["status"] >= 400
    assert recorded.told["refused"]["status"] >= 400


def test_the_events_are_those_of_the_bytes(recorded: Recorded) -> None:
    exchange = recorded.exchange("held up")
    assert exchange.body == recorded.told["held up"].encode()
    assert events(exchange) == sse.events(recorded.sent[list(recorded.told).index("held up")])
    assert all(is_event_stream(recorded.exchange(name)) for name in ("stream", "held up", "left"))


def test_several_events_came_in_one_read(recorded: Recorded) -> None:
    exchange = recorded.exchange("held up")
    assert exchange.response is not None
    assert max(read.data.count(b"\n\ndata: ") for read in exchange.response.reads) > 3
    assert len(exchange.response.reads) > 1


@pytest.mark.parametrize("recorded", [MLX], indirect=True, ids=lambda provider: provider.name)
def test_mlx_closes_at_the_end_and_sends_comments(recorded: Recorded) -> None:
    exchange = recorded.exchange("stream")
    assert exchange.response is not None
    assert exchange.response.http_version == "1.0"
    assert header(exchange.response.headers, "transfer-encoding") is None
    assert header(exchange.response.headers, "content-length") is None
    assert b": keepalive " in exchange.body


@pytest.mark.parametrize(
    "recorded", [TRANSFORMERS], indirect=True, ids=lambda provider: provider.name
)
def test_transformers_sends_no_done(recorded: Recorded) -> None:
    exchange = recorded.exchange("stream")
    assert exchange.ending is Ending.COMPLETE
    assert b"[DONE]" not in exchange.body
    assert "usage" in recorded.told["stream"][-1]
    assert request_json(exchange)["stream"] is True
