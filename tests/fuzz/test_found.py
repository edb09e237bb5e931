"""Every case that is kept belongs to a target."""

from tests.fuzz.budget import FOUND
from tokentape.formats import FORMATS

TARGETS = {
    *("sse", "assemble", "split", "eventstream", "exchanges"),
    *(f"formats/{format.name}" for format in FORMATS),
}


def test_no_case_is_left_out() -> None:
    folders = {
        path.parent.relative_to(FOUND).as_posix()
        for path in FOUND.rglob("*")
        if path.is_file() and path.name != ".gitattributes"
    }
    assert folders == TARGETS
