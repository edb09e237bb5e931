"""Every real recording at hand opens, or is refused by what it is, and is written back equal."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import SHARED
from tests.seeds import SEEDS
from tokentape import formats, sse
from tokentape.errors import RefusedError, RepairNeeded
from tokentape.formats.llama_stack_hash import file_name
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Fidelity, Tape

FOLDERS = ("go-vcr", "llama-stack", "vcrpy")
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (SHARED / "recordings" / folder).rglob("*.*")
    if path.is_file()
)
REFUSED = {"WebSocket frames": 1, "gRPC samples": 1}


@pytest.fixture(scope="module")
def opened(shared: Path) -> dict[Path, formats.Reading]:
    assert len(FILES) > 100
    found: dict[Path, formats.Reading] = {}
    for path in FILES:
        try:
            found[path] = formats.read(path.read_bytes(), path.as_posix())
        except RefusedError:
            continue
    return found


def test_every_file_opens_or_is_refused_by_name(opened: dict[Path, formats.Reading]) -> None:
    refused: Counter[str] = Counter()
    for path in FILES:
        if path not in opened:
            with pytest.raises(RefusedError) as caught:
                formats.read(path.read_bytes(), path.as_posix())
            refused[caught.value.what] += 1
    assert refused == REFUSED
    assert len(opened) == len(FILES) - sum(REFUSED.values())


def test_each_is_known_for_what_it_is(opened: dict[Path, formats.Reading]) -> None:
    for path, reading in opened.items():
        assert reading.format == path.relative_to(SHARED / "recordings").parts[0]
        assert reading.repairs == ()
        assert reading.tape.exchanges


def loaded(data: bytes, format: str) -> Any:
    return json.loads(data) if format == "llama-stack" else yaml.load(data, yaml.CSafeLoader)


def test_each_is_written_back_equal(opened: dict[Path, formats.Reading]) -> None:
    for path, reading in opened.items():
        native = formats.read(formats.write(reading.tape, "tape"), "a.tape.jsonl").tape
        assert native == reading.tape, path
        data = path.read_bytes()
        written = formats.write(native, reading.format)
        assert loaded(written, reading.format) == loaded(data, reading.format), path
        if reading.format != "vcrpy":
            assert written == data, path


@pytest.mark.parametrize("format", ["go-vcr", "vcrpy", "har", "sse"])
def test_bodies_survive_each_format(opened: dict[Path, formats.Reading], format: str) -> None:
    chosen = formats.by_name(format)
    for path, reading in opened.items():
        for exchange in reading.tape.exchanges:
            data = formats.write(Tape(exchanges=(exchange,)), format)
            (again,) = chosen.read(data, "x", DEFAULT_LIMITS).exchanges
            assert again.body == exchange.body, path
            if format != "sse":
                assert again.request.body == exchange.request.body, path


def test_most_names_of_llama_stack_are_reproduced(opened: dict[Path, formats.Reading]) -> None:
    named = [
        file_name(reading.tape.exchanges[0]) == path.name
        for path, reading in opened.items()
        if reading.format == "llama-stack"
    ]
    print(f"{sum(named)} of {len(named)} names reproduced")
    assert sum(named) >= 0.9 * len(named)


def test_every_rendered_chunk_is_an_event(opened: dict[Path, formats.Reading]) -> None:
    streams = 0
    for path, reading in opened.items():
        if reading.format != "llama-stack":
            continue
        node = json.loads(path.read_bytes())["response"]
        if not node["is_streaming"]:
            continue
        (exchange,) = reading.tape.exchanges
        assert exchange.fidelity is Fidelity.EVENTS
        found = [event.data for event in sse.events(exchange.body)]
        if found[-1] == "[DONE]":
            found.pop()
        assert len(found) == len(node["body"])
        streams += 1
    assert streams > 30


def test_the_seeds() -> None:
    found: dict[str, tuple[str, list[int]]] = {}
    for number, path in SEEDS.items():
        data = path.read_bytes()
        if number == "002":
            with pytest.raises(RepairNeeded):
                formats.read(data, path.name)
        reading = formats.read(data, path.name, repair=True)
        counts = [len(sse.events(exchange.body)) for exchange in reading.tape.exchanges]
        found[number] = (reading.format, counts)
    assert found == {
        "000": ("transcript", [12]),
        "001": ("llama-stack", [87]),
        "002": ("sse", [12]),
        "003": ("llama-stack", [7]),
        "004": ("go-vcr", [12, 47]),
    }
