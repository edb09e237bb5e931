"""What show and play tell of answers of every API."""

import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.apis import cases
from tests.cli.test_commands import rows, run
from tests.samples import DONE, chunk, streamed
from tokentape.cli.show import command as show_command
from tokentape.library import load, save
from tokentape.model import Exchange, Fidelity, Read, Request, Response, Tape

BINARY = "application/vnd.amazon.eventstream"


def tape(path: Path, *bodies: bytes, type: str, url: str, **headers: str) -> Path:
    """A tape of one exchange of fidelity wire, its reads a millisecond apart."""
    exchange = Exchange(
        request=Request(url=f"https://h{url}", body=b"{}"),
        response=Response(
            headers=(("Content-Type", type), *headers.items()),
            reads=tuple(Read(body, 1000 * n) for n, body in enumerate(bodies, 1)),
        ),
        fidelity=Fidelity.WIRE,
    )
    save(Tape(exchanges=(exchange,)), path / "x.tape.jsonl")
    return path / "x.tape.jsonl"


def test_show_tells_the_events_of_a_binary_stream_and_what_it_says(tmp_path: Path) -> None:
    body = cases.binary(*map(cases.chunk, cases.MESSAGES))
    path = tape(tmp_path, body[:100], body[100:], type=BINARY, url="/model/m/invoke")
    (shown,) = rows(run("show", path, "--json"))
    said = msgspec.structs.replace(cases.MESSAGES_SAID, api="bedrock")
    assert shown["said"] == msgspec.json.decode(msgspec.json.encode(said))
    assert shown["broken"] is None
    assert [msgspec.json.decode(event["data"]) for event in shown["events"]] == cases.MESSAGES
    assert shown["events"][0]["headers"] == {":message-type": "event", ":event-type": "chunk"}
    plain = run("show", path).stdout
    assert f"\n{len(cases.MESSAGES)} events\n  0-" in plain
    assert 'chunk: {"type": "ping"}' in plain
    assert plain.endswith(
        "\nsaid (bedrock)\n"
        "  reasoning: Two plus two.\n"
        "  text: It is 4 ☃.\n"
        '  tool call: check (toolu_1) {"n": 4}\n'
        "  tool call: done (toolu_2) {}\n"
        "  finish reason: tool_use\n"
        '  usage: {"input_tokens":25,"output_tokens":89,"cache_read_input_tokens":3}\n'
    )


def test_show_tells_what_is_broken_in_a_binary_stream(tmp_path: Path) -> None:
    body = cases.binary(*cases.CONVERSE)
    path = tape(tmp_path, body[:-1], type=BINARY, url="/model/m/converse-stream")
    (shown,) = rows(run("show", path, "--json"))
    assert "it was cut" in shown["broken"]
    assert len(shown["events"]) == len(cases.CONVERSE) - 1
    assert "\nbroken: expected a whole message" in run("show", path).stdout


LARGE = "".join(
    f'data: {{"choices":[{{"index":0,"delta":{{"content":"{letter * 70_001}"}}}}]}}\n\n'
    for letter in ("é", "☃", "😀")
)
# Longer than what is written at once, and cut inside a character.
LARGE_BODIES = (LARGE.encode(), b"\xff\xfe" * 100_001)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What show writes of a large body, write by write."""
    path = tape(tmp_path, *LARGE_BODIES, type="text/event-stream", url="/chat/completions")

    def show(*words: str) -> list[str]:
        found: list[str] = []
        with monkeypatch.context() as patched:
            patched.setattr("click.echo", lambda text, nl: found.append(text))
            show_command.main([*words, str(path)], standalone_mode=False)
        assert max(map(len, found)) < len("".join(found)) / 3
        return found

    return show


def test_show_writes_a_large_body_as_it_goes(written: Callable[..., list[str]]) -> None:
    found = written()
    assert all(part.endswith("\n") for part in found)
    told = "".join(found)
    assert f" at 1.000 ms\n  {LARGE}\nread of 200002 bytes at 2.000 ms\n" in told
    assert "\n  (200002 bytes, not text)\n\n3 events\n  0-" in told


def test_show_writes_the_json_of_a_large_body_as_it_goes(
    written: Callable[..., list[str]],
) -> None:
    shown = json.loads("".join(written("--json")))
    text, other = shown["reads"]
    assert text == {"offset_ms": 1.0, "bytes": len(LARGE_BODIES[0]), "text": LARGE}
    assert base64.b64decode(other.pop("base64")) == LARGE_BODIES[1]
    assert other == {"offset_ms": 2.0, "bytes": len(LARGE_BODIES[1])}
    assert [f"data: {event['data']}" for event in shown["events"]] == LARGE.split("\n\n")[:-1]


def test_show_tells_each_choice_and_the_error(tmp_path: Path) -> None:
    body = cases.sse(*cases.CHAT, {"error": {"code": 1}})
    path = tape(tmp_path, body, type="text/event-stream", url="/v1/chat/completions")
    said = run("show", path).stdout.partition("said (")[2].splitlines()
    assert said == [
        "chat.completions)",
        "  reasoning: Hm.",
        "  text: It is 4.",
        "  refusal: No 5.",
        "  tool call: check (c1) {}",
        "  finish reason: tool_calls",
        "  text 1: Four",
        "  finish reason 1: stop",
        '  usage: {"prompt_tokens":1}',
        '  error: {"code":1}',
    ]


def test_show_prints_half_a_character(tmp_path: Path) -> None:
    body = rb'data: {"choices":[],"error":"\ud83d"}' + b"\n\n"
    path = tape(tmp_path, body, type="text/event-stream", url="/v1/chat/completions")
    assert rows(run("show", path, "--json"))[0]["said"]["error"] == "\ud83d"


GEMINI = [cases.GEMINI[0], {"candidates": cases.GEMINI[1]["candidates"][:1]}, cases.GEMINI[2]]
GEMINI.append({"usageMetadata": cases.GEMINI[3]["usageMetadata"]})
PLAYED = [
    (
        cases.sse(*cases.MESSAGES, named=True),
        "text/event-stream",
        "/v1/messages",
        'reasoning: Two plus two.\nanswer: It is 4 ☃.\ntool call: check {"n": 4}\n'
        "tool call: done {}\nfinish reason: tool_use\nusage: 25 input, 89 output\n",
    ),
    (
        cases.binary(*cases.CONVERSE),
        BINARY,
        "/model/m/converse-stream",
        'reasoning: Two plus two.\nanswer: It is 4.\ntool call: check {"n":4}\n'
        "finish reason: tool_use\nusage: 3 input, 5 output\n",
    ),
    (
        cases.sse(*GEMINI, end="\r\n"),
        "text/event-stream",
        "/v1beta/models/gemini:streamGenerateContent",
        'reasoning: Two plus two.\nanswer: It is 4.\ntool call: check {"n":4}\n'
        "tool call: done {}\nfinish reason: STOP\nusage: 7 prompt, 20 total\n",
    ),
    (
        cases.sse(*cases.RESPONSES_DELTAS[7:9], *cases.RESPONSES_END),
        "text/event-stream",
        "/v1/responses",
        "reasoning: **Hm** **Aha** 2+2=4\nanswer: It is 4.\nrefusal: No 5.\n"
        'tool call: check {"n":4}\ntool call: run print(4)\n'
        "finish reason: completed\nusage: 9 input, 5 output, 14 total\n",
    ),
    (
        cases.binary(*cases.CONVERSE[:6])[:-1],
        BINARY,
        "/model/m/converse-stream",
        "reasoning: Two plus two.\nanswer: It is \n",
    ),
    (
        cases.binary(*cases.CONVERSE[:5]) + bytes(20),
        BINARY,
        "/model/m/converse-stream",
        "reasoning: Two plus two.\nanswer: It is \n"
        "broken: expected the CRC 0x6522df69 of a message's two lengths at byte 607, got "
        "0x00000000: damaged, or no vnd.amazon.eventstream\n",
    ),
]


@pytest.mark.parametrize(("body", "type", "url", "told"), PLAYED)
def test_play_tells_every_api(tmp_path: Path, body: bytes, type: str, url: str, told: str) -> None:
    path = tape(tmp_path, body[:50], body[50:], type=type, url=url)
    played = run("play", path, "--speed", "max").stdout
    assert " ".join(played.split("\n", 1)[1].split()) == " ".join(told.split())


@pytest.mark.parametrize("coding", ["gzip", "gzip, identity"])
def test_play_undoes_a_coding_as_it_comes(tmp_path: Path, coding: str) -> None:
    body = gzip.compress(chunk("Yes") + DONE)
    headers = {"Content-Encoding": coding}
    path = tape(
        tmp_path, body[:9], body[9:], type="text/event-stream", url="/chat/completions", **headers
    )
    assert run("play", path).stdout.endswith("\nanswer: Yes\n")


def test_play_says_where_a_coding_is_damaged(tmp_path: Path) -> None:
    body = gzip.compress(chunk("Yes") + DONE)
    headers = {"Content-Encoding": "gzip"}
    path = tape(
        tmp_path, body[:12], b"\xff" * 9, type="text/event-stream", url="/v1/messages", **headers
    )
    assert "broken: expected compressed data" in run("play", path).stdout
    (damaged,) = load(path).exchanges
    known = msgspec.structs.replace(damaged, fidelity=Fidelity.BYTES)
    assert damaged.response is not None
    once = msgspec.structs.replace(damaged.response, reads=(Read(damaged.body),))
    save(
        Tape(exchanges=(msgspec.structs.replace(known, response=once),)), tmp_path / "y.tape.jsonl"
    )
    assert "broken: expected compressed data" in run("play", tmp_path / "y.tape.jsonl").stdout
    assert "damaged" in rows(run("show", path, "--json"))[0]["broken"]


def test_what_show_says_of_a_stream_that_is_whole(tmp_path: Path) -> None:
    save(Tape(exchanges=(streamed(),)), tmp_path / "x.tape.jsonl")
    (shown,) = rows(run("show", tmp_path / "x.tape.jsonl", "--json"))
    assert shown["said"]["text"] == "Yes"
    assert list(shown["events"][0]) == ["data", "type", "id", "start", "end"]
