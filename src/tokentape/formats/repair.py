"""Event streams that are broken but clear: found, and mended.

The one case known: `data:` lines that each hold a whole JSON payload, separated by one line
break, with or without an `event:` line before each. Read by the standard they are one event of
many lines, or none at all.
"""

import json
import re

from tokentape import sse

# Before the first line may stand a byte order mark.
_DATA = re.compile(rb"(?:\xef\xbb\xbf)?data:([^\r\n]*)")
_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# Cheap, because it begins with a literal; the lookbehind says that a line begins with it.
_SUSPECT = re.compile(
    rb"data:(?<![^\r\n\xbf]data:)[ ]?(?:\{[^\r\n]*\}|\[DONE\])[ ]*(?:\r\n|\r|\n)"
    rb"(?:data:[ ]?[{\[]|event:)"
)


def run_together(body: bytes) -> int:
    """How many payloads lack the blank line behind them; 0 for a stream that is well."""
    if not _SUSPECT.search(body):
        return 0
    return sum(1 for _, missing in _marked(body) if missing)


def separated(body: bytes) -> bytes:
    """The stream with a blank line behind each payload that lacks one; nothing else changes."""
    found: list[bytes] = []
    for line, missing in _marked(body):
        content = line.rstrip(b"\r\n")
        end = line[len(content) :] or b"\n"
        found.append(content + end + end if missing else line)
    return b"".join(found)


def _marked(body: bytes) -> list[tuple[bytes, bool]]:
    lines = [line for line in _LINES.findall(body) if line]
    whole = [_is_payload(line) for line in lines]
    # Where an event of its own may begin, so that the payload before it should have ended.
    begins = whole
    if _is_typed_run(body, lines, whole):
        begins = [
            each or line.startswith(b"event:") for line, each in zip(lines, whole, strict=True)
        ]
    found: list[tuple[bytes, bool]] = []
    for position, line in enumerate(lines):
        following = position + 1
        at_end = following == len(lines)
        in_run = (position > 0 and begins[position - 1]) or (not at_end and begins[following])
        found.append((line, whole[position] and in_run and (at_end or begins[following])))
    return found


def _is_typed_run(body: bytes, lines: list[bytes], whole: list[bool]) -> bool:
    """Whether events of a type and a payload follow each other with no blank line between any."""
    types = [number for number, line in enumerate(lines) if line.startswith(b"event:")]
    return (
        len(types) > 1
        # The last type may stand at the end, where the stream was cut.
        and all(number + 1 == len(lines) or whole[number + 1] for number in types)
        and all(whole[number] for number, line in enumerate(lines) if line.startswith(b"data:"))
        and len(sse.events(body)) <= 1
    )


def _is_payload(line: bytes) -> bool:
    found = _DATA.match(line)
    if not found:
        return False
    value = found.group(1).strip()
    if value == b"[DONE]":
        return True
    if not value.startswith(b"{"):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True
