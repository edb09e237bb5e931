"""The drawing of one exchange: what had come by each read, and the pause before each read."""

from math import floor, log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tokentape.measure.units import time_text
from tokentape.plot.canvas import GRID, logarithmic, settled, shortened, time_label
from tokentape.plot.timeline import STALL_TIMES, STALL_US, Timeline

# Told apart without colour too (Okabe and Ito's palette; a marker for each).
PARTS = {
    "content": ("#0072B2", "o", "text"),
    "reasoning": ("#E69F00", "s", "reasoning"),
    "tool": ("#009E73", "^", "tool call"),
    "refusal": ("#D55E00", "D", "refusal"),
    "document": ("#0072B2", "o", "a document, not a stream"),
    "other": ("#888888", "|", "nothing of the answer"),
}
_STALL, _FIRST = "#CC79A7", "#D55E00"
_TICKS = 9


def of_timeline(line: Timeline, kind: str) -> Figure:
    """One exchange: what had come by each read, and the pause before each read."""
    with settled():
        figure = Figure(figsize=(11, 6.2), layout="constrained")
        came, paused = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        points = line.points
        last = max(points[-1].offset_us, line.ended_us or 0)
        start = _start(line, last)
        _reads(came, line)
        came.set_ylabel("chunks with content so far")
        came.yaxis.set_major_locator(MaxNLocator(integer=True))
        came.set_ylim(
            bottom=-max(1, points[-1].chunks) * 0.04, top=max(1, points[-1].chunks) * 1.12
        )
        _pauses(paused, line)
        for axes in (came, paused):
            axes.grid(color=GRID, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.set_xlim(start, last + max(1, last - start) * 0.03)
            _moments(axes, line, labels=axes is came)
        paused.set_xlabel("time since the request was sent" + _from(start))
        paused.xaxis.set_major_locator(MaxNLocator(nbins=_TICKS, steps=[1, 2, 5, 10]))
        paused.xaxis.set_major_formatter(FuncFormatter(_spaced(start, last)))
        figure.suptitle(_title(line, kind), x=0.01, ha="left", fontsize=11)
        handles, labels = came.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=3, frameon=False, fontsize=9)
        return figure


def _title(line: Timeline, kind: str) -> str:
    reads = f"{len(line.points):,} read{'s' * (len(line.points) != 1)}"
    if line.first_us is not None:
        first = f"first content {time_text(line.first_us)}"
    else:
        first = "no stream" if line.points[-1].part == "document" else "no content"
    end = "" if line.ended_us is None else f" after {time_text(line.ended_us)}"
    return f"{shortened(line.name, kind, 90)}\n{reads}, {first}, {line.ending}{end}"


def _start(line: Timeline, last: int) -> float:
    """Where the time axis begins: at the request, or later where nothing but waiting came first."""
    began = min(line.points[0].offset_us, line.headers_us or line.points[0].offset_us)
    content = [point.offset_us for point in line.points if point.part != "other"]
    # Where the wait would squeeze all the rest, it is told in words and not drawn.
    begin = content[0] if content and last - content[0] < 0.2 * last else began
    rest = last - begin
    return begin - max(rest, 1) * 0.06 if 0 <= rest < 0.2 * last and len(line.points) > 1 else 0.0


def _from(start: float) -> str:
    return f" (the first {time_text(start)} are left out)" if start > 0 else ""


def _spaced(start: float, last: float) -> Any:
    """Labels with enough digits to tell the ticks of this span apart, in one unit."""
    size, unit = (1_000_000, "s") if last >= 2_000_000 else (1000, "ms")
    places = max(0, -floor(log10(max(last - start, 1) / _TICKS / size)))
    return lambda value, _: f"{value / size:.{places}f} {unit}"


def _reads(axes: Axes, line: Timeline) -> None:
    offsets = [point.offset_us for point in line.points]
    axes.step(
        offsets, [p.chunks for p in line.points], where="post", color="#BBBBBB", lw=1, zorder=1
    )
    size = 30 if len(offsets) <= 500 else 9
    for part, (color, marker, label) in PARTS.items():
        chosen = [point for point in line.points if point.part == part]
        if chosen:
            marks = axes.scatter(
                [point.offset_us for point in chosen],
                [point.chunks for point in chosen],
                s=size * (2 if marker == "|" else 1),
                c=color,
                marker=marker,
                linewidths=1.2 if marker == "|" else 0,
                label=f"read that brings {label} ({len(chosen):,})",
                zorder=3,
            )
            marks.set_gid(f"reads-{part}")


def _pauses(axes: Axes, line: Timeline) -> None:
    gaps = [(point.offset_us, point.gap_us) for point in line.points if point.gap_us]
    axes.set_ylabel("pause before a read")
    if not gaps:
        axes.set_yticks([])
        words = "one read: no pauses" if len(line.points) == 1 else "all reads came at one moment"
        _text(axes, 0.5, 0.5, words, transform=axes.transAxes, ha="center", color="#666666")
        return
    axes.scatter(
        [offset for offset, _ in gaps],
        [gap for _, gap in gaps],
        s=14 if len(gaps) <= 500 else 4,
        c="#444444",
        linewidths=0,
        zorder=3,
    ).set_gid("pauses")
    axes.set_yscale("log")
    logarithmic(axes, "y", time_label, [gap for _, gap in gaps])


def _moments(axes: Axes, line: Timeline, *, labels: bool) -> None:
    top = axes.get_ylim()[1]
    label = (
        f"stall: {STALL_TIMES} × the median pause between content, at least {time_text(STALL_US)}"
    )
    for number, stall in enumerate(line.stalls):
        span = axes.axvspan(stall.start_us, stall.end_us, color=_STALL, alpha=0.18, lw=0, zorder=0)
        span.set_gid(f"stall-{number}")
        span.set_label(label if not number else "_")
    if not labels:
        return
    longest = sorted(line.stalls, key=lambda stall: stall.start_us - stall.end_us)[:4]
    for stall in longest:
        _text(
            axes,
            (stall.start_us + stall.end_us) / 2,
            top,
            f"stall\n{time_text(stall.end_us - stall.start_us)}",
            ha="center",
            va="top",
            color="#8A3A66",
        )
    if line.headers_us is not None and line.headers_us >= axes.get_xlim()[0]:
        axes.axvline(line.headers_us, color="#666666", lw=1, ls=":", label="response headers")
    if line.first_us is not None:
        axes.axvline(line.first_us, color=_FIRST, lw=1.2, ls="--", label="first content")
    if line.ended_us is not None:
        axes.axvline(line.ended_us, color="#222222", lw=1, label=f"end: {line.ending}")


def _text(axes: Axes, x: float, y: float, text: str, **how: Any) -> None:
    axes.text(x, y, text, fontsize=9, **how)
