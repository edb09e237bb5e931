"""Plots: of any recording, the same bytes for the same input; a page that holds its numbers."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import msgspec
import pytest

from tests.measure.streams import at, choice, usage
from tests.samples import DONE, chunk, streamed
from tokentape.errors import UsageError
from tokentape.measure.definitions import by_name
from tokentape.measure.measured import measured
from tokentape.measure.stats import Group
from tokentape.model import Ending, Exchange, Fidelity, Read
from tokentape.plot import KINDS, kind_of, render, timeline
from tokentape.plot.distributions import of_groups

OURS = by_name("tokentape")


def regular(count: int, gap_ms: int = 5) -> Exchange:
    """So many reads with text, evenly spaced."""
    reads = [(100 + gap_ms * number, chunk("x")) for number in range(count)]
    return at(*reads, (110 + gap_ms * count, usage(completion=max(count, 1)) + DONE))


EXCHANGES: dict[str, Exchange] = {
    "many reads": regular(300),
    "one read": at((10, chunk("a") + usage() + DONE)),
    "two reads": at((10, chunk("a")), (20, DONE)),
    "all at one moment": at(*((10, chunk("a")) for _ in range(5))),
    "a stall": at(*((10 * n, chunk("a")) for n in range(1, 9)), (900, chunk("b")), (910, DONE)),
    "a long wait": at((60_000, chunk("a")), (60_001, chunk("b")), (60_002, DONE)),
    "no content": at((10, chunk(role="assistant")), (20, DONE)),
    "cut": at((10, chunk("a")), (20, chunk("b")), ending=Ending.CUT),
    "stopped": at((10, chunk("a")), (20, chunk("b")), ending=Ending.STOPPED),
    "choices": at((10, choice(0, content="a")), (20, choice(1, reasoning_content="b"))),
    "all at the start": at((0, chunk("a")), (0, DONE)),
}
NAMES = ["gpt-4o", "$x$_y^2 & <b>", "模型-مثال", "x" * 300, "a\nb"]


def grouped(*exchanges: Exchange, names: tuple[str, ...] = ("m",)) -> list[Group]:
    groups = [Group(name) for name in names]
    for group in groups:
        for exchange in exchanges:
            group.add(measured(exchange, OURS))
    return groups


@pytest.mark.parametrize("what", EXCHANGES)
def test_any_exchange_that_has_times_is_drawn(what: str) -> None:
    exchange = EXCHANGES[what]
    groups = grouped(exchange)
    line = timeline(f"{what}#0", exchange)
    assert line is not None
    svg = render("svg", groups, "model", OURS, line)
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_what_has_some_times_is_drawn_among_others() -> None:
    groups = [Group(what) for what in EXCHANGES]
    for group in groups:
        group.add(measured(EXCHANGES[group.name], OURS))
    assert any(group.values["itl_us"].quantiles() is None for group in groups)
    assert render("svg", groups, "model", OURS, None).startswith(b"<?xml")


def test_the_heading_fits_where_one_measure_is_known() -> None:
    groups = [*grouped(at((25, DONE))), Group("without times")]
    figure = of_groups(groups, "exchange", OURS, "png")
    figure.canvas.draw()
    assert len(figure.axes) == 1
    assert figure.texts[0].get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("kind", KINDS)
def test_any_name_is_drawn(kind: str) -> None:
    groups = grouped(regular(3), names=tuple(NAMES))
    assert render(kind, groups, "model", OURS, None)
    for name in NAMES[2:4]:
        assert render(kind, groups, "model", OURS, timeline(name, regular(3)))


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_input_gives_the_same_bytes_without_a_date(kind: str) -> None:
    groups = grouped(regular(20), names=("a", "b"))
    for line in (None, timeline("x", regular(20))):
        first = render(kind, groups, "model", OURS, line)
        assert render(kind, groups, "model", OURS, line) == first
        assert b"atplotlib v" not in first.replace(b"Created with", b"")
        assert b"dc:date" not in first


def test_the_points_of_a_timeline() -> None:
    line = timeline("x", EXCHANGES["a stall"])
    assert line is not None
    assert [point.chunks for point in line.points] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    assert [point.part for point in line.points] == ["content"] * 9 + ["other"]
    assert line.points[0].gap_us is None
    assert line.points[1].gap_us == 10_000
    assert [(stall.start_us, stall.end_us) for stall in line.stalls] == [(80_000, 900_000)]
    assert line.first_us == 10_000


def test_a_recording_without_times_has_no_timeline() -> None:
    exchange = msgspec.structs.replace(regular(3), fidelity=Fidelity.BYTES)
    assert timeline("x", exchange) is None
    response = regular(3).response
    assert response is not None
    reads = (Read(chunk("a")), Read(chunk("b"), 5))
    untimed = msgspec.structs.replace(response, reads=reads)
    assert timeline("x", msgspec.structs.replace(regular(3), response=untimed)) is None
    with pytest.raises(UsageError, match="no times to plot"):
        render("png", grouped(exchange), "model", OURS, None)


class _Page(HTMLParser):
    """What a page holds: the text of its cells, its tooltips, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.titles: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag == "td":
            self.cells.append("")
        if tag == "title":
            self.titles.append("")
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and not (value or "").startswith("#"):
                self.fetched.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            self.cells[-1] += data
        if self.open and self.open[-1] == "title":
            self.titles[-1] += data


def test_a_page_holds_the_numbers_and_a_tooltip_for_every_read() -> None:
    exchange = EXCHANGES["a stall"]
    page = _Page()
    page.feed(render("html", grouped(exchange), "model", OURS, timeline("x#0", exchange)).decode())
    assert page.fetched == []
    reads = [title for title in page.titles if re.match(r"read \d+ at", title)]
    assert sum("text" in title for title in reads) == 9 + 8  # each in both drawings, but the first
    assert "read 8 at 900 ms, 820 ms after the read before: 180 bytes, text" in reads
    assert {"820.000", "900.000", "TTFT", "10 ms"} <= set(page.cells)


def test_a_page_of_groups_tells_their_quantiles() -> None:
    page = _Page()
    groups = grouped(regular(20), names=("b <i>", "a", "without"))
    groups[2] = Group("without")
    groups[2].add(measured(streamed(chunk("a")), OURS))
    page.feed(render("html", groups, "model", OURS, None).decode())
    assert page.fetched == []
    assert "a: TTFT p50 100 ms" in page.titles
    assert "b <i>: ITL p99 5 ms" in page.titles
    assert "b <i>" in page.cells


def test_a_read_beyond_the_rows_is_counted_in_words() -> None:
    exchange = regular(2100, gap_ms=1)
    text = render("html", grouped(exchange), "model", OURS, timeline("x", exchange)).decode()
    assert "101 more reads are drawn" in text


@pytest.mark.parametrize("name", ["aiperf", "llmperf"])
def test_a_definition_is_told_with_its_formulas(name: str) -> None:
    chosen = by_name(name)
    group = Group("m")
    group.add(measured(regular(5), chosen))
    text = render("html", [group], "model", chosen, None).decode()
    assert chosen.itl in text
    assert chosen.tool in text


@pytest.mark.parametrize("name", ["x", "x.pdf", "png", "x.svg.gz", ""])
def test_a_name_that_says_no_kind_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="ends in"):
        kind_of(name)


def test_a_kind_is_told_by_the_ending() -> None:
    assert [kind_of(name) for name in ("a.PNG", "b.svg", "c.d.html")] == ["png", "svg", "html"]
