"""What the checks of one stream share: what was asked, what came so far, what was found."""

from collections.abc import Mapping
from typing import Any

import msgspec

from tokentape.linting.asked import Asked
from tokentape.linting.base import Finding, Rule, shown
from tokentape.linting.thresholds import Thresholds

# Past these a stream is not followed any closer, so that what it costs stays bounded.
MAX_CHOICES = 128
MAX_TOOLS = 256
MAX_ARGUMENTS = 1 << 20
MAX_NAMES = 32
MAX_NAME = 200


class Call:
    """One tool call of a choice: how many fragments came, and its arguments so far."""

    __slots__ = ("arguments", "custom", "fragments", "id", "name", "unsure")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.unsure = False  # whether the name is the beginning of one that was offered
        self.fragments = 0
        self.custom = False  # a custom tool's: its input is free text
        # None once there are too many to keep, or some that are no text.
        self.arguments: list[str] | None = []


class Choice:
    """One choice of the stream so far."""

    __slots__ = (
        "called",
        "calls",
        "finish",
        "legacy_call",
        "lists",
        "logprobs",
        "mixed",
        "payload",
        "role",
        "spoken",
        "wrapped",
    )

    def __init__(self) -> None:
        self.role = ""
        self.finish = ""
        self.payload = False  # whether anything but a role came
        self.spoken = False  # whether text or a refusal came: what logprobs are about
        self.legacy_call = False
        self.lists: frozenset[str] = frozenset()  # delta fields that held a list without indexes
        self.wrapped = 0  # deltas that open and close a reasoning tag
        self.called = False  # whether tool calls came, such as can't be told apart too
        self.calls: dict[int, Call] = {}
        self.logprobs: Any = None  # what the group LGP keeps
        self.mixed: Any = None  # what CHO319 keeps


class Stream:
    """The state of one answer. `event` and `offset` are those of the event being looked at."""

    def __init__(self, asked: Asked, rules: Mapping[str, Rule], thresholds: Thresholds) -> None:
        self.asked = asked
        self.rules = rules
        self.thresholds = thresholds
        self.new: list[Finding] = []  # not handed out yet
        self._first: dict[str, Finding] = {}
        self._counts: dict[str, int] = {}
        self._names: dict[str, dict[str, None]] = {}
        self.reports = 0  # how often a rule had something to say
        self.event: int | None = None
        self.offset: int | None = None
        self.chunks = 0
        self.done = False
        self.errored = False
        self.id = ""
        self.created: Any = None
        self.model = ""
        self.usages = 0
        self.usage_keys = 0  # chunks with the key `usage`, or that need none
        self.bare: tuple[int | None, int | None] | None = None  # event, offset of the first without
        self.usage_beside = False  # it came under another name, and says as much of the stream
        self.usage: dict[str, Any] | None = None
        self.usage_event: int | None = None
        self.usage_offset: int | None = None
        self.usage_chunk = 0  # how many chunks had come when the last usage did
        self.choices: dict[int, Choice] = {}
        self.strays = False  # whether choices came under an index that can't be one
        self.kept = 0  # characters of arguments that are kept

    def report(
        self,
        code: str,
        message: str,
        json_path: str | None = None,
        *,
        event: int | None = None,
        offset: int | None = None,
    ) -> None:
        """Note a finding at the event being looked at, or at another one.

        The second and later ones of a rule are counted, not kept.
        """
        rule = self.rules.get(code)
        if rule is None:
            return
        self.reports += 1
        count = self._counts.get(code, 0)
        self._counts[code] = count + 1
        if count:
            return
        found = Finding(
            rule=code,
            severity=rule.severity,
            message=message,
            event=self.event if event is None else event,
            offset=self.offset if offset is None else offset,
            json_path=json_path,
        )
        self._first[code] = found
        self.new.append(found)

    def report_stream(self, code: str, message: str, json_path: str | None = None) -> None:
        """Note a finding about the stream as a whole, which no event is to blame for."""
        self.event = self.offset = None
        self.report(code, message, json_path)

    def report_names(self, code: str, where: str, names: list[str], json_path: str) -> None:
        """Note fields that the contract does not know; the finding lists all that ever came."""
        known = self._names.setdefault(code, {})
        for name in names:
            if len(known) < MAX_NAMES:
                known[shown(name)] = None
        self.report(code, f"{where}: {', '.join(known)}", json_path)

    def recount(self, code: str, count: int) -> None:
        """Say how often a rule that was reported once has been broken."""
        if code in self._counts:
            self._counts[code] = max(count, 1)

    def findings(self) -> list[Finding]:
        """All findings so far, each with its count, in the order of the stream."""
        found = []
        for code, first in self._first.items():
            message = first.message
            if code in self._names:
                message = f"{message.partition(':')[0]}: {', '.join(self._names[code])}"
            found.append(msgspec.structs.replace(first, message=message, count=self._counts[code]))
        # What is about the whole stream stands last.
        return sorted(found, key=lambda f: (f.event is None, f.event or 0, f.rule))

    def take_new(self) -> list[Finding]:
        """The findings since the last call."""
        new, self.new = self.new, []
        return new
