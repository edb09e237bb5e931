"""Measures how fast a stream becomes a completion, beside openai-python and JSON alone."""

import json
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from statistics import median
from time import process_time
from typing import Any

import msgspec

from bench.install import NotRun
from bench.machine import cores
from tokentape.chat.assemble import Assembler, assemble
from tokentape.chat.payloads import NotJson, stream_payloads
from tokentape.library import load
from tokentape.linting import Finding, Linter
from tokentape.model import Fidelity, Request

TOKENTAPE = "TokenTape: events, chunks, completion"
LINTED = "TokenTape: the same, with lint on top"
JSON = "msgspec.json.decode of the payloads alone"
STATE = "openai-python: decoder, models, ChatCompletionStreamState"
DELTAS = "openai-python: decoder, models, accumulate_delta"

CHUNKS = 500
_LEAST_S = 0.05
_SEED = 4
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Stream:
    """One stream: its bytes, the JSON texts in them, and the request that it answers."""

    title: str
    body: bytes
    texts: tuple[bytes, ...]
    request: Request


@dataclass(frozen=True)
class Assembling:
    """What each way took for one stream, in CPU seconds (medians)."""

    title: str
    size: int
    chunks: int
    seconds: dict[str, float]

    def mb_s(self, name: str) -> float:
        return self.size / 1e6 / self.seconds[name]

    def times(self, name: str, ours: str = TOKENTAPE) -> float:
        """How many times as fast as this way ours is."""
        return self.seconds[name] / self.seconds[ours]


def _chunk(random: random.Random, delta: Any, finish: str | None = None, **more: Any) -> Any:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {
        "id": "chatcmpl-BOc1HM1wtsD3SFj7CIdZHs4LjWiIc",
        "object": "chat.completion.chunk",
        "created": 1745205719,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_0392822090",
        "choices": [choice],
        "usage": None,
        "obfuscation": "".join(random.choices(_LETTERS, k=random.randint(1, 12))),
    } | more


def made() -> Stream:
    """A seeded stream with what OpenAI's have today: usage asked for, obfuscation, a token each."""
    chance = random.Random(_SEED)
    words = ("the", "tape", "plays", "back", "what", "was", "said", "and", "waits", "for", "it")
    usage = {"prompt_tokens": 19, "completion_tokens": CHUNKS, "total_tokens": 19 + CHUNKS}
    chunks = [
        _chunk(chance, {"role": "assistant", "content": "", "refusal": None}),
        *(_chunk(chance, {"content": f" {chance.choice(words)}"}) for _ in range(CHUNKS)),
        _chunk(chance, {}, "stop"),
        _chunk(chance, {}, choices=[], usage=usage),
    ]
    texts = tuple(json.dumps(chunk, separators=(",", ":")).encode() for chunk in chunks)
    body = b"".join(b"data: %s\n\n" % text for text in (*texts, b"[DONE]"))
    asked = {"model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True}}
    request = Request(
        url="https://api.openai.com/v1/chat/completions", body=msgspec.json.encode(asked)
    )
    return Stream(f"{len(texts)} chunks like OpenAI's", body, texts, request)


def recorded() -> Stream:
    """A real stream of OpenAI: the second answer of a bundled tape."""
    with as_file(files("tokentape") / "tapes" / "tool-call.tape.jsonl") as path:
        exchange = load(path).exchanges[1]
    body = exchange.body
    texts = tuple(
        frame.removeprefix(b"data: ")
        for frame in body.split(b"\n\n")
        if frame.startswith(b"data: {")
    )
    title = f"{len(texts)} chunks of OpenAI, as recorded"
    return Stream(title, body, texts, exchange.request)


def ours(body: bytes) -> dict[str, Any]:
    return assemble(stream_payloads(body))


def linted(stream: Stream) -> tuple[dict[str, Any], list[Finding]]:
    """The completion and the findings, of one decoding."""
    assembler = Assembler()
    linter = Linter(stream.request, fidelity=Fidelity.BYTES, chunks=assembler.feed)
    linter.feed(stream.body)
    linter.end()
    return assembler.completion(), linter.findings()


def _theirs() -> dict[str, Callable[[bytes], str]]:
    """openai-python's ways from bytes to what the first choice says. Raises NotRun."""
    try:
        from openai._models import construct_type
        from openai._streaming import SSEDecoder
        from openai.lib.streaming._deltas import accumulate_delta
        from openai.lib.streaming.chat import ChatCompletionStreamState
        from openai.types.chat import ChatCompletionChunk
    except ImportError as why:
        raise NotRun(f"openai-python is missing: {why}") from None

    def parsed(body: bytes) -> Iterable[Any]:
        for event in SSEDecoder().iter_bytes(iter([body])):
            if event.data.startswith("[DONE]"):
                return
            yield construct_type(type_=ChatCompletionChunk, value=event.json())

    def state(body: bytes) -> str:
        found: ChatCompletionStreamState[None] = ChatCompletionStreamState()
        for chunk in parsed(body):
            found.handle_chunk(chunk)
        return found.get_final_completion().choices[0].message.content or ""

    def deltas(body: bytes) -> str:
        message: dict[object, object] = {}
        for chunk in parsed(body):
            for choice in chunk.choices:
                message = accumulate_delta(message, choice.delta.to_dict())
        return str(message["content"])

    return {STATE: state, DELTAS: deltas}


def _ways(stream: Stream) -> dict[str, Callable[[], object]]:
    """Every way to be timed, checked first: all of them must say the same. Raises NotRun."""
    theirs = _theirs()
    said = ours(stream.body)["choices"][0]["message"]["content"]
    values = [value for value in stream_payloads(stream.body) if type(value) is not NotJson]
    if values != [msgspec.json.decode(text) for text in stream.texts]:
        raise RuntimeError(f"{stream.title}: the payloads are not those of the stream")
    for name, way in theirs.items():
        if way(stream.body) != said:
            raise RuntimeError(f"{stream.title}: {name} says something else")
    completion, findings = linted(stream)
    if completion != ours(stream.body) or any(found.rule != "REQ805" for found in findings):
        raise RuntimeError(f"{stream.title}: linted it is another one, or not clean: {findings}")
    decode = msgspec.json.decode

    def json_alone() -> None:
        for text in stream.texts:
            decode(text)

    return {
        TOKENTAPE: lambda: ours(stream.body),
        LINTED: lambda: linted(stream),
        JSON: json_alone,
        **{name: partial(way, stream.body) for name, way in theirs.items()},
    }


def _medians(ways: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """CPU seconds of each, in turn on the servers' core, each often enough to be measured."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cores()[0]})
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    try:
        often = {name: max(1, round(_LEAST_S / _timed(way, 1))) for name, way in ways.items()}
        for _ in range(runs):
            for name, way in ways.items():
                seconds[name].append(_timed(way, often[name]))
    finally:
        os.sched_setaffinity(0, allowed)
    return {name: median(taken) for name, taken in seconds.items()}


def _timed(way: Callable[[], object], times: int) -> float:
    """CPU seconds of one go: what else runs on the machine does not count."""
    began = process_time()
    for _ in range(times):
        way()
    return (process_time() - began) / times


def measure(runs: int) -> list[Assembling]:
    """Every stream by every way, `runs` times. Raises NotRun."""
    return [
        Assembling(stream.title, len(stream.body), len(stream.texts), _medians(_ways(stream), runs))
        for stream in (made(), recorded())
    ]
