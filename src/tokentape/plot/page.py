"""A page of its own: the drawing, with tooltips, and its numbers as a table."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from tokentape.measure.definitions import MEASURES, Definition
from tokentape.measure.stats import Group
from tokentape.measure.units import TITLES, digits, dollars, time_text
from tokentape.plot.distributions import shown_of
from tokentape.plot.over_time import PARTS
from tokentape.plot.timeline import Point, Timeline
from tokentape.texts import one_line

# Reads beyond these are drawn, but their numbers are left out of the table.
MOST_ROWS = 2000
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1250px; padding: 0 1em;
  color: #222; background: #fff }
svg { width: 100%; height: auto }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: 3px 10px; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere }
thead th { position: sticky; top: 0; background: #fff }
dt { font-weight: bold } dd { margin: 0 0 .3em 1.5em }
"""
_USE = re.compile(r"(<use [^>]*?)/>")


def page(
    svg: bytes, groups: Sequence[Group], by: str, definition: Definition, line: Timeline | None
) -> bytes:
    """The page as UTF-8: nothing in it is fetched from elsewhere."""
    drawing = svg.decode("utf-8")
    drawing = drawing[drawing.index("<svg") :]
    if line is None:
        title = f"What recordings took, by {by}"
        drawing = _tell_marks(drawing, groups)
        tables = _quantiles(groups, by)
    else:
        title = line.name
        drawing = _tell_reads(drawing, line)
        tables = _quantiles(groups, by) + _reads(line)
    formulas = "".join(
        f"<dt>{TITLES[name]}</dt><dd>{escape(definition.formula(name))}</dd>" for name in MEASURES
    )
    text = (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f"<title>{_safe(title)}</title>\n<style>{_STYLE}</style>\n<h1>{_safe(title)}</h1>\n"
        f"{drawing}\n{tables}<h2>The formulas of {escape(definition.tool)}</h2>\n"
        f"<dl>{formulas}</dl>\n</html>\n"
    )
    return text.encode("utf-8")


def _safe(text: str) -> str:
    return escape(one_line(text))


def _group_of(drawing: str, gid: str) -> tuple[int, int]:
    """Where the SVG group of that id begins and ends; (0, 0) where there is none."""
    start = drawing.find(f'<g id="{gid}"')
    if start < 0:
        return 0, 0
    depth = 0
    for tag in re.finditer(r"<g[ >]|</g>", drawing[start:]):
        depth += -1 if tag.group() == "</g>" else 1
        if not depth:
            return start, start + tag.end()
    return 0, 0


def _titled(drawing: str, gid: str, titles: Sequence[str]) -> str:
    """The drawing with a tooltip on each mark of a group, in their order."""
    start, end = _group_of(drawing, gid)
    told: Iterator[str] = iter(titles)

    def tell(match: re.Match[str]) -> str:
        title = next(told, None)
        return match[0] if title is None else f"{match[1]}><title>{escape(title)}</title></use>"

    return drawing[:start] + _USE.sub(tell, drawing[start:end]) + drawing[end:]


def _tell_reads(drawing: str, line: Timeline) -> str:
    by_part: dict[str, list[str]] = {}
    for number, point in enumerate(line.points):
        by_part.setdefault(point.part, []).append(_read(number, point))
    for part, titles in by_part.items():
        drawing = _titled(drawing, f"reads-{part}", titles)
    paused = [_read(number, point) for number, point in enumerate(line.points) if point.gap_us]
    return _titled(drawing, "pauses", paused)


def _read(number: int, point: Point) -> str:
    gap = "" if point.gap_us is None else f", {time_text(point.gap_us)} after the read before"
    return (
        f"read {number} at {time_text(point.offset_us)}{gap}: {point.size:,} bytes, "
        f"{PARTS[point.part][2]}"
    )


def _tell_marks(drawing: str, groups: Sequence[Group]) -> str:
    for row, group in enumerate(shown_of(groups)):
        for name in MEASURES:
            found = group.values[name].quantiles()
            for word in ("p50", "p90", "p99") if found else ():
                gid = f"mark-{name}-{row}-{word}"
                value = getattr(found, word)
                drawing = _titled(
                    drawing, gid, [f"{group.name}: {TITLES[name]} {word} {_value(name, value)}"]
                )
    return drawing


def _value(name: str, value: float) -> str:
    return time_text(value) if name.endswith("_us") else digits(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{_safe(name)}</th>" for name in head)
    lines = "\n".join(
        "<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{cells}</tr></thead>\n<tbody>\n{lines}\n</tbody></table>\n"


def _quantiles(groups: Sequence[Group], by: str) -> str:
    rows: list[list[str]] = []
    for group in groups:
        cost = "unknown" if group.cost is None else dollars(group.cost)
        for name in MEASURES:
            found = group.values[name].quantiles()
            values = (
                ["unknown"] * 6
                if found is None
                else [
                    _value(name, getattr(found, key))
                    for key in ("min", "p50", "p90", "p99", "max", "mean")
                ]
            )
            rows.append(
                [
                    group.name,
                    f"{group.exchanges:,}",
                    f"{group.failed:,}",
                    cost,
                    TITLES[name],
                    f"{found.count:,}" if found else "0",
                    *values,
                ]
            )
    head = [by, "exchanges", "failed", "cost", "measure", "values"]
    return _table([*head, "smallest", "p50", "p90", "p99", "largest", "mean"], rows)


def _reads(line: Timeline) -> str:
    rows = [
        [
            str(number),
            f"{point.offset_us / 1000:,.3f}",
            "" if point.gap_us is None else f"{point.gap_us / 1000:,.3f}",
            f"{point.size:,}",
            PARTS[point.part][2],
            f"{point.chunks:,}",
        ]
        for number, point in enumerate(line.points[:MOST_ROWS])
    ]
    left = len(line.points) - len(rows)
    head = ["read", "at (ms)", "pause (ms)", "bytes", "brings", "chunks so far"]
    more = f"<p>{left:,} more reads are drawn, but not in this table.</p>\n" if left else ""
    return f"<h2>Reads</h2>\n{_table(head, rows)}{more}"
