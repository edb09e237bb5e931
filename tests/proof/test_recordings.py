"""Every recording at hand opens or is refused by name, and replays byte for byte."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.server.raw import Answered, Raw, request
from tokentape import sse, view
from tokentape.library import Entry, Library, find
from tokentape.model import Exchange, Fidelity
from tokentape.testing import replay

# What the sample holds that is no HTTP recording, and the name each is refused by.
REFUSED = {
    "README.md": "text, not a recording",
    "test_tool_choice_matrix[required-xai].xai.yaml": "gRPC samples",
    "test_text_tool_round_parity[xai-pinned].yaml": "WebSocket frames",
}


@pytest.fixture(scope="module")
def library(shared: Path) -> Iterator[Library]:
    with closing(Library([shared / "recordings"])) as library:
        yield library


def test_every_file_is_opened_or_refused_by_name(shared: Path, library: Library) -> None:
    files = {found.path for found in find([shared / "recordings"])}
    opened = {entry.path for entry in library.entries}
    refused = {refusal.path: refusal.what for refusal in library.refused}
    assert len(files) > 150
    assert opened | set(refused) == files
    assert not opened & set(refused)
    assert {Path(path).name: what for path, what in refused.items()} == REFUSED


def ask(client: Raw, entry: Entry, exchange: Exchange) -> Answered:
    where = urlsplit(exchange.request.url)
    target = where.path or "/"
    client.send(
        request(
            exchange.request.body or b"",
            f"x-tokentape-scope: {entry.scope}",
            path=f"{target}?{where.query}" if where.query else target,
            method=exchange.request.method.upper(),
        )
    )
    return client.answer(head_only=exchange.request.method.upper() == "HEAD")


def writes(exchange: Exchange) -> list[bytes]:
    """The writes an answer must come in: its reads, else its frames, else the body."""
    if exchange.fidelity is Fidelity.WIRE and exchange.response is not None:
        return [read.data for read in exchange.response.reads]
    if view.is_event_stream(exchange):
        return sse.frames(exchange.body)
    return [exchange.body] if exchange.body else []


def test_every_exchange_replays_byte_for_byte(library: Library) -> None:
    streams = 0
    with replay(library) as server, Raw(server.base_url) as client:
        for entry in library.entries:
            exchange = library.load(entry)
            assert exchange.response is not None
            answer = ask(client, entry, exchange)
            where = f"{entry.path}#{entry.exchange}"
            assert (answer.status, where) == (exchange.response.status, where)
            assert answer.body == exchange.body, where
            assert [chunk for chunk in answer.chunks if chunk] == writes(exchange), where
            assert answer.whole, where
            streams += view.is_event_stream(exchange)
        journal = server.journal()
    assert streams > 80
    assert all(row["exchange"] is not None for row in journal)
