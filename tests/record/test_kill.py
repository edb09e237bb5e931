"""kill -9 at any moment: the tape opens, has what the client had, and is appended to."""

import random
from pathlib import Path

import pytest

from tests.record.recording import process, recorded, recorder
from tests.record.upstream import Connection, at_once, chunked, head, upstream
from tests.server.raw import Raw
from tests.server.tapes import asked, stream
from tokentape.model import Ending

KILLS = 50
READS = stream(*(f"piece {n} é" for n in range(12)))
SSE = head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
END = b"0\r\n\r\n"


def kill_at(folder: Path, moment: random.Random, url: str, go: "object") -> tuple[int, bool]:
    """Kill a recorder when a client has some bytes of the answer: whole reads it had."""
    assert callable(go)
    wire = [chunked(read) for read in READS]
    whole = moment.randrange(len(wire) + 1)
    part = moment.randrange(len(wire[whole])) if whole < len(wire) else 0
    with process(folder, url) as (server, base_url), Raw(base_url) as client:
        client.post(asked())
        while client.file.readline() != b"\r\n":
            pass
        for piece in wire[:whole]:
            go()
            assert client.file.read(len(piece)) == piece
        if part:
            go()
            assert client.file.read(part)
        server.kill()
        server.wait()
    return whole, bool(part)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kill_loses_at_most_the_read_in_flight(tmp_path: Path, seed: int) -> None:
    async def script(connection: Connection) -> None:
        await connection.request()
        await connection.send(SSE)
        for read in READS:
            await connection.go()
            await connection.send(chunked(read))
        await connection.gone()

    with upstream(script) as up:
        whole, part = kill_at(tmp_path, random.Random(seed), up.url, up.go)
    tape = tmp_path / "default.tape.jsonl"
    # The read in flight: the one the client had a part of, else the last it had.
    least = whole if part else whole - 1
    if not tape.exists():
        assert least < 1
        return
    found = recorded(tmp_path)
    assert len(found) == 1 or least < 1
    for exchange in found:
        assert exchange.ending is Ending.STOPPED
        reads = [r.data for r in exchange.response.reads] if exchange.response else []
        assert reads == READS[: len(reads)]
        assert len(reads) >= least
    before = tape.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    with (
        upstream(at_once(SSE + chunked(b"data: new\n\n") + END)) as up,
        recorder(tmp_path, up.url) as server,
        Raw(server.base_url) as client,
    ):
        client.post(asked())
        assert client.answer().whole
    assert tape.read_bytes().startswith(kept)
    *older, last = recorded(tmp_path)
    assert tuple(older) == found
    assert last.body == b"data: new\n\n"
    assert last.ending is Ending.COMPLETE
