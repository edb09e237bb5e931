"""The project's own tapes, recorded from real servers, replay as they were and tell no secrets."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import tokentape
from tests.server.raw import Raw, request
from tokentape.model import Ending, Exchange, Fidelity
from tokentape.view import api, events

FOLDER = Path(__file__).parent
TAPES = sorted(FOLDER.glob("*.tape.jsonl"))

# HTTP version, status, ending, and whether the stream says [DONE].
HELD = {
    "mlx-stream": ("1.0", 200, Ending.COMPLETE, True),
    "mlx-whole": ("1.0", 200, Ending.COMPLETE, False),
    "mlx-error": ("1.0", 404, Ending.COMPLETE, False),
    "mlx-left": ("1.0", 200, Ending.LEFT, False),
    "transformers-stream": ("1.1", 200, Ending.COMPLETE, False),
    "transformers-whole": ("1.1", 200, Ending.COMPLETE, False),
    "transformers-error": ("1.1", 500, Ending.COMPLETE, False),
    "transformers-left": ("1.1", 200, Ending.LEFT, False),
}
# Absolute paths, kernels and the key that the client sent.
TELLING = re.compile(
    rb"/(?:home|root|tmp|work|opt|usr|Users)/|Linux-(?!REDACTED)|glibc|none-needed"
)


def stem(path: Path) -> str:
    return path.name.removesuffix(".tape.jsonl")


def only(path: Path) -> Exchange:
    (exchange,) = tokentape.load(path).exchanges
    return exchange


def test_every_tape_is_expected_and_described() -> None:
    described = re.findall(
        r"^\| `([a-z-]+)\.tape\.jsonl` \|", (FOLDER / "README.md").read_text(), re.M
    )
    assert list(map(stem, TAPES)) == sorted(HELD) == sorted(described)


@pytest.mark.parametrize("path", TAPES, ids=stem)
def test_a_tape_holds_what_it_says(path: Path) -> None:
    exchange = only(path)
    version, status, ending, done = HELD[stem(path)]
    assert exchange.response is not None
    assert exchange.fidelity is Fidelity.WIRE
    assert api(exchange) == "chat.completions"
    assert (exchange.response.http_version, exchange.response.status) == (version, status)
    assert exchange.ending is ending
    assert (b"data: [DONE]" in exchange.body) is done
    assert bool(events(exchange)) is stem(path).endswith(("-stream", "-left"))
    if stem(path) == "mlx-stream":
        assert b": keepalive " in exchange.body
        assert exchange.response.reads[-1].data.count(b"\n\n") > 1


@pytest.mark.parametrize("path", TAPES, ids=stem)
def test_a_tape_replays_byte_for_byte(path: Path) -> None:
    exchange = only(path)
    assert exchange.response is not None
    asked = request(exchange.request.body or b"", path=urlsplit(exchange.request.url).path)
    with tokentape.replay(path) as server, Raw(server.base_url) as client:
        client.send(asked)
        answer = client.answer()
    assert (answer.status, answer.body) == (exchange.response.status, exchange.body)
    assert [chunk for chunk in answer.chunks if chunk] == [r.data for r in exchange.response.reads]
    assert answer.whole is (exchange.ending is Ending.COMPLETE)


@pytest.mark.parametrize("path", TAPES, ids=stem)
def test_a_tape_tells_nothing_of_the_machine(path: Path) -> None:
    assert TELLING.findall(path.read_bytes()) == []
