"""The table of rules in docs/lint.md, and the pages of docs/rules/, from the rules' own texts."""

import inspect
import re
import sys
from collections.abc import Iterator

from tokentape.linting import RULES, Rule

_FENCE = re.compile(r"^```", re.MULTILINE)


def groups() -> dict[str, str]:
    """What each group of rules is about, by the letters its codes begin with."""
    found = {}
    for rule in RULES:
        doc = inspect.cleandoc(sys.modules[rule.text.__module__].__doc__ or "")
        about = doc.partition("\n")[0].removesuffix(".").removesuffix(f" ({rule.code[:3]})")
        found[rule.code[:3]] = about
    return found


def anchor(rule: Rule) -> str:
    """Where a rule's text is, from docs/."""
    return f"rules/{rule.code[:3].lower()}.md#{rule.code.lower()}-{rule.name}-{rule.severity.value}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def table() -> Iterator[str]:
    """All rules: code, name, severity, fidelity, and what is wrong."""
    yield "| rule | name | severity | fidelity | what is wrong |"
    yield "|---|---|---|---|---|"
    for rule in RULES:
        yield (
            f"| [{rule.code}]({anchor(rule)}) | {rule.name} | {rule.severity.value} "
            f"| {rule.fidelity.value} | {_cell(rule.title)} |"
        )


def page(group: str) -> Iterator[str]:
    """The texts of a group as `--explain` prints them, one level further down."""
    for rule in RULES:
        if rule.code.startswith(group):
            yield from _deeper(rule.explain()).splitlines()
            yield ""


def _deeper(markdown: str) -> str:
    """Headings one level down; a `#` inside of a fence is none."""
    parts = _FENCE.split(markdown)
    for at in range(0, len(parts), 2):
        parts[at] = re.sub(r"^#", "##", parts[at], flags=re.MULTILINE)
    return "```".join(parts)
