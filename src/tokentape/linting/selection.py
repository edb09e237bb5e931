"""Rules by their codes, or by the beginnings of them."""

from collections.abc import Iterable

from tokentape.errors import UsageError
from tokentape.linting.base import Rule
from tokentape.linting.rules import BY_CODE, CODES


def rule(code: str) -> Rule:
    """The rule of this code or name. Raises UsageError where there is none."""
    wanted = code.strip()
    found = BY_CODE.get(wanted.upper())
    if found is None:
        found = next((r for r in BY_CODE.values() if r.name == wanted.lower()), None)
    if found is None:
        raise UsageError(
            f"expected the code or name of a rule, such as CHO306, got {code!r};"
            " `tokentape lint --explain all` lists them"
        )
    return found


def select(chosen: Iterable[str] = (), ignored: Iterable[str] = ()) -> frozenset[str]:
    """The codes that are chosen (all where none is) and not ignored.

    Each item is a code, a beginning of codes ("CHO", "USG60"), a name, or several of these with
    commas between. Raises UsageError for one that means no rule.
    """
    wanted = _codes(chosen) or CODES
    return wanted - _codes(ignored)


def _codes(items: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for item in items:
        for part in item.split(","):
            text = part.strip()
            if not text:
                continue
            beginning = {code for code in CODES if code.startswith(text.upper())}
            found |= beginning or {rule(text).code}
    return frozenset(found)
