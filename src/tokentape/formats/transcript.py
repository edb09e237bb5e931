"""An application's log of a streamed call: Python reprs of dicts with printed text between them.

A dict that looks like a request begins an exchange; chunks, or one whole answer, follow it.
"""

import re
from typing import Any

import msgspec

from tokentape.errors import FormatError, LimitError, RefusedError
from tokentape.formats import fields, plain_json, rendering
from tokentape.formats.base import Format
from tokentape.limits import Limits
from tokentape.model import Ending, Exchange, Fidelity, Request, Response, Tape

NAME = "transcript"

_KEYS = "id|object|choices|messages|model|prompt|input|created|stream|usage|type|candidates"
_BEGIN = re.compile(r"\{'[a-z_]+': ")
_SNIFF = re.compile(rf"\{{'(?:{_KEYS})': ".encode())
# What stands within a repr: a string with the escapes repr writes, a bracket, a stray quote.
_TOKEN = re.compile(
    r"""'(?:[^'\\\n]|\\['"\\nrtabfvxuUN0])*+'|"(?:[^"\\\n]|\\['"\\nrtabfvxuUN0])*+"|[\[\](){}'"]"""
)
# Python's own parser takes no more than about this.
_MAX_DEPTH = 90
# Each repr that never closes costs a scan of the rest.
_MAX_UNCLOSED = 16
_SNIFFED = 1 << 16


class _Found(msgspec.Struct, frozen=True):
    """The dicts in a log, the characters printed outside them, whether the last was cut off."""

    values: list[dict[str, Any]]
    printed: int
    cut: bool


def sniff(data: bytes, name: str) -> bool:
    """The repr of a dict with a key that requests and chunks have."""
    return _SNIFF.search(data[:_SNIFFED]) is not None


def read(data: bytes, name: str, limits: Limits) -> Tape:
    """The calls in the log, each as an exchange whose event stream is rendered from its chunks."""
    text = fields.decode(data)
    if text is None:
        raise FormatError("expected a log in UTF-8, got other bytes")
    found = _scan(text, limits)
    calls: list[tuple[dict[str, Any] | None, list[dict[str, Any]]]] = []
    for value in found.values:
        if _is_request(value):
            calls.append((value, []))
        elif _is_answer(value):
            if not calls:
                calls.append((None, []))
            calls[-1][1].append(value)
    if not calls:
        raise RefusedError("text, not a recording", "no request and no chunk is in it")
    notes = ["the stream is rendered from chunks printed as Python reprs"]
    if found.printed:
        notes.append(f"{found.printed} characters printed between them left out")
    exchanges = [_exchange(request, answers, tuple(notes)) for request, answers in calls]
    if found.cut:
        exchanges[-1] = msgspec.structs.replace(
            exchanges[-1],
            ending=Ending.STOPPED,
            notes=(*exchanges[-1].notes, "the log breaks off within a repr"),
        )
    return Tape(exchanges=tuple(exchanges))


def _is_request(value: dict[str, Any]) -> bool:
    return not _is_answer(value) and (
        "messages" in value or ("model" in value and ("prompt" in value or "input" in value))
    )


def _is_answer(value: dict[str, Any]) -> bool:
    return (
        isinstance(value.get("choices"), list)
        or isinstance(value.get("candidates"), list)
        or (isinstance(value.get("object"), str) and "messages" not in value)
        or (isinstance(value.get("type"), str) and "messages" not in value)
    )


def _exchange(
    request: dict[str, Any] | None, answers: list[dict[str, Any]], notes: tuple[str, ...]
) -> Exchange:
    response = None
    if len(answers) == 1 and answers[0].get("object") in ("chat.completion", "response"):
        response = _response(plain_json.compact(answers[0]), "application/json")
    elif answers:
        kind = rendering.kind_of(answers, (), "")
        response = _response(rendering.stream(answers, kind), kind.content_type)
    return Exchange(
        request=Request(
            method="POST",
            url="",
            headers=() if request is None else (("content-type", "application/json"),),
            body=None if request is None else plain_json.compact(request),
        ),
        response=response,
        fidelity=Fidelity.EVENTS,
        notes=notes,
    )


def _response(body: bytes, content_type: str) -> Response:
    return Response(headers=(("content-type", content_type),), reads=fields.reads(body))


def _scan(text: str, limits: Limits) -> _Found:
    values: list[dict[str, Any]] = []
    printed = position = unclosed = 0
    cut = False
    while match := _BEGIN.search(text, position):
        start = match.start()
        end = _closing(text, start, limits)
        if end is None:
            unclosed += 1
            cut = True
            if unclosed == _MAX_UNCLOSED:
                break
        value = plain_json.from_repr(text[start:end]) if end is not None else None
        if value is None or end is None:
            printed += start + 1 - position
            position = start + 1
            continue
        values.append(value)
        cut = False
        printed += start - position
        position = end
    printed += len(text[position:].rstrip("\n"))
    return _Found(values, printed, cut)


def _closing(text: str, start: int, limits: Limits) -> int | None:
    """Where the bracket that opens at `start` is closed, None where it never is."""
    depth = 0
    most = min(_MAX_DEPTH, limits.max_depth)
    for token in _TOKEN.finditer(text, start):
        mark = token.group()
        if mark in "{[(":
            depth += 1
            if depth > most:
                raise LimitError(f"a repr is nested deeper than {most} levels")
        elif mark in "}])":
            depth -= 1
            if depth == 0:
                return token.end()
        elif mark in "'\"":
            return None
    return None


FORMAT = Format(
    name=NAME,
    title="log of Python reprs",
    suffixes=(),
    sniff=sniff,
    read=read,
)
