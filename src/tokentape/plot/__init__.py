"""Plots of what recordings took, as PNG, SVG or a page (extra `plot`: matplotlib)."""

from collections.abc import Sequence

from tokentape.errors import UsageError
from tokentape.measure.definitions import Definition
from tokentape.measure.stats import Group
from tokentape.plot.timeline import Timeline, timeline

__all__ = ["KINDS", "Timeline", "check", "kind_of", "render", "timeline"]

KINDS = ("png", "svg", "html")


def kind_of(name: str) -> str:
    """The kind a file's name ends in. Raises UsageError where it is none of KINDS."""
    kind = name.rpartition(".")[2].lower()
    if "." not in name or kind not in KINDS:
        raise UsageError(
            f"plot: expected a name that ends in .png, .svg or .html, got {name[:80]!r}"
        )
    return kind


def check() -> None:
    """Raise UsageError where matplotlib is missing."""
    try:
        import matplotlib
    except ImportError:
        raise UsageError(
            "plots need matplotlib: install it with pip install 'tokentape[plot]'"
        ) from None
    del matplotlib


def render(
    kind: str, groups: Sequence[Group], by: str, definition: Definition, line: Timeline | None
) -> bytes:
    """The plot of a timeline, or where it is None of the distributions of groups, as a file.

    The same input gives the same bytes. Raises UsageError where matplotlib is missing, and where
    there are no times to plot.
    """
    check()
    from tokentape.plot.canvas import as_png, as_svg
    from tokentape.plot.distributions import of_groups
    from tokentape.plot.over_time import of_timeline

    if line is None and not any(
        values.count for group in groups for values in group.values.values()
    ):
        raise UsageError(
            "there are no times to plot: none of these recordings kept the reads (fidelity wire) "
            "of a response; record with `tokentape record`"
        )
    if line is not None:
        figure = of_timeline(line, kind)
    else:
        figure = of_groups(groups, by, definition, kind)
    if kind == "html":
        from tokentape.plot.page import page

        return page(as_svg(figure), groups, by, definition, line)
    return as_svg(figure) if kind == "svg" else as_png(figure)
