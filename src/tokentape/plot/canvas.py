"""What all drawings share: settings, names that can be drawn, logarithmic axes, files.

Without pyplot or a window, and with no date in the files.
"""

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from math import ceil, floor, log10, sqrt
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from tokentape.measure.units import digits, time_text
from tokentape.texts import one_line

GRID = "#DDDDDD"
# Fonts that are taken where they are installed, for what the first lacks.
_FONTS = (
    *("DejaVu Sans", "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Micro Hei"),
    *("Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Arial Unicode MS"),
)
_NAME = 34
_SETTINGS: dict[str, Any] = {
    "font.size": 10.0,
    "svg.hashsalt": "tokentape",
    "svg.fonttype": "none",
    # A name with dollar signs is no formula.
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "path.simplify": False,
}


@cache
def _fonts() -> tuple[str, ...]:
    found = []
    for name in _FONTS:
        try:
            findfont(FontProperties(family=[name]), fallback_to_default=False)
        except ValueError:
            continue
        found.append(name)
    return tuple(found) or ("sans-serif",)


@cache
def _glyphs(family: str) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=[family]))).get_charmap())


@contextmanager
def settled() -> Iterator[None]:
    """Draw and write inside this: our settings hold, and are undone behind it."""
    settings: Any = {**_SETTINGS, "font.family": [*_fonts()]}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # In an SVG the letters are the reader's own fonts', so none is missing.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def _drawable(text: str, kind: str) -> str:
    """Text with what no installed font can draw escaped; in a browser every letter is drawn."""
    shown = one_line(text)
    if kind != "png":
        return shown
    return "".join(
        char if any(ord(char) in _glyphs(family) for family in _fonts()) else ascii(char)[1:-1]
        for char in shown
    )


def shortened(text: str, kind: str, longest: int = _NAME) -> str:
    """A name that can be drawn, cut in the middle where it is long."""
    shown = _drawable(text, kind)
    half = (longest - 1) // 2
    return shown if len(shown) <= longest else f"{shown[:half]}…{shown[-half:]}"


def time_label(value: float, _: Any = None) -> str:
    """Microseconds for an axis."""
    return time_text(value) if value > 0 else "0"


def number_label(value: float, _: Any = None) -> str:
    """A number for an axis."""
    return digits(value)


def logarithmic(
    axes: Axes, which: str, tell: Any, values: Sequence[float], zero: float | None = None
) -> None:
    """A logarithmic axis with labels a person reads, more of them where it is short.

    `zero` is the place, left of all values, at which what is 0 is drawn: it is labelled so.
    """
    # Room for what is written below the marks at either end.
    room = max(1.3, (max(values) / min(values)) ** 0.08)
    low, high = min(values) / room, max(values) * room
    # So wide that at least two labels of 1, 2 and 5 lie in it.
    widen = max(1.0, sqrt(6 * low / high))
    low, high = low / widen, high * widen
    (axes.set_ylim if which == "y" else axes.set_xlim)(low, high)
    axis = axes.yaxis if which == "y" else axes.xaxis
    factor = high / low
    steps = (1, 2, 5) if factor < 30 else (1, 3) if factor < 300 else (1,)
    decades = range(floor(log10(low)), ceil(log10(high)) + 1, max(1, int(log10(factor)) // 5))
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    shown = [tick for tick in ticks if low <= tick <= high]
    if zero is not None:
        (axes.set_ylim if which == "y" else axes.set_xlim)(zero / 1.6, high)
        shown = [zero, *(tick for tick in shown if tick > zero * 1.6)]
    axis.set_major_locator(FixedLocator(shown))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(
        FuncFormatter(lambda value, at: "0" if value == zero else tell(value, at))
    )


def as_png(figure: Figure) -> bytes:
    """The figure as PNG, without the name of a program or a date."""
    with settled():
        file = io.BytesIO()
        FigureCanvasAgg(figure)
        figure.savefig(file, format="png", metadata={"Software": None})
        return file.getvalue()


def as_svg(figure: Figure) -> bytes:
    """The figure as SVG, without the name of a program or a date."""
    with settled():
        file = io.BytesIO()
        empty = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=empty)
        return file.getvalue()
