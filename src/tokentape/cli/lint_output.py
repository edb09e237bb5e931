"""Findings as text, as GitHub's workflow commands, as SARIF: values in, text out."""

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from tokentape.library import Refusal
from tokentape.linting import RULES, Finding, Rule, Severity
from tokentape.texts import escaped, one_line

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/tokentape/tokentape"
_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_SARIF = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
# The only one that GitHub reads: else it takes the text of the line, the same for all in line 1.
_FINGERPRINT = "primaryLocationLineHash"
_RULE_INDEX = {rule.code: index for index, rule in enumerate(RULES)}


class Placed(msgspec.Struct, frozen=True):
    """A finding with the file it is in, and its line there (from 1) where that is known."""

    finding: Finding
    path: Path
    line: int | None = None


def _times(finding: Finding) -> str:
    return "" if finding.count == 1 else f" ({finding.count} times)"


def text_line(placed: Placed) -> str:
    """One line for a person: where, rule, severity, message."""
    found = placed.finding
    event = "" if found.event is None else f" event {found.event}"
    byte = "" if found.offset is None else f" byte {found.offset}"
    where = f" {found.json_path}" if found.json_path else ""
    return one_line(
        f"{escaped(str(placed.path))}#{found.exchange}{event}{byte}{where}: {found.rule} "
        f"{found.severity.value}: {found.message}{_times(found)}"
    )


def _told(finding: Finding) -> str:
    """What is wrong and where in the exchange, for what shows the file by itself."""
    event = "" if finding.event is None else f", event {finding.event}"
    where = f", {finding.json_path}" if finding.json_path else ""
    return one_line(
        f"exchange {finding.exchange}{event}{where}: {finding.message}{_times(finding)}"
    )


# --- GitHub ---------------------------------------------------------------------------------
# Source: github.com/actions/toolkit, packages/core/src/command.ts.


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def github_line(placed: Placed) -> str:
    """A workflow command that annotates a line of a file; line 1 where it is not known."""
    found = placed.finding
    title = f"{found.rule} {_rule(found).name}"
    place = f"file={_property(escaped(str(_relative(placed.path))))},line={placed.line or 1}"
    return f"::{_GITHUB[found.severity]} {place},title={_property(title)}::{_data(_told(found))}"


def github_refusal(refused: Refusal) -> str:
    """A workflow command for a file that was not opened."""
    place = f"file={_property(escaped(str(_relative(Path(refused.path)))))},line=1"
    told = _data(one_line(f"{refused.what}: {refused.why}"))
    return f"::error {place},title=no recording::{told}"


# --- SARIF ----------------------------------------------------------------------------------
# Source: OASIS SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/; numbers are sections.


def sarif(found: Sequence[Placed], refused: Sequence[Refusal]) -> str:
    """One document of one run: every rule, every finding, and the files that were refused."""
    notes = [_notification(each) for each in refused]
    run = {
        "tool": {
            "driver": {
                "name": "TokenTape",
                "informationUri": _HOME,
                "rules": [_described(rule) for rule in RULES],
            }
        },
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "columnKind": "unicodeCodePoints",
        "results": [_result(placed) for placed in found],
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    # Half a surrogate pair, which a path into JSON may hold, stands in JSON as an escape only.
    return json.dumps(document, indent=2)


def _described(rule: Rule) -> dict[str, Any]:
    """A reportingDescriptor (3.49)."""
    text = rule.explain()
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": " ".join(rule.sections["What it does"].split())},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _SARIF[rule.severity]},
        "properties": {"fidelity": rule.fidelity.value},
    }


def _result(placed: Placed) -> dict[str, Any]:
    """A result (3.27)."""
    found = placed.finding
    uri = uri_of(placed.path)
    # GitHub shows no result without a region; of a line only its number is known.
    region = {"startLine": placed.line or 1, "startColumn": 1, "endColumn": 2}
    place: dict[str, Any] = {"artifactLocation": {"uri": uri}, "region": region}
    names = ("exchange", "event", "offset", "json_path")
    inside = {name: getattr(found, name) for name in names}
    event = "" if found.event is None else f"/event {found.event}"
    named = f"exchange {found.exchange}{event}"
    return {
        "ruleId": found.rule,
        "ruleIndex": _RULE_INDEX[found.rule],
        "level": _SARIF[found.severity],
        "message": {"text": _told(found)},
        "occurrenceCount": found.count,
        "partialFingerprints": {_FINGERPRINT: _fingerprint(uri, found)},
        "locations": [
            {"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": named}]}
        ],
        "properties": {name: value for name, value in inside.items() if value is not None},
    }


def _fingerprint(uri: str, found: Finding) -> str:
    """What tells this result from others, and is the same in the next run (3.27.17).

    The event is no part of it: it moves where a stream is recorded anew.
    """
    parts = json.dumps([uri, found.rule, found.exchange, found.json_path])
    return f"{sha256(parts.encode()).hexdigest()[:16]}:1"


def _notification(refused: Refusal) -> dict[str, Any]:
    """A notification (3.58): a file that was not looked at."""
    place = {"artifactLocation": {"uri": uri_of(Path(refused.path))}}
    return {
        "level": "error",
        "message": {"text": one_line(f"{refused.what}: {refused.why}")},
        "locations": [{"physicalLocation": place}],
    }


def uri_of(path: Path) -> str:
    """A URI reference (3.4.3, RFC 3986): relative to the working folder where the file is below."""
    relative = _relative(path)
    if not relative.is_absolute():
        return quote(os.fsencode(relative.as_posix()))
    return "file://" + quote(os.fsencode(relative.as_posix()))


# --- what they share ------------------------------------------------------------------------


def _rule(finding: Finding) -> Rule:
    return RULES[_RULE_INDEX[finding.rule]]


def _relative(path: Path) -> Path:
    """The path from the working folder, or an absolute one where it leads out of there."""
    # Not resolved: a link is named as it was given.
    whole = Path(os.path.normpath(Path.cwd() / path))
    return whole.relative_to(Path.cwd()) if whole.is_relative_to(Path.cwd()) else whole
