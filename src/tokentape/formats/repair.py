"""Event streams that are broken but clear: found, and mended.

The one case known: `data:` lines that each hold a whole JSON payload, separated by one line
break. Read by the standard they are one event of many lines, or none at all.
"""

import json
import re

_DATA = re.compile(rb"data:[^\r\n]*")
_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
# Cheap, because it begins with a literal; the lookbehind says that a line begins with it.
_SUSPECT = re.compile(
    rb"data:(?<![^\r\n]data:)[ ]?(?:\{[^\r\n]*\}|\[DONE\])[ ]*(?:\r\n|\r|\n)data:[ ]?[{\[]"
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
    found: list[tuple[bytes, bool]] = []
    for position, line in enumerate(lines):
        following = position + 1
        at_end = following == len(lines)
        in_run = (position > 0 and whole[position - 1]) or (not at_end and whole[following])
        found.append((line, whole[position] and in_run and (at_end or whole[following])))
    return found


def _is_payload(line: bytes) -> bool:
    if not _DATA.match(line):
        return False
    value = line[5:].strip()
    if value == b"[DONE]":
        return True
    if not value.startswith(b"{"):
        return False
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True
