"""Streams of each API, as their documentation gives them, and what each says."""

import base64
import json
import struct
from typing import Any
from zlib import crc32

from tokentape.apis import Choice, Said, ToolCall

Payload = dict[str, Any]


def sse(*payloads: Payload | str, named: bool = False, end: str = "\n") -> bytes:
    """An event stream of these payloads, with their types as `event` fields where `named`."""
    frames = []
    for payload in payloads:
        data = payload if isinstance(payload, str) else json.dumps(payload)
        name = f"event: {payload['type']}{end}" if named and isinstance(payload, dict) else ""
        frames.append(f"{name}data: {data}{end}{end}")
    return "".join(frames).encode()


def binary(*events: tuple[str, Payload] | tuple[str, Payload, str]) -> bytes:
    """A binary event stream of these types and payloads; the third is the message type."""
    return b"".join(_message(*event) for event in events)


def _message(type: str, payload: Payload, kind: str = "event") -> bytes:
    named = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}[kind]
    headers = b""
    for name, value in ((":message-type", kind), (named, type)):
        headers += bytes([len(name)]) + name.encode() + b"\x07"
        headers += struct.pack(">H", len(value)) + value.encode()
    body = json.dumps(payload).encode()
    message = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message += struct.pack(">I", crc32(message)) + headers + body
    return message + struct.pack(">I", crc32(message))


def chunk(payload: Payload) -> tuple[str, Payload]:
    """A model's own event in a stream of InvokeModel, padded as Bedrock pads it."""
    data = base64.b64encode(json.dumps(payload).encode()).decode()
    return "chunk", {"bytes": data, "p": "abcd"}


def delta(index: int, **fields: Any) -> Payload:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def block(index: int, **fields: Any) -> Payload:
    return {"type": "content_block_start", "index": index, "content_block": fields}


MESSAGES: list[Payload] = [
    {
        "type": "message_start",
        "message": {
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "usage": {"input_tokens": 25, "output_tokens": 1, "cache_read_input_tokens": 3},
        },
    },
    block(0, type="thinking", thinking="", signature=""),
    {"type": "ping"},
    delta(0, type="thinking_delta", thinking="Two "),
    delta(0, type="thinking_delta", thinking="plus two."),
    delta(0, type="signature_delta", signature="EqQBCgIYAhIM"),
    {"type": "content_block_stop", "index": 0},
    block(1, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    delta(1, type="input_json_delta", partial_json='{"query":"2+2"}'),
    {"type": "content_block_stop", "index": 1},
    block(2, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[]),
    {"type": "content_block_stop", "index": 2},
    block(3, type="text", text=""),
    delta(3, type="text_delta", text="It is "),
    delta(3, type="citations_delta", citation={"cited_text": "4"}),
    delta(3, type="text_delta", text="4 ☃."),
    {"type": "content_block_stop", "index": 3},
    block(4, type="tool_use", id="toolu_1", name="check", input={}),
    delta(4, type="input_json_delta", partial_json=""),
    delta(4, type="input_json_delta", partial_json='{"n":'),
    delta(4, type="input_json_delta", partial_json=" 4}"),
    {"type": "content_block_stop", "index": 4},
    block(5, type="tool_use", id="toolu_2", name="done", input={}),
    {"type": "content_block_stop", "index": 5},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 89, "cache_read_input_tokens": None},
    },
    {"type": "message_stop"},
]
MESSAGE = {
    "type": "message",
    "role": "assistant",
    "content": [
        {"type": "thinking", "thinking": "Two plus two.", "signature": "EqQBCgIYAhIM"},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": 1}},
        {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
        {"type": "text", "text": "It is "},
        {"type": "text", "text": "4 ☃.", "citations": []},
        {"type": "tool_use", "id": "toolu_1", "name": "check", "input": {"n": 4}},
        {"type": "tool_use", "id": "toolu_2", "name": "done", "input": {}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 25, "output_tokens": 89, "cache_read_input_tokens": 3},
}
MESSAGES_SAID = Said(
    api="messages",
    text="It is 4 ☃.",
    reasoning="Two plus two.",
    tool_calls=(ToolCall("toolu_1", "check", '{"n": 4}'), ToolCall("toolu_2", "done", "{}")),
    finish_reason="tool_use",
    usage={"input_tokens": 25, "output_tokens": 89, "cache_read_input_tokens": 3},
)


def part(name: str, output: int, **fields: Any) -> Payload:
    return {"type": f"response.{name}", "output_index": output, **fields}


REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [
        {"type": "summary_text", "text": "**Hm** "},
        {"type": "summary_text", "text": "**Aha** "},
    ],
    "content": [{"type": "reasoning_text", "text": "2+2=4"}],
}
MESSAGE_ITEM = {
    "id": "msg_1",
    "type": "message",
    "content": [
        {"type": "output_text", "text": "It is 4."},
        {"type": "refusal", "refusal": "No 5."},
    ],
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "call_id": "call_1",
    "name": "check",
    "arguments": '{"n":4}',
}
CUSTOM = {
    "id": "ctc_1",
    "type": "custom_tool_call",
    "call_id": "call_2",
    "name": "run",
    "input": "print(4)",
}
SEARCH = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {}}
RESPONSE_USAGE = {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}
RESPONSE = {
    "object": "response",
    "status": "completed",
    "error": None,
    "output": [REASONING, SEARCH, MESSAGE_ITEM, CALL, CUSTOM],
    "usage": RESPONSE_USAGE,
}
# Without what repeats: the deltas alone, then the end.
RESPONSES_DELTAS: list[Payload] = [
    {"type": "response.created", "response": {"object": "response", "status": "in_progress"}},
    part("output_item.added", 0, item=REASONING | {"summary": [], "content": []}),
    part("reasoning_summary_text.delta", 0, summary_index=0, delta="**Hm** "),
    part("reasoning_summary_text.delta", 0, summary_index=1, delta="**Aha** "),
    part("reasoning_text.delta", 0, content_index=0, delta="2+2=4"),
    part("output_item.added", 1, item=SEARCH),
    part("web_search_call.searching", 1, item_id="ws_1"),
    part("output_item.added", 2, item=MESSAGE_ITEM | {"content": []}),
    part("content_part.added", 2, content_index=0, part={"type": "output_text", "text": ""}),
    # The parts of two items, out of order: their places tell.
    part("output_item.added", 3, item=CALL | {"arguments": ""}),
    part("output_item.added", 4, item=CUSTOM | {"input": ""}),
    part("custom_tool_call_input.delta", 4, delta="print("),
    part("function_call_arguments.delta", 3, delta='{"n":'),
    part("output_text.delta", 2, content_index=0, delta="It is "),
    part("refusal.delta", 2, content_index=1, delta="No 5."),
    part("output_text.delta", 2, content_index=0, delta="4."),
    part("custom_tool_call_input.delta", 4, delta="4)"),
    part("function_call_arguments.delta", 3, delta="4}"),
]
RESPONSES_DONE: list[Payload] = [
    part("reasoning_summary_text.done", 0, summary_index=0, text="**Hm** "),
    part("reasoning_text.done", 0, content_index=0, text="2+2=4"),
    part("output_text.done", 2, content_index=0, text="It is 4."),
    part("refusal.done", 2, content_index=1, refusal="No 5."),
    part("function_call_arguments.done", 3, arguments='{"n":4}'),
    part("custom_tool_call_input.done", 4, input="print(4)"),
    part("output_item.done", 2, item=MESSAGE_ITEM),
    part("output_item.done", 3, item=CALL),
]
RESPONSES_END: list[Payload] = [{"type": "response.completed", "response": RESPONSE}]
RESPONSES_SAID = Said(
    api="responses",
    text="It is 4.",
    reasoning="**Hm** **Aha** 2+2=4",
    refusal="No 5.",
    tool_calls=(ToolCall("call_1", "check", '{"n":4}'), ToolCall("call_2", "run", "print(4)")),
    finish_reason="completed",
    usage=RESPONSE_USAGE,
)


def candidate(*parts: Payload, finish: str | None = None, index: int = 0) -> Payload:
    found: Payload = {"content": {"role": "model", "parts": list(parts)}}
    if index:
        found["index"] = index
    if finish:
        found["finishReason"] = finish
    return found


GEMINI: list[Payload] = [
    {
        "candidates": [candidate({"text": "Two plus two.", "thought": True})],
        "usageMetadata": {"promptTokenCount": 7},
    },
    {"candidates": [candidate({"text": "It is "}), candidate({"text": "Four"}, index=1)]},
    {
        "candidates": [
            candidate(
                {"text": "4.", "thoughtSignature": "CvAE"},
                {"functionCall": {"name": "check", "args": {"n": 4}, "id": "c1"}},
                {"functionCall": {"name": "done"}},
                {"executableCode": {"code": "2+2"}},
                finish="STOP",
            )
        ]
    },
    {
        "candidates": [candidate(finish="MAX_TOKENS", index=1)],
        "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 20},
    },
]
GEMINI_SAID = Said(
    api="gemini",
    text="It is 4.",
    reasoning="Two plus two.",
    tool_calls=(ToolCall("c1", "check", '{"n":4}'), ToolCall(None, "done", "{}")),
    finish_reason="STOP",
    usage={"promptTokenCount": 7, "totalTokenCount": 20},
    choices=(Choice(index=1, text="Four", finish_reason="MAX_TOKENS"),),
)
GEMINI_SNAKE: list[Payload] = [
    {"candidates": [{"content": {"parts": [{"function_call": {"name": "f", "args": {}}}]}}]},
    {"candidates": [{"finish_reason": "STOP"}], "usage_metadata": {"total_token_count": 3}},
]
GEMINI_SNAKE_SAID = Said(
    api="gemini",
    tool_calls=(ToolCall(None, "f", "{}"),),
    finish_reason="STOP",
    usage={"total_token_count": 3},
)
GEMINI_BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"n": 1}}


def at(index: int, **fields: Any) -> Payload:
    return {"contentBlockIndex": index, **fields}


CONVERSE: list[tuple[str, Payload]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", at(0, delta={"reasoningContent": {"text": "Two plus two."}})),
    ("contentBlockDelta", at(0, delta={"reasoningContent": {"signature": "x"}})),
    ("contentBlockStop", at(0)),
    ("contentBlockDelta", at(1, delta={"text": "It is "})),
    ("contentBlockDelta", at(1, delta={"text": "4."})),
    ("contentBlockStop", at(1)),
    ("contentBlockStart", at(2, start={"toolUse": {"toolUseId": "t1", "name": "check"}})),
    ("contentBlockDelta", at(2, delta={"toolUse": {"input": '{"n":'}})),
    ("contentBlockDelta", at(2, delta={"toolUse": {"input": "4}"}})),
    ("contentBlockStop", at(2)),
    (
        "contentBlockStart",
        at(3, start={"toolUse": {"toolUseId": "t2", "name": "own", "type": "server_tool_use"}}),
    ),
    ("contentBlockDelta", at(3, delta={"toolUse": {"input": "{}"}})),
    ("messageStop", {"stopReason": "tool_use"}),
    ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 5}, "metrics": {"latencyMs": 7}}),
]
CONVERSE_ANSWER = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "Two plus two."}}},
                {"text": "It is "},
                {"citationsContent": {"content": [{"text": "4."}], "citations": []}},
                {"toolUse": {"toolUseId": "t1", "name": "check", "input": {"n": 4}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": {"inputTokens": 3, "outputTokens": 5},
}
CONVERSE_SAID = Said(
    api="bedrock",
    text="It is 4.",
    reasoning="Two plus two.",
    tool_calls=(ToolCall("t1", "check", '{"n":4}'),),
    finish_reason="tool_use",
    usage={"inputTokens": 3, "outputTokens": 5},
)

CHAT: list[Payload] = [
    {"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning": "Hm.", "content": ""}}]},
    {"choices": [{"index": 1, "delta": {"content": "Four"}, "finish_reason": "stop"}]},
    {"choices": [{"index": 0, "delta": {"content": "It is 4.", "refusal": "No 5."}}]},
    {
        "choices": [
            {
                "index": 0,
                "delta": {
                    "tool_calls": [
                        {"index": 0, "id": "c1", "function": {"name": "check", "arguments": "{"}}
                    ]
                },
            }
        ]
    },
    {
        "choices": [
            {
                "index": 0,
                "delta": {"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]},
                "finish_reason": "tool_calls",
            }
        ]
    },
    {"choices": [], "usage": {"prompt_tokens": 1}},
]
CHAT_ANSWER = {
    "object": "chat.completion",
    "choices": [
        {
            "index": 0,
            "message": {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                    {"type": "text", "text": "It is 4."},
                ],
                "refusal": "No 5.",
                "tool_calls": [{"id": "c1", "function": {"name": "check", "arguments": {}}}],
            },
            "finish_reason": "tool_calls",
        },
        {"index": 1, "message": {"content": "Four"}, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 1},
}
CHAT_SAID = Said(
    api="chat.completions",
    text="It is 4.",
    reasoning="Hm.",
    refusal="No 5.",
    tool_calls=(ToolCall("c1", "check", "{}"),),
    finish_reason="tool_calls",
    usage={"prompt_tokens": 1},
    choices=(Choice(index=1, text="Four", finish_reason="stop"),),
)
