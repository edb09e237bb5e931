"""The real and real-looking input that damage begins from."""

import json
from pathlib import Path
from typing import Any, TypeVar

import tokentape
from tests.apis import cases as apis
from tests.formats.cases import CASES
from tokentape import view
from tokentape.chat.split import split

T = TypeVar("T")

_TAPES = sorted((Path(tokentape.__file__).parent / "tapes").glob("*.tape.jsonl"))
_KEPT = 8  # payloads of a real stream, from each end: the middle is more of the same


class Seeds(list[T]):
    """A list that is not written out where a strategy made of it is."""

    def __repr__(self) -> str:
        return f"<{len(self)} seeds>"


def _ends(payloads: list[Any]) -> list[Any]:
    return payloads[:_KEPT] + payloads[_KEPT:][-_KEPT:]


_EXCHANGES = [exchange for path in _TAPES for exchange in tokentape.load(path).exchanges]
TAPES = [path.read_bytes() for path in _TAPES]
RICH = {
    "id": "c-1",
    "object": "chat.completion",
    "created": 7,
    "model": "m",
    "x_groq": {"id": "req"},
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hé 😀",
                "refusal": "No no",
                "reasoning": "One two",
                "reasoning_content": "One two",
                "reasoning_details": [{"type": "reasoning.text", "text": "One", "index": 0}],
                "annotations": [{"type": "url_citation", "url_citation": {"url": "http://x"}}],
                "audio": {"id": "a", "data": "AAAA", "transcript": "a b", "expires_at": 9},
                "function_call": {"name": "f", "arguments": "{}"},
                "tool_calls": [
                    {"id": "t", "type": "function", "function": {"name": "f", "arguments": "{} "}}
                ],
            },
            "logprobs": {
                "content": [
                    {"token": "H", "bytes": [72], "logprob": -1.0, "top_logprobs": []},
                    {"token": "\\xc3", "bytes": [195], "logprob": -1.0},
                    {"token": "\\xa9 ", "bytes": [169, 32], "logprob": -1.0},
                    {"token": "😀", "bytes": None, "logprob": -1.0},
                ],
                "refusal": None,
            },
            "finish_reason": "stop",
            "content_filter_results": {"hate": {"filtered": False}},
        },
        {
            "index": 1,
            "message": {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                    {"type": "text", "text": "Yes"},
                ],
            },
            "finish_reason": "length",
        },
    ],
    "usage": {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
        "completion_tokens_details": {"reasoning_tokens": 1},
        "cost": 0.1,
    },
}
_TOP = {"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
_CALLS = [
    {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"a"'}},
    {"index": 0, "id": "a", "type": None, "function": {"name": "f", "arguments": ": 1}"}},
    {"id": "b", "function": {"name": "g", "arguments": {"a": 1}}},
    {"function": {"arguments": "}"}},
]
_UNLIKE_OPENAI = [
    {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": [{}]},
    *(
        _TOP | {"choices": [{"index": 0, "delta": {"role": "assistant", "tool_calls": [call]}}]}
        for call in _CALLS
    ),
    _TOP | {"choices": [{"index": 0, "delta": {"content": [{"type": "text", "text": "a"}]}}]},
    _TOP | {"choices": [{"index": 0, "delta": {"content": "b"}, "obfuscation": "x"}]},
    _TOP | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"a": 1}},
    {"error": {"message": "overloaded", "code": 503}},
]
_LEGACY = [
    {"object": "text_completion", "id": "x", "choices": [{"text": "a", "index": 0}]},
    {"object": "text_completion", "id": "x", "choices": [{"text": "b", "finish_reason": "stop"}]},
]
# Streams of chat completion chunks, as their payloads.
CHAT: Seeds[list[Any]] = Seeds(
    [
        *(_ends(list(view.payloads(exchange))) for exchange in _EXCHANGES),
        split(RICH, include_usage=True),
        _UNLIKE_OPENAI,
        apis.CHAT,
        _LEGACY,
    ]
)
# Those of other APIs.
OTHERS: Seeds[list[Any]] = Seeds(
    [
        apis.MESSAGES,
        [*apis.RESPONSES_DELTAS, *apis.RESPONSES_DONE, *apis.RESPONSES_END],
        apis.GEMINI,
        apis.GEMINI_SNAKE,
        [payload for _, payload in apis.CONVERSE],
    ]
)
# Answers that are one document.
ANSWERS: Seeds[list[Any]] = Seeds(
    [
        [RICH],
        [apis.CHAT_ANSWER],
        [apis.MESSAGE],
        [apis.RESPONSE],
        [apis.GEMINI],
        [apis.GEMINI_BLOCKED],
        [apis.CONVERSE_ANSWER],
        [{"error": {"message": "no such model", "code": 404}}],
    ]
)
BINARY = Seeds(
    [
        apis.binary(*apis.CONVERSE),
        apis.binary(*(apis.chunk(payload) for payload in apis.MESSAGES)),
        apis.binary(("modelStreamErrorException", {"message": "x"}, "exception")),
    ]
)
# The types of events in a binary stream.
EVENTS = sorted({"chunk", "", *(type for type, _ in apis.CONVERSE)})
ASKED: Seeds[list[Any]] = Seeds(
    [
        [
            {
                "model": "m",
                "messages": [{"role": "user", "content": "Are you working?"}],
                "stream": True,
                "stream_options": {"include_usage": True},
                "n": 2,
                "logprobs": True,
                "max_tokens": 5,
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
            }
        ]
    ]
)
REQUESTS = Seeds([json.dumps(ASKED[0][0]).encode(), b"", b'{"model": "m"}'])
STREAMS = Seeds([exchange.body for exchange in _EXCHANGES])
FILES = [(case.data, case.name) for case in CASES] + [
    (data, path.name) for data, path in zip(TAPES, _TAPES, strict=True)
]
