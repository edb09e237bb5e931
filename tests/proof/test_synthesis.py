"""Every recorded chat completion, asked for the other way: it says the same."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.samples import as_served
from tests.seeds import SEEDS
from tests.server.raw import Answered, Raw
from tokentape import sse, view
from tokentape.chat.assemble import assemble
from tokentape.chat.split import split
from tokentape.completions import assembled
from tokentape.library import Entry, Library
from tokentape.model import Exchange
from tokentape.testing import replay


@pytest.fixture(scope="module")
def library(shared: Path) -> Iterator[Library]:
    with closing(Library([shared / "recordings", *SEEDS.values()])) as library:
        yield library


def chats(library: Library) -> Iterator[tuple[Entry, Exchange, dict[str, Any]]]:
    """The answered chat completions that know their request, and what that asked."""
    for entry in library.entries:
        if entry.operation == "/chat/completions" and entry.options >= 0 and entry.status == 200:
            exchange = library.load(entry)
            yield entry, exchange, view.request_json(exchange)


def ask(client: Raw, entry: Entry, body: dict[str, Any]) -> Answered:
    client.post(json.dumps(body).encode(), f"x-tokentape-scope: {entry.scope}")
    return client.answer()


def said(answer: Answered) -> dict[str, Any]:
    return assemble(view.parse_json(event.data) for event in sse.events([answer.body]))


def test_streams_come_as_json_and_json_as_streams(library: Library) -> None:
    known = {(entry.path, entry.exchange): entry for entry in library.entries}
    served: Counter[str | None] = Counter()
    with replay(library) as server, Raw(server.base_url) as client:
        for entry, exchange, body in chats(library):
            if entry.streaming:
                body = {name: body[name] for name in body if name != "stream"}
            else:
                body |= {"stream": True, "stream_options": {"include_usage": True}}
            answer = ask(client, entry, body)
            if answer.status != 200:
                assert assembled(exchange).partial, (entry.path, entry.exchange)
                continue
            made = answer.header("x-tokentape-synthesised")
            served[made] += 1
            if made is None:
                # It was recorded that way, too.
                continue
            row = server.journal()[-1]
            assert row["says"] == f"synthesised: {made}"
            found = known[row["path"], row["exchange"]]
            recorded = assembled(library.load(found)).completion
            assert recorded is not None
            if entry.streaming:
                assert json.loads(answer.body) == as_served(recorded), entry.path
            else:
                assert said(answer) == assemble(split(recorded, include_usage=True)), entry.path
    assert served["assembled from a stream"] > 50
    assert served["split from a JSON answer"] > 30


def test_usage_comes_when_it_is_asked_for(library: Library) -> None:
    changed: Counter[str | None] = Counter()
    with replay(library) as server, Raw(server.base_url) as client:
        for entry, exchange, body in chats(library):
            wanted = entry.streaming and assembled(exchange).completion
            if not wanted:
                continue
            usage = not entry.options & 1
            body |= {"stream": True, "stream_options": {"include_usage": usage}}
            answer = ask(client, entry, body)
            made = answer.header("x-tokentape-synthesised")
            changed[made] += 1
            assert answer.status == 200
            if made is None:
                assert answer.body == exchange.body, entry.path
                continue
            found = said(answer)
            assert found["choices"] == wanted["choices"], entry.path
            assert found.get("usage") == (wanted["usage"] if usage else None), entry.path
    assert changed["usage dropped"] > 20
    assert sum(changed.values()) > 80
