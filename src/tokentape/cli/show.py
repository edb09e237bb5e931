"""tokentape show: an exchange whole."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from tokentape import apis, sse, view
from tokentape.cli.common import chosen, json_line, limits_options, open_one, row_of
from tokentape.library import Opened
from tokentape.limits import Limits
from tokentape.model import Exchange, Headers


def _bytes(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _ms(offset_us: int | None) -> float | None:
    return None if offset_us is None else offset_us / 1000


def _events(exchange: Exchange) -> Iterator[sse.Event | apis.Decoded]:
    return apis.decoded(exchange) if apis.is_binary(exchange) else view.each_event(exchange)


def _event(event: sse.Event | apis.Decoded) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.structs.asdict(event)
    # The value of the data, which stands there as text.
    shown.pop("payload", None)
    return shown


def whole(opened: Opened, number: int) -> dict[str, Any]:
    """One exchange as JSON data: its row, notes, request, response, reads, events, what it says.

    An event has `headers` where it is a message of a binary stream, `id` where it is one of SSE.
    """
    exchange = opened.tape.exchanges[number]
    request, response = exchange.request, exchange.response
    shown: dict[str, Any] = msgspec.structs.asdict(row_of(opened, number))
    # The row counts events; here they stand themselves.
    shown["scope"] = exchange.scope
    shown["notes"] = [*exchange.notes]
    shown["repairs"] = [*opened.repairs]
    shown["request"] = {
        "method": request.method,
        "url": request.url,
        "http_version": request.http_version,
        "started": request.started,
        "headers": request.headers,
        "body": None if request.body is None else _bytes(request.body),
    }
    shown["response"] = response and {
        "status": response.status,
        "reason": response.reason,
        "http_version": response.http_version,
        "offset_ms": _ms(response.offset_us),
        "headers": response.headers,
    }
    shown["reads"] = [
        {"offset_ms": _ms(read.offset_us), "bytes": len(read.data)} | _bytes(read.data)
        for read in (response.reads if response else ())
    ]
    shown["events"] = [_event(event) for event in _events(exchange)]
    shown["broken"] = apis.broken(exchange)
    shown["said"] = apis.said(exchange)
    return shown


def _headers(headers: Headers) -> list[str]:
    return [f"  {name}: {value}" for name, value in headers]


def _body(data: bytes | None) -> str:
    if data is None:
        return "  (not recorded)"
    text = _bytes(data).get("text")
    return f"  ({len(data)} bytes, not text)" if text is None else f"  {text}"


def _said(said: apis.Said) -> list[str]:
    """What an answer says, a line for each part; [] where it says nothing."""
    parts: list[tuple[str, Any]] = []
    choices: tuple[apis.Said | apis.Choice, ...] = (said, *said.choices)
    for choice in choices:
        which = f" {choice.index}" if isinstance(choice, apis.Choice) else ""
        parts += [
            (f"reasoning{which}", choice.reasoning),
            (f"text{which}", choice.text),
            (f"refusal{which}", choice.refusal),
        ]
        for call in choice.tool_calls:
            name = call.name if call.id is None else f"{call.name} ({call.id})"
            parts.append((f"tool call{which}", f"{name} {call.arguments}"))
        parts.append((f"finish reason{which}", choice.finish_reason))
    parts.append(("usage", said.usage and json_line(said.usage)))
    if said.error is not None:
        error = said.error if isinstance(said.error, str) else json_line(said.error)
        parts.append(("error", error))
    lines = [f"  {name}: {value}" for name, value in parts if value]
    return ["", f"said ({said.api})", *lines] if lines else []


def _text(opened: Opened, number: int) -> str:
    exchange: Exchange = opened.tape.exchanges[number]
    request, response = exchange.request, exchange.response
    lines = [f"{opened.path}#{number}  {opened.format} ({exchange.fidelity})  {exchange.ending}"]
    lines += [f"note: {note}" for note in exchange.notes]
    lines += [f"needs repair: {repair}" for repair in opened.repairs]
    lines += ["", f"{request.method} {request.url or '(url not recorded)'}"]
    lines += [*_headers(request.headers), _body(request.body), ""]
    if response is None:
        return "\n".join([*lines, "no response"])
    after = "" if response.offset_us is None else f"  after {response.offset_us / 1000:.3f} ms"
    lines += [f"{response.status} {response.reason or ''}{after}", *_headers(response.headers), ""]
    for read in response.reads:
        at = "" if read.offset_us is None else f" at {read.offset_us / 1000:.3f} ms"
        lines += [f"read of {len(read.data)} bytes{at}", _body(read.data)]
    found = list(_events(exchange))
    if found:
        lines += ["", f"{len(found)} events"]
        lines += [f"  {e.start}-{e.end} {e.type or 'message'}: {e.data}" for e in found]
    if broken := apis.broken(exchange):
        lines += ["", f"broken: {broken}"]
    lines += _said(apis.said(exchange))
    return "\n".join(lines)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--exchange",
    "-x",
    type=int,
    metavar="N",
    help="Only exchange N, counted from 0.  [default: all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    path: Path,
    exchange: int | None,
    as_json: bool,
    limits: Limits,
) -> None:
    """Show everything in an exchange: request, response, reads, events, answer.

    PATH is a recording in any format. A refused file is reported in one line on stderr, and the
    exit code is 1.
    """
    opened = open_one(ctx, path, limits)
    for number in chosen(opened, exchange):
        if as_json:
            click.echo(json_line(whole(opened, number)))
        else:
            click.echo(_text(opened, number))
