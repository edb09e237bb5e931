"""What linting speaks of: a finding, a rule, severities."""

import inspect
import re
from enum import StrEnum

import msgspec

from tokentape.model import Fidelity

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
SECTIONS = ("What it does", "Why is this bad?", "Example", "What to do", "Source")
_RANK = {Fidelity.EVENTS: 0, Fidelity.BYTES: 1, Fidelity.WIRE: 2}


class Severity(StrEnum):
    """ERROR: breaks the official SDK or loses content. WARNING: breaks the documented contract.

    INFO: an extension or a habit, good to know.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class On(StrEnum):
    """What a rule looks at: every event stream, a streamed chat completion, or a JSON one too."""

    SSE = "every event stream"
    STREAM = "streamed chat completions"
    CHAT = "chat completions, streamed or not"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One breach of one rule in one exchange: where it is first, and how often it is in all.

    `event` is 0-based; `offset` is the byte in the decoded body where that event begins, for rules
    on bytes the byte itself; `json_path` leads into the event's JSON (or the request's, for
    request rules). None where the finding is about the whole stream, or where it is not known.
    """

    path: str | None = None
    exchange: int | None = None
    event: int | None = None
    rule: str
    severity: Severity
    message: str
    offset: int | None = None
    json_path: str | None = None
    count: int = 1


class Rule(msgspec.Struct, frozen=True):
    """One rule. `fidelity` is the least a recording must know for the rule to be asked.

    `text` is the class whose docstring explains it, in the sections of `SECTIONS`.
    """

    code: str
    name: str
    severity: Severity
    fidelity: Fidelity
    on: On
    text: type

    @property
    def title(self) -> str:
        """The first line: what is wrong, in a few words."""
        return inspect.cleandoc(self.text.__doc__ or "").partition("\n")[0]

    @property
    def sections(self) -> dict[str, str]:
        """The sections of the explanation, by heading, as Markdown."""
        parts = _HEADING.split(inspect.cleandoc(self.text.__doc__ or ""))
        return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}

    def known_at(self, fidelity: Fidelity) -> bool:
        """Whether a recording of this fidelity knows enough for this rule."""
        return _RANK[fidelity] >= _RANK[self.fidelity]

    def explain(self) -> str:
        """The whole explanation as Markdown, the same text on the terminal and in the docs."""
        head = (
            f"# {self.code} {self.name} ({self.severity.value})\n\n{self.title}\n\n"
            f"Asked of {self.on.value}, where the recording's fidelity is {self.fidelity.value}"
            f"{'' if self.fidelity is Fidelity.WIRE else ' or better'}."
        )
        body = (f"## {name}\n\n{text}" for name, text in self.sections.items())
        return "\n\n".join([head, *body]) + "\n"


def shown(value: object, most: int = 40) -> str:
    """A JSON value for a message: short, on one line, printable."""
    if isinstance(value, str):
        text = ascii(value[:most])[1:-1] if not value[:most].isprintable() else value[:most]
        return f'"{text}"' + ("…" if len(value) > most else "")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        # Python refuses to print integers of more than 4,300 digits.
        return str(value) if abs(value) < 10**18 else f"an integer of {value.bit_length()} bits"
    if isinstance(value, float):
        return str(value)
    if isinstance(value, list):
        return f"an array of {len(value)}"
    return "an object" if isinstance(value, dict) else type(value).__name__
