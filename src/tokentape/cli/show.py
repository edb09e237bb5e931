"""tokentape show: an exchange whole."""

import base64
import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from tokentape import apis, sse, view
from tokentape.cli.common import chosen, json_line, limits_options, open_one, row_of
from tokentape.library import Opened
from tokentape.limits import Limits
from tokentape.model import Exchange, Headers, Read

# Bodies are looked at and written so many bytes at a time; a multiple of three, so that base64
# needs no padding in between.
_SLICE = 3 << 15
_HELD = 1 << 16


def _bytes(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _slices(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _SLICE] for start in range(0, len(data), _SLICE))


def _texts(data: bytes) -> Iterator[str]:
    """The text of UTF-8, in pieces. Raises UnicodeDecodeError where it is none."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    yield from map(decoder.decode, _slices(data))
    decoder.decode(b"", final=True)


def _is_text(data: bytes) -> bool:
    try:
        return all(text is not None for text in _texts(data))
    except UnicodeDecodeError:
        return False


def _ms(offset_us: int | None) -> float | None:
    return None if offset_us is None else offset_us / 1000


def _events(exchange: Exchange) -> Iterator[sse.Event | apis.Decoded]:
    return apis.decoded(exchange) if apis.is_binary(exchange) else view.each_event(exchange)


def _event(event: sse.Event | apis.Decoded) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.structs.asdict(event)
    # The value of the data, which stands there as text.
    shown.pop("payload", None)
    return shown


def _json(opened: Opened, number: int) -> Iterator[str]:
    """One exchange as JSON on a line, in pieces: its row, notes, request, response, reads, events,
    what it says.

    An event has `headers` where it is a message of a binary stream, `id` where it is one of SSE.
    """
    exchange = opened.tape.exchanges[number]
    request, response = exchange.request, exchange.response
    shown: dict[str, Any] = msgspec.structs.asdict(row_of(opened, number))
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
    # The row counts events; here they stand themselves, one by one, as the reads do.
    shown["reads"] = shown["events"] = None
    shown["broken"] = apis.broken(exchange)
    shown["said"] = apis.said(exchange)
    # All before the first is written, since what is too deep can't be.
    parts: dict[str, Iterable[str]] = {name: (json_line(value),) for name, value in shown.items()}
    parts["reads"] = _array(map(_read, response.reads if response else ()))
    parts["events"] = _array((json_line(_event(event)),) for event in _events(exchange))
    before = "{"
    for name, values in parts.items():
        yield f'{before}"{name}":'
        yield from values
        before = ","
    yield "}\n"


def _array(items: Iterable[Iterable[str]]) -> Iterator[str]:
    before = "["
    for item in items:
        yield before
        yield from item
        before = ","
    yield "]" if before == "," else "[]"


def _read(read: Read) -> Iterator[str]:
    yield json_line({"offset_ms": _ms(read.offset_us), "bytes": len(read.data)})[:-1]
    if _is_text(read.data):
        yield ',"text":"'
        yield from (json_line(text)[1:-1] for text in _texts(read.data))
    else:
        yield ',"base64":"'
        yield from (base64.b64encode(part).decode("ascii") for part in _slices(read.data))
    yield '"}'


def _headers(headers: Headers) -> list[str]:
    return [f"  {name}: {value}\n" for name, value in headers]


def _body(data: bytes | None) -> Iterator[str]:
    if data is None:
        yield "  (not recorded)\n"
    elif not _is_text(data):
        yield f"  ({len(data)} bytes, not text)\n"
    else:
        yield "  "
        yield from _texts(data)
        yield "\n"


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


def _text(opened: Opened, number: int) -> Iterator[str]:
    """One exchange for a person, in pieces."""
    exchange: Exchange = opened.tape.exchanges[number]
    request, response = exchange.request, exchange.response
    # Before the first is written, since what is too deep can't be.
    said = _said(apis.said(exchange))
    yield f"{opened.path}#{number}  {opened.format} ({exchange.fidelity})  {exchange.ending}\n"
    yield from (f"note: {note}\n" for note in exchange.notes)
    yield from (f"needs repair: {repair}\n" for repair in opened.repairs)
    yield f"\n{request.method} {request.url or '(url not recorded)'}\n"
    yield from _headers(request.headers)
    yield from _body(request.body)
    if response is None:
        yield "\nno response\n"
        return
    after = "" if response.offset_us is None else f"  after {response.offset_us / 1000:.3f} ms"
    yield f"\n{response.status} {response.reason or ''}{after}\n"
    yield from _headers(response.headers)
    yield "\n"
    for read in response.reads:
        at = "" if read.offset_us is None else f" at {read.offset_us / 1000:.3f} ms"
        yield f"read of {len(read.data)} bytes{at}\n"
        yield from _body(read.data)
    # Twice over, since all those of a large body take ten times its memory.
    if count := sum(1 for _ in _events(exchange)):
        yield f"\n{count} events\n"
        for e in _events(exchange):
            yield f"  {e.start}-{e.end} {e.type or 'message'}: {e.data}\n"
    if broken := apis.broken(exchange):
        yield f"\nbroken: {broken}\n"
    yield from (f"{line}\n" for line in said)


def _write(texts: Iterator[str], *, anywhere: bool) -> None:
    """Write pieces as they come, some 64 K characters at a time.

    Not `anywhere`, only behind whole lines: click takes colours out of what goes to no terminal,
    and what sets one may stand in two pieces.
    """
    held: list[str] = []
    size = 0
    for text in texts:
        whole = len(text) if anywhere else text.rfind("\n") + 1
        if size + len(text) >= _HELD and whole:
            click.echo("".join([*held, text[:whole]]), nl=False)
            held, size, text = [], 0, text[whole:]
        held.append(text)
        size += len(text)
    if size:
        click.echo("".join(held), nl=False)


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
        texts = (_json if as_json else _text)(opened, number)
        _write(texts, anywhere=as_json)
