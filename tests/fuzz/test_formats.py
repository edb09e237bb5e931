"""Any bytes, read as any format, are a tape or an error of ours, and so is writing that tape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import BUDGET, LIMITS, bounded, found
from tests.fuzz.mutate import damaged, odd_payloads
from tests.fuzz.seeds import FILES, Seeds
from tokentape import formats
from tokentape.chat.payloads import parse_json
from tokentape.formats import FORMATS
from tokentape.formats.base import Aspect
from tokentape.model import Tape

NAMES = [format.name for format in FORMATS]
WRITTEN = [format.name for format in FORMATS if format.write is not None]


# What keeps the bytes of a body keeps them whichever they are.
KEEPS_BODIES = [format.name for format in FORMATS if Aspect.BODY_BYTES in format.holds]
KEEPS_REQUESTS = [format.name for format in FORMATS if Aspect.REQUEST_BODY_BYTES in format.holds]


def law(data: bytes, format: str | None, name: str = "x") -> None:
    with bounded():
        reading = formats.read(data, name, format=format, repair=True, limits=LIMITS)
        for written in WRITTEN:
            with bounded():
                kept_as(reading.tape, written)


def kept_as(tape: Tape, format: str) -> None:
    """Written as this format and read again it is the same, as far as the format holds it."""
    again = formats.by_name(format).read(formats.write(tape, format), "x", LIMITS)
    if format == "tape":
        assert again == tape
    if format in KEEPS_BODIES:
        assert [exchange.body for exchange in again.exchanges] == [
            exchange.body for exchange in tape.exchanges
        ]
    if format in KEEPS_REQUESTS:
        assert [exchange.request.body or b"" for exchange in again.exchanges] == [
            exchange.request.body or b"" for exchange in tape.exchanges
        ]


def of(format: str) -> list[tuple[bytes, str]]:
    """The files that are read as this format."""
    chosen = [(data, name) for data, name in FILES if formats.read(data, name).format == format]
    assert chosen
    return chosen


SEEDS = {format: of(format) for format in NAMES}


@pytest.mark.parametrize("format", NAMES)
@BUDGET
@given(data=st.data())
def test_damaged_files(format: str, data: st.DataObject) -> None:
    """As the format it was, and as whatever it now looks like."""
    seeds = SEEDS[format]
    name = data.draw(st.sampled_from(sorted({name for _, name in seeds})))
    file = data.draw(damaged(Seeds(seed for seed, _ in seeds)))
    law(file, data.draw(st.sampled_from([format, None])), name)


def _json(format: str) -> Seeds[list[object]]:
    values = [[parse_json(line) for line in data.splitlines()] for data, _ in SEEDS[format]]
    whole = [[parse_json(data)] for data, _ in SEEDS[format]]
    return Seeds(value for value in values + whole if None not in value)


@pytest.mark.parametrize("format", [format for format in NAMES if _json(format)])
@BUDGET
@given(data=st.data())
def test_odd_values(format: str, data: st.DataObject) -> None:
    lines = data.draw(odd_payloads(_json(format)))
    law(b"\n".join(lines), data.draw(st.sampled_from([format, None])))


@pytest.mark.parametrize("format", [None, *NAMES])
@BUDGET
@given(
    data=st.binary(max_size=300)
    | st.text(st.sampled_from("{}[]'\"\\:,-&*!|>\n 01at#<"), max_size=80).map(str.encode)
)
def test_random_bytes(format: str | None, data: bytes) -> None:
    law(data, format)


@pytest.mark.parametrize("format", NAMES)
def test_what_was_found(format: str) -> None:
    for data in found(f"formats/{format}"):
        law(data, format)
        law(data, None)
