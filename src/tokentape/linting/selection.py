"""Rules by their codes, or by the beginnings of them."""

from collections.abc import Iterable
from difflib import get_close_matches

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
            f"expected the code or name of a rule, got {wanted[:80]!r}; {_nearest(wanted[:80])}"
            "`tokentape lint --explain all` lists them"
        )
    return found


def _nearest(text: str) -> str:
    """The rules whose code or name is most like this text."""
    words = {word: r for r in BY_CODE.values() for word in (r.code.lower(), r.name)}
    like = dict.fromkeys(words[word] for word in get_close_matches(text.lower(), words))
    return f"like it: {', '.join(f'{r.code} {r.name}' for r in like)}; " if like else ""


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
