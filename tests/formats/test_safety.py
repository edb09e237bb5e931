"""What is damaged, deep or large gives a reading or one of our errors; tests/fuzz has the rest."""

import contextlib
import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard

from tests.formats.cases import CASES, Case, vcrpy
from tokentape import formats
from tokentape.errors import FormatError, LimitError, TokenTapeError
from tokentape.limits import Limits

NAMES = [format.name for format in formats.FORMATS]


def opened(data: bytes, name: str = "x", format: str | None = None) -> None:
    with contextlib.suppress(TokenTapeError):
        formats.read(data, name, format=format, repair=True, limits=Limits(max_bytes=1 << 24))


def mutations(data: bytes, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    for _ in range(40):
        yield data[: chance.randrange(len(data) + 1)]
        changed = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            changed[chance.randrange(len(changed))] = chance.choice(
                b"\0\n\r\t {}[]\"':,-&*!0aA\xff"
            )
        yield bytes(changed)
        start = chance.randrange(len(data))
        yield data[:start] + data[start + chance.randint(1, 30) :]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_damaged_recordings(case: Case) -> None:
    data, name = case.data, case.name
    for number, damaged in enumerate(mutations(data, 7)):
        opened(damaged, name)
        if number % 10 == 0:
            for format in NAMES:
                opened(damaged, name, format)


def test_damaged_values_of_real_recordings(shared: Path) -> None:
    files = sorted((shared / "recordings").rglob("*.json"), key=lambda path: path.stat().st_size)
    files += sorted((shared / "recordings").rglob("*.yaml"), key=lambda path: path.stat().st_size)
    small = [path for path in files if path.stat().st_size < 6000]
    assert len(small) > 20
    for path in small:
        for number, damaged in enumerate(mutations(path.read_bytes(), 11)):
            if number < 30:
                opened(damaged, path.name)


def places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested lists and dicts, as a container and a key."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from places(node[key])


# Each value of a recording in turn becomes each of these.
ODD: list[object] = [None, True, -1, 1e400, "", "\ud800", [], [None], {}, {"a": []}, 10**30]


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.data[:2] in (b"{\n", b'{"')], ids=lambda c: c.what
)
def test_values_of_the_wrong_type(case: Case) -> None:
    whole = json.loads(case.data)

    found = list(places(whole))
    assert found
    for node, key in found:
        before = node[key]
        for value in ODD:
            node[key] = value
            with contextlib.suppress(TokenTapeError):
                reading = formats.read(json.dumps(whole).encode(), case.name)
                formats.write(reading.tape, reading.format)
                formats.write(reading.tape, "tape")
                formats.write(reading.tape, "vcrpy")
        node[key] = before


MARKED: list[object] = [{"$base64": "AP8="}, {"$pairs": [[[1], 2]]}, {"$pairs": [[None, 2]]}]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.format}: {case.what}")
def test_odd_values_in_what_was_kept(case: Case) -> None:
    tape = formats.read(case.data, case.name).tape
    extras = json.loads(json.dumps([tape.extra, *(each.extra for each in tape.exchanges)]))
    for node, key in list(places(extras)):
        before = node[key]
        for value in (*ODD, *MARKED):
            node[key] = value
            if not all(isinstance(each, dict) for each in extras):
                continue
            exchanges = [
                msgspec.structs.replace(exchange, extra=extra)
                for exchange, extra in zip(tape.exchanges, extras[1:], strict=True)
            ]
            odd = msgspec.structs.replace(tape, exchanges=tuple(exchanges), extra=extras[0])
            with contextlib.suppress(TokenTapeError):
                formats.write(odd, case.format)
        node[key] = before


DEEP = 100_000


@pytest.mark.parametrize(
    "data",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"interactions":[' + b"[" * DEEP,
        b'{"log":{"entries":[' + b'{"a":' * DEEP,
        b'{"test_id":"","request":' + b"[" * DEEP,
        b"version: 2\ninteractions: " + b"[" * DEEP,
        b"version: 1\ninteractions:\n" + b"- " * DEEP,
        b"version: 1\ninteractions:\n" + b"? " * DEEP,
        b"version: 1\ninteractions: " + b"{a: " * DEEP,
        b"{'messages': " + b"[" * DEEP + b"]" * DEEP + b"}",
        b"{'messages': " * 20_000,
        b"data: " + b"[" * DEEP + b"\n\n",
        b"data: {\n" * 20_000,
        b"data: {" * 50_000,
        b"data: {}\n" * 20_000,
        b"{'id': '" * 20_000,
        b"{'id': {'a': 1}, " * 5_000,
        b"version: 1\ninteractions: []\na: " + b"1:" * 450 + b"1",
    ],
    ids=lambda data: repr(data[:30]),
)
def test_deep_nesting(data: bytes) -> None:
    opened(data)


def test_what_is_too_deep_to_be_written() -> None:
    deep = "[" * 450 + "]" * 450
    ok = "status: {code: 200, message: OK}"
    tape = formats.read(vcrpy(f"parsed_body: {deep}\n    {ok}"), "a.yaml").tape
    assert tape.exchanges[0].body == deep.encode()
    with pytest.raises(LimitError, match="too deep to be written as vcrpy"):
        formats.write(tape, "vcrpy")


def test_deep_nesting_does_not_end_the_process() -> None:
    code = (
        "from tokentape import errors, formats\n"
        "for name in ('go-vcr', 'vcrpy', 'har', 'llama-stack', 'transcript', 'tape'):\n"
        "    for mark in (b'[', b'{\"a\":', b'- ', b'? '):\n"
        "        try:\n"
        f"            formats.read(mark * {DEEP}, 'x', format=name)\n"
        "        except errors.TokenTapeError:\n"
        "            pass\n"
        "print('alive')\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert found.stdout == "alive\n", found.stderr


def test_many_aliases_are_bounded() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    data = ("interactions: []\n" + "\n".join(lines)).encode()
    with pytest.raises(LimitError, match="aliases expand"):
        formats.read(data, "x.yaml")


def test_an_alias_to_itself_is_refused() -> None:
    with pytest.raises(LimitError, match="leads to itself"):
        formats.read(b"interactions: &a [*a]\n", "x.yaml")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_decompression_is_bounded(pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(LimitError, match="decompresses to more than"):
        formats.read(pack(b"\0" * (1 << 22)), "x", limits=Limits(max_bytes=1 << 20))


def test_the_size_is_bounded() -> None:
    with pytest.raises(LimitError, match="larger than 10 bytes"):
        formats.read(b"data: {}\n\ndata: {}\n\n", "x", limits=Limits(max_bytes=10))


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_a_packed_file_that_breaks_off(pack: Callable[[bytes], bytes]) -> None:
    data = pack(b"data: {}\n\n" + random.Random(1).randbytes(1000).hex().encode())
    with pytest.raises(FormatError, match="breaks off"):
        formats.read(data[:-20], "x.sse", format=None)


def test_no_tag_constructs_an_object() -> None:
    data = b"""interactions:
- request: {method: GET, uri: 'http://x/', headers: {}, body: !!python/object/apply:os.getcwd []}
  response:
    status: {code: 200, message: OK}
    headers: {}
    body: {string: !!python/object/apply:os.system ['exit 1']}
version: 1
"""
    (exchange,) = formats.read(data, "x.yaml").tape.exchanges
    assert exchange.request.body == b"[]"
    assert exchange.body == b"exit 1"


@pytest.mark.parametrize(
    "text",
    [
        "? [a, b]\n: c",
        "? {a: b}\n: c",
        f"a: {'9' * 5000}",
        f"a: 0x{'f' * 5000}",
        "a: !!int x",
        "a: !!float x",
        "a: !!binary é",
        "a: *nowhere",
        "a: 2024-13-45",
        "a: 1:60:99",
        "<<: 1",
        "a: .nan\nb: .inf",
        "1: 2\n1: 3\nnull: x\n1.5: y\ntrue: z",
        "a: \x07",
        'a: "\\ud800"',
        "a: b\n---\nc: d",
        "a: !!set {a, b}\nb: !!omap [a: b]\nc: !!pairs [a: b]",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_odd_yaml(text: str) -> None:
    opened(f"interactions: []\n{text}\n".encode())


def test_numbers_python_would_not_read() -> None:
    opened(b'{"log":{"entries":[],"a":' + b"9" * 5000 + b"}}", "x.har")
