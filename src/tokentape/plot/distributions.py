"""The drawing of many exchanges: how each measure is distributed, group by group."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tokentape.measure.definitions import Definition
from tokentape.measure.quantiles import Quantiles, Values, edge
from tokentape.measure.stats import Group
from tokentape.measure.units import TITLES
from tokentape.plot.canvas import GRID, logarithmic, number_label, settled, shortened, time_label

# Groups beyond these are counted in words, the largest drawn.
MOST_GROUPS = 25


def timed_of(groups: Sequence[Group]) -> list[Group]:
    """The groups of which some time is known."""
    return [group for group in groups if any(values.count for values in group.values.values())]


def shown_of(groups: Sequence[Group]) -> list[Group]:
    """The groups that are drawn: the largest of which some time is known, by name."""
    largest = sorted(timed_of(groups), key=lambda group: -group.exchanges)[:MOST_GROUPS]
    return sorted(largest, key=lambda group: group.name)


def of_groups(groups: Sequence[Group], by: str, definition: Definition, kind: str) -> Figure:
    """Many exchanges: how each measure is distributed, a row for each group."""
    measures = [name for name in TITLES if any(group.values[name].count for group in groups)]
    timed, shown = timed_of(groups), shown_of(groups)
    with settled():
        rows = len(shown)
        # Never narrower than the heading.
        size = (max(3 + 2.7 * len(measures), 7.5), 1.7 + 0.72 * rows)
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, measures, strict=True):
            _distributions(axes, name, shown)
            axes.set_title(TITLES[name], fontsize=10)
        panels[0].set_yticks(
            [rows - 1 - row for row in range(rows)],
            [f"{shortened(group.name, kind)}\n{_told(group)}" for group in shown],
        )
        panels[0].set_ylim(-0.35, rows - 0.05)
        left = len(timed) - len(shown)
        more = f"; the {left} smallest groups are left out" if left else ""
        without = len(groups) - len(timed)
        more += f"; {without} without times" if without else ""
        figure.suptitle(
            f"By {by}, by the formulas of {definition.tool}{more}\n"
            "logarithmic scales; bars: how often; line: smallest to largest; ● p50   | p90   ◆ p99",
            x=0.01,
            ha="left",
            fontsize=10,
        )
        return figure


def _told(group: Group) -> str:
    return f"{group.exchanges:,} exchange{'s' * (group.exchanges != 1)}"


def _distributions(axes: Axes, name: str, groups: Sequence[Group]) -> None:
    tell = time_label if name.endswith("_us") else number_label
    values = [group.values[name] for group in groups]
    # From bin to bin: where the bars begin and end.
    ends = [edge(bin + side) for each in values for bin in each.histogram() for side in (0, 1)]
    # A logarithmic scale has no place for 0: it is drawn at the left of all that is above it.
    zero = min(ends, default=1.0) / 3 if any(each.zeros for each in values) else None
    for row, group in enumerate(groups):
        found = group.values[name].quantiles()
        y = len(groups) - 1 - row
        if found is None:
            across = axes.get_yaxis_transform()
            axes.text(0.5, y, "unknown", color="#999999", size=8, ha="center", transform=across)
            continue
        # One value has no distribution, and would look like a wide one.
        if found.count > 1:
            _bars(axes, y, group.values[name], zero)
        _marks(axes, y, found, f"mark-{name}-{row}", tell, zero)
    axes.set_xscale("log")
    logarithmic(axes, "x", tell, ends or [1.0], zero)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    # Of a tall drawing the scale is told above too.
    axes.tick_params(axis="x", labeltop=len(groups) > 8)
    axes.spines["left"].set_visible(False)


def _bars(axes: Axes, y: float, values: Values, zero: float | None) -> None:
    bars = [(edge(bin), edge(bin + 1), count) for bin, count in values.histogram().items()]
    if zero is not None and values.zeros:
        half = sqrt(edge(1))
        bars.insert(0, (zero / half, zero * half, values.zeros))
    tallest = max(count for _, _, count in bars)
    for left, right, count in bars:
        axes.fill_between([left, right], y, y + 0.7 * count / tallest, color="#BBD3E6", lw=0)


def _marks(
    axes: Axes, y: float, found: Quantiles, gid: str, tell: Callable[..., str], zero: float | None
) -> None:
    def place(value: float) -> float:
        return value if value > 0 or zero is None else zero

    axes.plot([place(found.min), place(found.max)], [y, y], color="#555555", lw=1.2, zorder=2)
    for word, marker, size in (("p90", "|", 9.0), ("p99", "D", 4.5), ("p50", "o", 6.0)):
        style: Any = {"color": "#0072B2", "mec": "#003F66", "zorder": 4, "ls": ""}
        (mark,) = axes.plot([place(getattr(found, word))], [y], marker=marker, ms=size, **style)
        mark.set_gid(f"{gid}-{word}")
    axes.annotate(
        tell(found.p50),
        (place(found.p50), y),
        (0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        fontsize=8,
    )
