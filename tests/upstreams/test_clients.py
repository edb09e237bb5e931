"""Real clients get the same straight from a provider, while it is recorded, and from the tapes."""

import shutil
from pathlib import Path

import pytest
from upstreams.environments import missing
from upstreams.matrix import CLIENTS, Client, Run

import tokentape
from tokentape.model import Ending, Exchange, Fidelity
from tokentape.view import payloads, request_json
from upstreams import matrix

# What a client must have got straight from the provider; an accident would be equal three times.
GOT = {
    "text": "Grüezi",
    "tools": "Züri",
    "n=2": "oice 0",
    "error": "Too many requests.",
    "broken": "The model broke.",
    "retry": "Grüezi",
}
# The command has no such option.
WITHOUT_N = {"llm"}


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    found: Client = request.param
    if found.environment and (why := missing(found.environment)):
        pytest.skip(why)
    if found.environment == "node" and shutil.which("node") is None:
        pytest.skip("node is missing")
    if found.name == "curl -N" and shutil.which("curl") is None:
        pytest.skip("curl is missing")
    return found


@pytest.fixture(scope="module")
def run(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return matrix.run(client, tmp_path_factory.mktemp("client") / "tapes")


def exchanges(run: Run) -> list[Exchange]:
    return [
        exchange
        for path in sorted(run.tapes.glob("*.tape.jsonl"))
        for exchange in tokentape.load(path).exchanges
    ]


def endings(exchange: Exchange) -> set[Ending]:
    """A client that raises at an error, or stops at [DONE], may be gone before the stream ends."""
    told_all = exchange.body.endswith(b"data: [DONE]\n\n")
    if told_all or request_json(exchange)["model"] == "breaks":
        return {Ending.COMPLETE, Ending.LEFT}
    return {Ending.COMPLETE}


def test_the_client_gets_the_same_three_times(client: Client, run: Run) -> None:
    for told in run.direct:
        assert GOT[told.scenario] in told.got
    expected = {"text", "tools", "n=2", "error", "broken"} - (
        {"n=2"} if client.name in WITHOUT_N else set()
    )
    assert {told.scenario for told in run.direct} >= expected
    assert run.recorded == run.direct
    assert run.replayed == run.direct


def test_the_tape_holds_what_was_asked(client: Client, run: Run) -> None:
    found = exchanges(run)
    assert len(found) >= len(run.direct)
    for exchange in found:
        assert exchange.ending in endings(exchange), exchange.request.body
    assert {exchange.fidelity for exchange in found} == {Fidelity.WIRE}
    statuses = [exchange.response.status for exchange in found if exchange.response]
    assert {200, 429, 500} <= set(statuses)
    streams = [exchange for exchange in found if request_json(exchange).get("stream")]
    assert any(exchange.response and len(exchange.response.reads) > 3 for exchange in streams)
    if client.name not in WITHOUT_N:
        both = [exchange for exchange in found if request_json(exchange).get("n") == 2]
        assert both
        for exchange in both:
            choices = [choice for each in payloads(exchange) for choice in each["choices"]]
            assert {choice["index"] for choice in choices} == {0, 1}


def test_the_tape_holds_no_key(run: Run) -> None:
    files = [path for path in Path(run.tapes).rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert matrix.KEY.encode() not in path.read_bytes(), path
