"""YAML to plain data and back: no tag constructs an object, size, depth and aliases are bounded.

Values are str, bytes, int, float, bool, None, list, dict and Timestamp. What PyYAML's SafeLoader
reads, this reads as the same values (timestamps stay text); tags it refuses are left out and
their nodes read as what they look like. Source: https://yaml.org/spec/1.1/ as PyYAML reads it.
"""

import base64
import binascii
import re
from collections.abc import Callable, Hashable
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from tokentape.errors import FormatError, LimitError
from tokentape.limits import Limits

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_STANDARD = "tag:yaml.org,2002:"
_INT, _FLOAT, _BOOL = _STANDARD + "int", _STANDARD + "float", _STANDARD + "bool"
_NULL, _MERGE, _TIMESTAMP = _STANDARD + "null", _STANDARD + "merge", _STANDARD + "timestamp"
_STRING = _STANDARD + "str"
_BINARY = (_STANDARD + "binary", _STANDARD + "python/bytes")
_RESOLVERS: dict[str | None, list[tuple[str, re.Pattern[str]]]] = (
    yaml.SafeLoader.yaml_implicit_resolvers
)
# Python refuses decimal texts of more than 4,300 digits; no number is that long.
_MAX_NUMBER = 1000
# Plain numbers need none of YAML 1.1's other ways to write them.
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?[0-9]{1,18}\.[0-9]{1,40}(?:[eE][-+][0-9]{1,3})?")
_WIDE = 1 << 30
_GO_BASE64 = 70


class Timestamp(str):
    """A plain scalar that YAML 1.1 takes for a date or time, as its text."""

    __slots__ = ()


class _Merge(str):
    __slots__ = ()


class _Node:
    """A collection being built; `weight` is its size with every alias expanded."""

    __slots__ = ("anchor", "is_map", "items", "weight")

    def __init__(self, is_map: bool, anchor: str | None) -> None:
        self.is_map = is_map
        self.anchor = anchor
        self.items: list[Any] = []
        self.weight = 1


def load(data: bytes | str, limits: Limits) -> Any:
    """The one document of this YAML text as plain data, None where it is empty.

    Raises FormatError for what is not YAML, LimitError for nesting beyond `limits.max_depth` and
    for aliases that lead to themselves or expand beyond `limits.max_bytes`.
    """
    try:
        parser = _PARSER(data)
        try:
            return _build(parser.get_event, limits)
        finally:
            parser.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None)
        raise FormatError(
            f"expected YAML, got a text that is not ({problem or 'not UTF-8'})",
            line=None if mark is None else mark.line + 1,
        ) from None
    except (UnicodeDecodeError, UnicodeEncodeError):
        raise FormatError("expected YAML in UTF-8, got other bytes") from None


def plain(text: str) -> str | int | float | bool:
    """What a plain scalar is to YAML 1.1: a number, truth value or Timestamp, else the text."""
    tag = _resolve(text)
    if tag == _TIMESTAMP:
        return Timestamp(text)
    if tag not in (_INT, _FLOAT, _BOOL) or len(text) > _MAX_NUMBER:
        return text
    value: int | float | bool = _CONSTRUCT[tag](text)
    return value


def _build(next_event: Callable[[], Any], limits: Limits) -> Any:
    stack: list[_Node] = []
    anchors: dict[str, tuple[Any, int] | None] = {}
    documents: list[Any] = []
    while True:
        event = next_event()
        kind = type(event)
        if kind is ScalarEvent:
            value = _scalar(event)
            weight = len(event.value) + 1
            if event.anchor is not None:
                anchors[event.anchor] = (value, weight)
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(stack) >= limits.max_depth:
                raise LimitError(f"nested deeper than {limits.max_depth} levels", line=_line(event))
            if event.anchor is not None:
                anchors[event.anchor] = None
            stack.append(_Node(kind is MappingStartEvent, event.anchor))
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            node = stack.pop()
            value = _mapping(node.items, _line(event)) if node.is_map else node.items
            weight = node.weight
            if node.anchor is not None:
                anchors[node.anchor] = (value, weight)
        elif kind is AliasEvent:
            value, weight = _aliased(event, anchors)
        elif kind is StreamEndEvent:
            return documents[0] if documents else None
        else:
            continue
        if not stack:
            documents.append(value)
            if len(documents) > 1:
                raise FormatError("expected one YAML document, got more", line=_line(event))
            continue
        parent = stack[-1]
        parent.items.append(value)
        parent.weight += weight
        if parent.weight > limits.max_bytes:
            raise LimitError(f"aliases expand to more than {limits.max_bytes} bytes")


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _aliased(event: Any, anchors: dict[str, tuple[Any, int] | None]) -> tuple[Any, int]:
    if event.anchor not in anchors:
        raise FormatError(f"the alias *{event.anchor} names no anchor", line=_line(event))
    found = anchors[event.anchor]
    if found is None:
        raise LimitError(f"the alias *{event.anchor} leads to itself", line=_line(event))
    return found


def _mapping(items: list[Any], line: int) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    merged: dict[Any, Any] = {}
    for position in range(0, len(items), 2):
        key, value = items[position], items[position + 1]
        if type(key) is _Merge:
            sources = value if isinstance(value, list) else [value]
            for source in reversed(sources):
                if not isinstance(source, dict):
                    raise FormatError("expected a mapping behind the merge key <<", line=line)
                merged.update(source)
            continue
        if not isinstance(key, Hashable):
            raise FormatError("expected a scalar as the key of a mapping", line=line)
        found[key] = value
    return merged | found if merged else found


def _scalar(event: Any) -> Any:
    text: str = event.value
    tag: str | None = event.tag
    plain, _ = event.implicit
    if tag is None or tag == "!":
        if not plain or tag == "!":
            return text
        resolved = _resolve(text)
        if resolved is None:
            return text
        return _construct(resolved, text, event)
    if tag in _BINARY:
        try:
            return base64.b64decode(text.encode("ascii"))
        except (binascii.Error, ValueError):
            raise FormatError("expected base64 behind !!binary", line=_line(event)) from None
    if tag in (_INT, _FLOAT, _BOOL, _NULL, _TIMESTAMP):
        return _construct(tag, text, event)
    return text


def _resolve(text: str) -> str | None:
    for tag, pattern in _RESOLVERS.get(text[:1], ()):
        if pattern.match(text):
            return tag
    return None


def _construct(tag: str, text: str, event: Any) -> Any:
    if tag == _NULL:
        return None
    if tag == _FLOAT and _DECIMAL.fullmatch(text):
        return float(text)
    if tag == _INT and _WHOLE.fullmatch(text):
        return int(text)
    if tag == _TIMESTAMP:
        return Timestamp(text)
    if tag == _MERGE:
        return _Merge(text)
    construct = _CONSTRUCT.get(tag)
    if construct is None:
        return text
    try:
        if len(text) > _MAX_NUMBER:
            raise ValueError
        return construct(text)
    except (ValueError, KeyError, IndexError, OverflowError):
        what = tag.removeprefix(_STANDARD)
        raise FormatError(f"expected a YAML {what}, got {text[:40]!r}", line=_line(event)) from None


def _constructor(name: str) -> Callable[[str], Any]:
    construct = getattr(SafeConstructor(), f"construct_yaml_{name}")
    return lambda text: construct(yaml.ScalarNode(_STANDARD + name, text))


_CONSTRUCT = {
    _INT: _constructor("int"),
    _FLOAT: _constructor("float"),
    _BOOL: _constructor("bool"),
}


class Block(str):
    """Text to be written as a literal block where YAML can hold it exactly as one."""

    __slots__ = ()


class _Dumper(_DUMPER):  # type: ignore[misc,unused-ignore]  # a class only known at runtime
    def ignore_aliases(self, data: Any) -> bool:
        return True


class _GoDumper(_Dumper):
    """Quotes and folds as Go's yaml.v3 does, so that a cassette rewritten differs in nothing."""


def _represent_block(dumper: Any, text: Block) -> Any:
    # A leading line break or blank needs an indentation hint, which readers differ about.
    literal = "\n" in text and text[0] not in "\n \t" and "\r" not in text
    return dumper.represent_scalar(_STRING, str(text), style="|" if literal else None)


def _represent_go_block(dumper: Any, text: Block) -> Any:
    return _represent_block(dumper, text) if text else _represent_go_text(dumper, text)


def _represent_go_text(dumper: Any, text: str) -> Any:
    return dumper.represent_scalar(_STRING, str(text), style=None if text else '"')


def _represent_go_binary(dumper: Any, data: bytes) -> Any:
    text = base64.b64encode(data).decode()
    lines = [text[start : start + _GO_BASE64] for start in range(0, len(text), _GO_BASE64)]
    return dumper.represent_scalar(_BINARY[0], "\n".join((*lines, "")), style="|")


def _represent_timestamp(dumper: Any, text: Timestamp) -> Any:
    return dumper.represent_scalar(_TIMESTAMP, str(text))


_Dumper.add_representer(Block, _represent_block)
_Dumper.add_representer(Timestamp, _represent_timestamp)
_GoDumper.add_representer(Block, _represent_go_block)
_GoDumper.add_representer(str, _represent_go_text)
_GoDumper.add_representer(bytes, _represent_go_binary)


def dump(value: Any, *, go: bool = False) -> bytes:
    """Plain data as YAML in UTF-8 with two spaces of indentation, keys in their order.

    `go` writes it the way Go's yaml.v3 does. Raises FormatError for a lone surrogate.
    """
    try:
        dumped: bytes = yaml.dump(
            value,
            Dumper=_GoDumper if go else _Dumper,
            encoding="utf-8",
            allow_unicode=True,
            sort_keys=False,
            default_flow_style=False,
            explicit_start=go,
            width=_WIDE,
        )
    except UnicodeEncodeError:
        raise FormatError("expected Unicode texts, got a lone surrogate: YAML has none") from None
    # An end mark that the emitter puts behind some blocks; no content stands in this column.
    return dumped.removesuffix(b"...\n") if dumped.endswith(b"\n...\n") else dumped
