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

NAMES = [format.name for format in FORMATS]
WRITTEN = [format.name for format in FORMATS if format.write is not None]


def law(data: bytes, format: str | None, name: str = "x") -> None:
    with bounded():
        reading = formats.read(data, name, format=format, repair=True, limits=LIMITS)
        for written in WRITTEN:
            with bounded():
                again = formats.write(reading.tape, written)
                formats.read(again, name, format=written, repair=True)


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
