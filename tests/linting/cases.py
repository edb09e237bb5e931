"""The rules' cases as data: cases/<CODE>.yaml, with `pass` and `fail` lists.

A case has `stream` (items in one body), `reads` ([ms, item, times...] each) or `json` (a document)
or is `empty` (no body), and
may have `request` (fields over a plain one; null: not recorded), `url`, `status`, `headers`,
`fidelity`, `ending`, `coded` (gzip: whole, damaged). One that fails may say `event`, `json_path`,
`byte`, `count` and a part of the `message` of the finding; without `event` it is about the whole
stream.

An item is the name of a usual chunk (`role`, `text`, `stop`, `usage`, `call`, `done`), `sse` text,
`base64` bytes, an `error`, or a chunk: `delta` and `finish` of choice 0, or `choices`; fields at
the `top`; fields it is `without`.
"""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import yaml

from tokentape.model import Ending, Exchange, Fidelity, Read, Request, Response

FOLDER = Path(__file__).parent / "cases"
URL = "https://api.example.com/v1/chat/completions"
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{"}}
CHUNKS: dict[str, dict[str, Any]] = {
    "role": {"delta": {"role": "assistant"}},
    "text": {"delta": {"content": "Yes"}},
    "stop": {"delta": {}, "finish": "stop"},
    "usage": {"top": {"choices": [], "usage": USAGE}},
    "call": {"delta": {"tool_calls": [CALL]}},
}


def load(path: Path) -> dict[str, list[dict[str, Any]]]:
    loaded: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text("utf-8"))
    assert set(loaded) == {"pass", "fail"}, path
    return loaded


def _whole(fields: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": "m"} | fields


def frame(item: Any) -> bytes:
    """The bytes of one item."""
    if item == "done":
        return b"data: [DONE]\n\n"
    if isinstance(item, str):
        item = CHUNKS[item]
    if "sse" in item:
        return str(item["sse"]).encode()
    if "base64" in item:
        return base64.b64decode(item["base64"])
    if "error" in item:
        return b"data: " + json.dumps(item).encode() + b"\n\n"
    choice = {"index": 0, "delta": item.get("delta"), "finish_reason": item.get("finish")}
    fields = {"choices": item.get("choices", [choice])} | item.get("top", {})
    chunk = _whole(fields, "chat.completion.chunk")
    for name in item.get("without", ()):
        del chunk[name]
    # Escapes are decoded by no SSE reader: characters beyond ASCII go as they are.
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def _read(read: list[Any]) -> Read:
    frames: list[bytes] = []
    for item in read[1:]:
        if isinstance(item, int):
            frames += frames[-1:] * (item - 1)
        else:
            frames.append(frame(item))
    return Read(b"".join(frames), read[0] * 1000)


def _coded(body: bytes, case: dict[str, Any]) -> bytes:
    packed = gzip.compress(body, mtime=0)
    damaged = packed[:10] + b"\xff" * 20
    return {None: body, "whole": packed, "damaged": damaged}[case.get("coded")]


def exchange(case: dict[str, Any]) -> Exchange:
    """The exchange of a case."""
    fields = case.get("request", {})
    asked = {"model": "m", "stream": "json" not in case, "messages": []}
    url = case.get("url", URL)
    request = Request(url="", body=None)
    if fields is not None:
        request = Request(url=url, body=json.dumps(asked | fields).encode())
    kind = "text/event-stream"
    if "json" in case:
        document = case["json"]
        if isinstance(document, dict) and "error" not in document:
            document = _whole(document, "chat.completion") | document
            document = {k: v for k, v in document.items() if k not in case.get("without", ())}
        body = json.dumps(document).encode()
        kind = "application/json"
        reads: tuple[Read, ...] = (Read(_coded(body, case)),)
    elif "empty" in case:
        kind = "application/json"
        reads = ()
    elif "reads" in case:
        reads = tuple(map(_read, case["reads"]))
    else:
        body = b"".join(map(frame, case["stream"]))
        reads = (Read(_coded(body, case)),)
    return Exchange(
        request=request,
        response=Response(
            status=case.get("status", 200),
            headers=tuple(case.get("headers", {"Content-Type": kind}).items()),
            reads=reads,
        ),
        ending=Ending(case.get("ending", "complete")),
        fidelity=Fidelity(case.get("fidelity", "wire" if "reads" in case else "bytes")),
    )
