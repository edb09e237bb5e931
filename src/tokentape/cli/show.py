"""tokentape show: an exchange whole."""

import base64
from pathlib import Path
from typing import Any

import click
import msgspec

from tokentape import view
from tokentape.cli.common import chosen, limits_options, open_one, row_of
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


def whole(opened: Opened, number: int) -> dict[str, Any]:
    """One exchange as JSON data: its row, then request, response, reads, events and notes."""
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
    shown["events"] = [msgspec.structs.asdict(event) for event in view.events(exchange)]
    return shown


def _headers(headers: Headers) -> list[str]:
    return [f"  {name}: {value}" for name, value in headers]


def _body(data: bytes | None) -> str:
    if data is None:
        return "  (not recorded)"
    text = _bytes(data).get("text")
    return f"  ({len(data)} bytes, not text)" if text is None else f"  {text}"


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
    found = view.events(exchange)
    if found:
        lines += ["", f"{len(found)} events"]
        lines += [f"  {e.start}-{e.end} {e.type or 'message'}: {e.data}" for e in found]
    return "\n".join(lines)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--exchange", "-x", type=int, help="Only this one, 0-based; all without it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@limits_options
@click.pass_context
def command(
    ctx: click.Context,
    path: Path,
    exchange: int | None,
    as_json: bool,
    max_bytes: int,
    max_depth: int,
) -> None:
    """Show an exchange whole: request, reads with offsets, events.

    A file that is refused is one line on stderr, and the exit code is 1.
    """
    opened = open_one(ctx, path, Limits(max_bytes=max_bytes, max_depth=max_depth))
    for number in chosen(opened, exchange):
        if as_json:
            click.echo(msgspec.json.encode(whole(opened, number)).decode())
        else:
            click.echo(_text(opened, number))
