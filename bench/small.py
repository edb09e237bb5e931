"""Many small exchanges on disk: what a large test suite has recorded."""

from collections.abc import Iterator
from pathlib import Path

from bench.material import PATH, event
from tokentape.formats import tape as native
from tokentape.model import Exchange, Fidelity, Read, Request, Response, Tape

_NUMBER = "#00000000#"


def request_body(number: int) -> bytes:
    """A request of 120 bytes."""
    return (
        b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":'
        b'"Small question #%08d#, please answer"}]}' % number
    )


def exchange(number: int) -> Exchange:
    """Four events, 1.5 KB on disk: about what a unit test records."""
    body = [
        event(0, {"role": "assistant", "content": f"Small #{number:08d}#"}),
        event(0, {"content": "!"}),
        event(0, {}, "stop"),
        b"data: [DONE]\n\n",
    ]
    return Exchange(
        request=Request(url="https://api.openai.com" + PATH, body=request_body(number)),
        response=Response(
            headers=(("Content-Type", "text/event-stream"),),
            offset_us=900,
            reads=tuple(Read(data, 1_000 + k) for k, data in enumerate(body)),
        ),
        end_offset_us=1_100,
        fidelity=Fidelity.WIRE,
    )


def _tapes(count: int, in_a_file: int) -> Iterator[bytes]:
    """Tapes of small exchanges. Written once and renumbered: the writer is not what is measured."""
    first_tape = native.write(Tape(exchanges=(exchange(0),) * in_a_file))
    head, _, lines = first_tape.partition(b"\n")
    pieces = lines.split(_NUMBER.encode())
    for first in range(0, count, in_a_file):
        out = [head, b"\n"]
        for k, piece in enumerate(pieces[:-1]):
            out += [piece, b"#%08d#" % (first + k // 2)]
        out.append(pieces[-1])
        yield b"".join(out)


def write_tapes(folder: Path, count: int, in_a_file: int = 1) -> Path:
    """`count` small exchanges, 1,000 files a folder."""
    for number, data in enumerate(_tapes(count, in_a_file)):
        shelf = folder / f"{number // 1000:04d}"
        if number % 1000 == 0:
            shelf.mkdir(parents=True)
        (shelf / f"{number:08d}{native.SUFFIX}").write_bytes(data)
    return folder
