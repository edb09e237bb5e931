"""What differs between two exchanges: what was asked, what was said, how long it took."""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from tokentape import apis, view
from tokentape.apis import Said
from tokentape.chat.payloads import parse_json
from tokentape.differences.values import Kind, differing
from tokentape.errors import TokenTapeError
from tokentape.measure import timing
from tokentape.model import Exchange, Fidelity

Where = Literal[
    "exchange",
    "method",
    "operation",
    "request",
    "status",
    "ending",
    "text",
    "reasoning",
    "refusal",
    "tool_calls",
    "finish_reason",
    "usage",
    "error",
    "choices",
    "body",
    "timing",
]
# Of the measures of `tokentape.timing`, those that are one number.
TIMES = ("ttft_us", "tpot_us", "end_to_end_us")
# So many places of one exchange are told.
MOST = 1000


class Change(msgspec.Struct, frozen=True):
    """One thing that differs. `a` and `b` are JSON values, None where there is nothing.

    `where` is the part of the exchange, `path` a JSON path in it ("$" is all of it): in the JSON of
    the request body, of the usage, of the list of tool calls. A path is that in `b`, of what is
    only in `a` that in `a`. `exchange` is an exchange that has no other to compare it with.
    """

    where: Where
    path: str
    kind: Kind
    a: Any = None
    b: Any = None


def changes(a: Exchange, b: Exchange) -> Iterator[Change]:
    """What differs between two exchanges, but for times; see docs/diff.md for what counts."""
    if a.request.url and b.request.url:
        yield from _one("method", a.request.method, b.request.method)
        yield from _one("operation", view.operation_of(a), view.operation_of(b))
    if a.request.body is not None and b.request.body is not None:
        yield from _values("request", _json(a.request.body), _json(b.request.body))
    yield from _one("status", _status(a), _status(b))
    yield from _one("ending", a.ending.value, b.ending.value)
    first, second = apis.said(a), apis.said(b)
    if _silent(a, first) and _silent(b, second):
        yield from _values("body", _body(a), _body(b))
        return
    yield from _one("text", first.text or None, second.text or None)
    yield from _one("reasoning", first.reasoning or None, second.reasoning or None)
    yield from _one("refusal", first.refusal or None, second.refusal or None)
    yield from _values("tool_calls", _calls(first), _calls(second))
    yield from _one("finish_reason", first.finish_reason, second.finish_reason)
    yield from _values("usage", first.usage, second.usage)
    yield from _values("error", first.error, second.error)
    yield from _values("choices", _choices(first), _choices(second))


def times(a: Exchange, b: Exchange) -> Iterator[Change]:
    """How the times of two exchanges differ, in microseconds; none where one knows no times."""
    if a.fidelity is not Fidelity.WIRE or b.fidelity is not Fidelity.WIRE:
        return
    first, second = timing(a), timing(b)
    for name in TIMES:
        before, after = getattr(first, name), getattr(second, name)
        if before is not None and after is not None and before != after:
            yield Change("timing", f"$.{name}", "changed", before, after)


def apart(change: Change) -> float:
    """How far apart two times are, as a part of the larger one."""
    return float(abs(change.a - change.b) / max(abs(change.a), abs(change.b)))


def _one(where: Where, a: Any, b: Any) -> Iterator[Change]:
    if a != b:
        kind: Kind = "added" if a is None else "removed" if b is None else "changed"
        yield Change(where, "$", kind, a, b)


def _values(where: Where, a: Any, b: Any) -> Iterator[Change]:
    if a is None or b is None:
        yield from _one(where, a, b)
        return
    for at in differing(a, b):
        yield Change(where, at.path, at.kind, at.a, at.b)


def _json(body: bytes) -> Any:
    """The JSON of these bytes, else their text; None where there are none."""
    value = parse_json(body)
    return body.decode("utf-8", "backslashreplace") or None if value is None else value


def _body(exchange: Exchange) -> Any:
    try:
        return _json(view.decoded_body(exchange))
    except TokenTapeError:
        return _json(exchange.body)


def _status(exchange: Exchange) -> int | None:
    return exchange.response.status if exchange.response is not None else None


def _silent(exchange: Exchange, said: Said) -> bool:
    """Whether an answer is none we know how to read: then what stands in it is compared.

    A stream of an API we know that says nothing says nothing.
    """
    if said.api in apis.NAMES and view.is_streaming(exchange):
        return False
    return said == Said(api=said.api, usage=said.usage)


def _calls(said: Said | apis.Choice) -> list[dict[str, Any]]:
    """Tool calls without their ids, which are new every time; arguments as JSON where they are."""
    return [{"name": call.name, "arguments": _arguments(call)} for call in said.tool_calls]


def _arguments(call: apis.ToolCall) -> Any:
    value = parse_json(call.arguments)
    return value if isinstance(value, dict | list) else call.arguments


def _choices(said: Said) -> list[dict[str, Any]]:
    return [
        msgspec.structs.asdict(choice) | {"tool_calls": _calls(choice)} for choice in said.choices
    ]
