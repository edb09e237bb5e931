"""Small recordings, one for each variant that is read, and what each must read as."""

import gzip
import json
from typing import Any, NamedTuple

from tokentape.model import Ending, Fidelity

CHAT = "https://api.example/v1/chat/completions"
ASKED = b'{"model":"m","stream":true}'
FRAME = b'data: {"object":"chat.completion.chunk"}\n\n'
DONE = b"data: [DONE]\n\n"


class Case(NamedTuple):
    """`bodies` and `requests` are those of the exchanges, in order."""

    what: str
    name: str
    data: bytes
    format: str
    bodies: tuple[bytes, ...]
    requests: tuple[tuple[str, str, bytes | None], ...]
    fidelity: Fidelity = Fidelity.BYTES
    statuses: tuple[int, ...] = (200,)
    content_type: str | None = None
    ending: Ending = Ending.COMPLETE
    note: str | None = None
    scope: str | None = None


def _yaml(text: str) -> bytes:
    return text.encode()


def go_vcr(response_body: str, *, request: str = "", response: str = "") -> bytes:
    return _yaml(f"""---
version: 2
interactions:
- id: 0
  request:
    proto: HTTP/1.1
    proto_major: 1
    proto_minor: 1
    content_length: 27
    host: ""
    body: '{ASKED.decode()}'
    headers:
      Content-Type:
      - application/json
    url: {CHAT}
    method: POST
{request}  response:
    proto: HTTP/2.0
    proto_major: 2
    proto_minor: 0
    content_length: -1
    body: {response_body}
    headers:
      Content-Type:
      - text/event-stream
    status: 200 OK
    code: 200
    duration: 785.2ms
{response}""")


def vcrpy(response: str, *, request: str = "", top: str = "version: 1\n") -> bytes:
    request = request or f"body: '{ASKED.decode()}'"
    return _yaml(f"""interactions:
- request:
    {request}
    headers:
      content-type:
      - application/json
    method: post
    uri: {CHAT}
  response:
    {response}
{top}""")


def cassetter(request: str, response: str, *, more: str = "", media: str = "text/plain") -> bytes:
    return _yaml(f"""version: 1
interactions:
- request:
    method: POST
    uri: {CHAT}
    headers: {{}}
    body: {request}
  response:
    status: 201
    headers:
      content-type:
      - {media}
    body: {response}
{more}""")


def _llama_top(request: dict[str, Any], response: dict[str, Any]) -> bytes:
    top = {"test_id": "tests/a.py::b", "request": request, "response": response}
    return (json.dumps(top | {"id_normalization_mapping": {}}, indent=2) + "\n").encode()


def llama(response: dict[str, Any], endpoint: str = "/v1/chat/completions", **body: Any) -> bytes:
    request = {
        "method": "POST",
        "url": f"http://localhost:8000/v1{endpoint}",
        "headers": {},
        "body": {"model": "m", **body},
        "endpoint": endpoint,
        "model": "m",
        "provider_metadata": {"openai_sdk_version": "2.5.0"},
    }
    return _llama_top(request, response)


def llama_http(response: dict[str, Any]) -> bytes:
    request = {
        "test_id": "tests/a.py::b",
        "url": "http://localhost:11434/v1/messages",
        "method": "POST",
        "payload": {"model": "m"},
    }
    return _llama_top(request, response)


def dump(label: str, data: Any) -> dict[str, Any]:
    return {"__type__": label, "__data__": data}


CHUNK = "openai.types.chat.chat_completion_chunk.ChatCompletionChunk"


def chunk(**delta: Any) -> dict[str, Any]:
    choices = [{"index": 0, "delta": delta, "finish_reason": None}]
    return {"id": "rec-1", "choices": choices, "object": "chat.completion.chunk"}


def har(*entries: dict[str, Any]) -> bytes:
    log = {"version": "1.2", "creator": {"name": "a browser", "version": "1"}, "pages": []}
    return json.dumps({"log": log | {"entries": list(entries)}}, indent=1).encode()


def entry(content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "startedDateTime": "2026-03-01T12:00:00.250+02:00",
        "time": 1500.5,
        "request": {
            "method": "POST",
            "url": CHAT,
            "httpVersion": "h2",
            "headers": [
                {"name": ":authority", "value": "api.example"},
                {"name": "Content-Type", "value": "application/json"},
            ],
            "queryString": [],
            "cookies": [],
            "headersSize": -1,
            "bodySize": len(ASKED),
            "postData": {"mimeType": "application/json", "text": ASKED.decode()},
        },
        "response": {
            "status": 200,
            "statusText": "",
            "httpVersion": "h2",
            "headers": [
                {"name": "content-type", "value": "text/event-stream"},
                {"name": "content-encoding", "value": "br"},
            ],
            "cookies": [],
            "content": {"size": 10, "mimeType": "text/event-stream"} | content,
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": {
            "blocked": 1.5,
            "dns": -1,
            "connect": 20,
            "ssl": 15,
            "send": 0.25,
            "wait": 300,
            "receive": 1178.75,
        },
    } | more


POSTED = (("POST", CHAT, ASKED),)
LLAMA_POSTED = (
    ("POST", "http://localhost:8000/v1/v1/chat/completions", b'{"model":"m","stream":true}'),
)
LLAMA_PLAIN = (("POST", "http://localhost:8000/v1/v1/chat/completions", b'{"model":"m"}'),)
HTTP_POSTED = (("POST", "http://localhost:11434/v1/messages", b'{"model":"m"}'),)
OK = "status: {code: 200, message: OK}"
HEADERS = "headers: {content-type: [text/event-stream]}"
BLOCK = '|+\n        data: {"object":"chat.completion.chunk"}\n\n        data: [DONE]\n\n'
GO_BLOCK = '|+\n      data: {"object":"chat.completion.chunk"}\n\n      data: [DONE]\n'

GO_VCR = [
    Case("a literal block", "a.yaml", go_vcr(GO_BLOCK), "go-vcr", (FRAME + DONE,), POSTED),
    Case(
        "double quotes with CRLF",
        "a.yaml",
        go_vcr('"data: {}\\r\\n\\r\\n"'),
        "go-vcr",
        (b"data: {}\r\n\r\n",),
        POSTED,
    ),
    Case("binary", "a.yaml", go_vcr("!!binary AAAA/w=="), "go-vcr", (b"\0\0\0\xff",), POSTED),
    Case("no body", "a.yaml", go_vcr('""'), "go-vcr", (b"",), POSTED),
    Case(
        "every key of older writers",
        "a.yaml",
        go_vcr(
            GO_BLOCK,
            request='    transfer_encoding: []\n    trailer: {}\n    remote_addr: ""\n'
            '    request_uri: ""\n    form: {}\n',
            response="    transfer_encoding:\n    - chunked\n"
            "    trailer: {}\n    uncompressed: true\n",
        ),
        "go-vcr",
        (FRAME + DONE,),
        POSTED,
    ),
    Case(
        "a listing without separator",
        "a.txt",
        b"a.yaml\n\n"
        + b"".join(
            b"%3d%s\n" % (number, line)
            for number, line in enumerate(go_vcr(GO_BLOCK).splitlines(), 1)
        ),
        "go-vcr",
        (FRAME + DONE,),
        POSTED,
        note="line numbers of a listing taken off",
    ),
]

VCRPY = [
    Case(
        "vcrpy's own",
        "a.yaml",
        vcrpy(f"body:\n      string: {BLOCK}    {HEADERS}\n    {OK}"),
        "vcrpy",
        (FRAME + DONE,),
        POSTED,
    ),
    Case(
        "without a version",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}", top=""),
        "vcrpy",
        (b"x",),
        POSTED,
    ),
    Case(
        "a binary body",
        "a.yaml",
        vcrpy(f"body: {{string: !!binary H4sIAAAA}}\n    {HEADERS}\n    {OK}"),
        "vcrpy",
        (b"\x1f\x8b\x08\0\0\0",),
        POSTED,
    ),
    Case(
        "bytes as header values",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    headers: {{content-type: [!!binary YQ==]}}\n    {OK}"),
        "vcrpy",
        (b"x",),
        POSTED,
        content_type="a",
    ),
    Case(
        "an empty aiohttp body",
        "a.yaml",
        vcrpy(f"body: {{}}\n    {HEADERS}\n    {OK}", request="body: null"),
        "vcrpy",
        (b"",),
        (("POST", CHAT, b""),),
    ),
    Case(
        "a reason left empty",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    status: {{code: 400, message: ''}}"),
        "vcrpy",
        (b"x",),
        POSTED,
        statuses=(400,),
    ),
    Case(
        "httpx before vcrpy 6",
        "a.yaml",
        vcrpy(
            "content: 'x'\n    headers: {content-type: application/json}\n"
            "    http_version: HTTP/1.1\n    status_code: 201"
        ),
        "vcrpy",
        (b"x",),
        POSTED,
        statuses=(201,),
    ),
    Case(
        "a body in Python's tags",
        "a.yaml",
        vcrpy(
            f"body: {{string: !!python/unicode 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: !!python/object/new:_io.BytesIO\n      state: !!python/tuple\n"
            "      - !!binary e30=\n      - 0\n      - null",
        ),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b"{}"),),
    ),
    Case(
        "an iterator as the body",
        "a.yaml",
        vcrpy(
            f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: !!python/object/apply:builtins.iter\n    - - !!binary e30=\n      - ab",
        ),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b"{}ab"),),
    ),
    Case(
        "parsed bodies",
        "a.yaml",
        vcrpy(
            f"parsed_body: {{a: [1, 2.5, é]}}\n    {HEADERS}\n    {OK}",
            request="parsed_body: {model: m, stream: true}",
        ),
        "vcrpy",
        (b'{"a": [1, 2.5, "\\u00e9"]}',),
        (("POST", CHAT, b'{"model": "m", "stream": true}'),),
        fidelity=Fidelity.EVENTS,
        note="response body rendered from parsed values",
    ),
    Case(
        "only the request parsed",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}", request="parsed_body: {a: 1}"),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b'{"a": 1}'),),
        note="request body rendered from parsed values",
    ),
    Case(
        "JSON",
        "a.json",
        json.dumps(
            {
                "version": 1,
                "interactions": [
                    {
                        "request": {"method": "POST", "uri": CHAT, "body": "a", "headers": {}},
                        "response": {
                            "status": {"code": 200, "message": "OK"},
                            "headers": {"content-type": ["text/plain"]},
                            "body": {"string": "b"},
                        },
                    }
                ],
            },
            indent=4,
        ).encode()
        + b"\n",
        "vcrpy",
        (b"b",),
        (("POST", CHAT, b"a"),),
    ),
    Case(
        "langchain's parallel lists, packed",
        "a.yaml.gz",
        gzip.compress(
            _yaml(f"""requests:
- {{body: a, headers: {{}}, method: POST, uri: {CHAT}}}
responses:
- {{body: {{string: b}}, headers: {{}}, status: {{code: 200, message: OK}}}}
""")
        ),
        "vcrpy",
        (b"b",),
        (("POST", CHAT, b"a"),),
    ),
    Case("no interactions", "a.yaml", b"interactions: []\nversion: 1\n", "vcrpy", (), ()),
    Case(
        "a request body under a key",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}", request="body: {string: 'é'}"),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, "é".encode()),),
    ),
    Case(
        "the object that aiohttp sends as JSON",
        "a.yaml",
        vcrpy(
            f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: {model: z, messages: [], state: é, string: 1.0}",
        ),
        "vcrpy",
        (b"x",),
        (
            (
                "POST",
                CHAT,
                b'{"model": "z", "messages": [], "state": "\\u00e9", "string": 1.0}',
            ),
        ),
        note="request body rendered from parsed values",
    ),
    Case(
        "a list that aiohttp sends as JSON",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}", request="body: [a, b]"),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b'["a", "b"]'),),
    ),
    Case(
        "objects like what pickling leaves",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}", request="body: {state: [a, 0]}"),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b'{"state": ["a", 0]}'),),
    ),
    Case(
        "an object without a content-type",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}", request="body: {}").replace(
            b"      content-type:\n      - application/json\n", b"      accept: [a]\n"
        ),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b"{}"),),
    ),
    Case(
        "a form that aiohttp sends",
        "a.yaml",
        vcrpy(
            f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: {grant: x y, to: ['é', ''], of: '&'}",
        ).replace(b"application/json", b"application/x-www-form-urlencoded"),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b"grant=x+y&to=%C3%A9&to=&of=%26"),),
        note="request body rendered from parsed values",
    ),
    Case(
        "pairs that aiohttp sends",
        "a.yaml",
        vcrpy(
            f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: [[a, '1'], [b, '2'], [a, '3']]",
        ).replace(b"application/json", b"application/x-www-form-urlencoded"),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b"a=1&b=2&a=3"),),
    ),
    Case(
        "an iterator as vcrpy pickles it",
        "a.yaml",
        vcrpy(
            f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: !!python/object/apply:builtins.iter\n"
            "      args:\n      - [ab, cd]\n      state: 0",
        ),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b"abcd"),),
    ),
    Case(
        "header values that are collections",
        "a.yaml",
        vcrpy("body: {string: 'x'}\n    headers: {content-type: {a: [é]}, b: [1, [c]]}\n    " + OK),
        "vcrpy",
        (b"x",),
        POSTED,
        content_type='{"a":["é"]}',
        note="header values that are no text given as JSON",
    ),
    Case(
        "cassetter's JSON",
        "a.yaml",
        cassetter(
            "{type: json, content: {model: z, stream: true}}",
            "{type: json, content: {a: [1, 2.5, null, é]}}",
        ),
        "vcrpy",
        (b'{"a": [1, 2.5, null, "\\u00e9"]}',),
        (("POST", CHAT, b'{"model": "z", "stream": true}'),),
        fidelity=Fidelity.EVENTS,
        statuses=(201,),
        note="response body rendered from parsed values",
    ),
    Case(
        "cassetter's texts",
        "a.yaml",
        cassetter(
            '{type: text, content: "é\\r\\n"}',
            "\n      type: text\n      content: |+\n        data: {}\n\n        data: [DONE]\n",
            media="text/event-stream",
        ),
        "vcrpy",
        (b"data: {}\n\n" + DONE,),
        (("POST", CHAT, "é\r\n".encode()),),
        statuses=(201,),
        content_type="text/event-stream",
    ),
    Case(
        "cassetter's bytes",
        "a.yaml",
        cassetter("{type: binary, content: 'ff00'}", "{type: binary, content: '00010203'}"),
        "vcrpy",
        (b"\0\1\2\3",),
        (("POST", CHAT, b"\xff\0"),),
        statuses=(201,),
    ),
    Case(
        "nothing to cassetter, beside other protocols",
        "a.yaml",
        cassetter(
            "{type: none}",
            "{type: none}",
            more="  recorded_at: 2026-01-02T03:04:05.5+02:00\n"
            "grpc_interactions:\n- {request: {method: /a.B/C}}\n"
            "ws_interactions:\n- {uri: 'wss://x/', frames: []}\n- {uri: 'wss://y/', frames: []}\n",
        ),
        "vcrpy",
        (b"",),
        (("POST", CHAT, b""),),
        statuses=(201,),
        note="2 WebSocket connections left out",
    ),
    Case(
        "cassetter's words in what aiohttp sends",
        "a.yaml",
        vcrpy(
            f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}",
            request="body: {type: text, content: z}",
        ),
        "vcrpy",
        (b"x",),
        (("POST", CHAT, b'{"type": "text", "content": "z"}'),),
    ),
    Case(
        "the words of a tag as text",
        "a.yaml",
        vcrpy(f"body: {{string: '!!python/object:x'}}\n    {HEADERS}\n    {OK}"),
        "vcrpy",
        (b"!!python/object:x",),
        POSTED,
    ),
    Case(
        "WebSocket frames beside HTTP",
        "a.yaml",
        vcrpy(f"body: {{string: 'x'}}\n    {HEADERS}\n    {OK}").replace(
            b"version: 1", b"- {kind: message, direction: sent, data: {}}\nversion: 1"
        ),
        "vcrpy",
        (b"x",),
        POSTED,
        note="1 WebSocket frames left out",
    ),
]

STREAM = {"is_streaming": True}
WHOLE = {"is_streaming": False}
FRAGMENT = {
    "index": 0,
    "id": None,
    "function": {"arguments": "{}", "name": None},
    "type": None,
}

LLAMA = [
    Case(
        "chat chunks",
        f"{'0' * 64}.json",
        llama({"body": [dump(CHUNK, chunk(content="é"))]} | STREAM, stream=True),
        "llama-stack",
        (
            'data: {"id":"rec-1","choices":[{"index":0,"delta":{"content":"é"},'
            '"finish_reason":null}],"object":"chat.completion.chunk"}\n\n'.encode()
            + DONE,
        ),
        LLAMA_POSTED,
        Fidelity.EVENTS,
        content_type="text/event-stream",
        note="response body rendered from parsed values",
        scope="tests/a.py::b",
    ),
    Case(
        "nulls in tool fragments",
        "a.json",
        llama({"body": [dump(CHUNK, chunk(content=None, tool_calls=[FRAGMENT]))]} | STREAM),
        "llama-stack",
        (
            b'data: {"id":"rec-1","choices":[{"index":0,"delta":{"content":null,"tool_calls":'
            b'[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null}],'
            b'"object":"chat.completion.chunk"}\n\n' + DONE,
        ),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "an answer in one piece",
        "a.json",
        llama(
            {"body": dump("openai.types.chat.chat_completion.ChatCompletion", {"id": "a"})} | WHOLE
        ),
        "llama-stack",
        (b'{"id":"a"}',),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        content_type="application/json",
        scope="tests/a.py::b",
    ),
    Case(
        "transport arguments",
        "a.json",
        llama({"body": {"a": 1}} | WHOLE, extra_headers={"a": "b"}, timeout=3, extra_body={"k": 1}),
        "llama-stack",
        (b'{"a":1}',),
        (("POST", LLAMA_PLAIN[0][1], b'{"model":"m","extra_body":{"k":1}}'),),
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "a list of models",
        "a.json",
        llama({"body": [dump("openai.types.model.Model", {"id": "a"})]} | WHOLE, "/v1/models"),
        "llama-stack",
        (b'{"object":"list","data":[{"id":"a"}]}',),
        (("POST", "http://localhost:8000/v1/v1/models", b'{"model":"m"}'),),
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "Ollama's own stream",
        "a.json",
        llama({"body": [dump("ollama._types.ChatResponse", {"done": True})]} | STREAM, "/api/chat"),
        "llama-stack",
        (b'{"done":true}\n',),
        (("POST", "http://localhost:8000/v1/api/chat", b'{"model":"m"}'),),
        Fidelity.EVENTS,
        content_type="application/x-ndjson",
        scope="tests/a.py::b",
    ),
    Case(
        "Gemini's chunks",
        "a.json",
        llama(
            {"body": [{"candidates": []}, {"candidates": [1]}]} | STREAM, "/generate_content_stream"
        ),
        "llama-stack",
        (b'data: {"candidates":[]}\n\ndata: {"candidates":[1]}\n\n',),
        (("POST", "http://localhost:8000/v1/generate_content_stream", b'{"model":"m"}'),),
        Fidelity.EVENTS,
        content_type="text/event-stream",
        scope="tests/a.py::b",
    ),
    Case(
        "events of the Responses API",
        "a.json",
        llama(
            {
                "body": [
                    dump("openai.types.responses.X", {"type": "response.created", "n": 0}),
                    dump("openai.types.responses.Y", {"type": "response.completed", "n": 1}),
                ]
            }
            | STREAM,
            "/v1/responses",
        ),
        "llama-stack",
        (
            b'event: response.created\ndata: {"type":"response.created","n":0}\n\n'
            b'event: response.completed\ndata: {"type":"response.completed","n":1}\n\n',
        ),
        (("POST", "http://localhost:8000/v1/v1/responses", b'{"model":"m"}'),),
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "events of the Messages API",
        "a.json",
        llama_http({"body": [{"type": "ping"}, {"type": "message_stop"}]} | STREAM),
        "llama-stack",
        (
            b'event: ping\ndata: {"type":"ping"}\n\n'
            b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        ),
        HTTP_POSTED,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "raw lines of a stream",
        "a.json",
        llama_http({"body": ["event: ping", "data: {}", ""]} | STREAM),
        "llama-stack",
        (b"event: ping\ndata: {}\n\n",),
        HTTP_POSTED,
        Fidelity.EVENTS,
        content_type="text/event-stream",
        scope="tests/a.py::b",
    ),
    Case(
        "raw lines without the blank ones",
        "a.json",
        llama_http({"body": ["event: ping", "data: {}", "event: ping", "data: {}"]} | STREAM),
        "llama-stack",
        (b"event: ping\ndata: {}\n\n" * 2,),
        HTTP_POSTED,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "raw lines that stop before the last blank one",
        "a.json",
        llama_http({"body": ["event: ping", "data: {}", "", "data: {}"]} | STREAM),
        "llama-stack",
        (b"event: ping\ndata: {}\n\ndata: {}\n\n",),
        HTTP_POSTED,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "raw lines with their ends that stop so",
        "a.json",
        llama_http({"body": ["event: ping\n", "data: {}\n", "\n", "data: \u2028{}\n"]} | STREAM),
        "llama-stack",
        ("event: ping\ndata: {}\n\ndata: \u2028{}\n\n".encode(),),
        HTTP_POSTED,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "raw lines whose last one lacks its end",
        "a.json",
        llama_http({"body": ["event: ping\n", "data: {}"]} | STREAM),
        "llama-stack",
        (b"event: ping\ndata: {}\n\n",),
        HTTP_POSTED,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "raw lines that stop before the data",
        "a.json",
        llama_http({"body": ["data: {}", "", "event: ping"]} | STREAM),
        "llama-stack",
        (b"data: {}\n\nevent: ping\n",),
        HTTP_POSTED,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "an answer without a flag",
        "a.json",
        llama({"body": {"a": 1}}),
        "llama-stack",
        (b'{"a":1}',),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "a raw HTTP answer",
        "a.json",
        llama_http({"status": 400, "body": {"error": {"message": "no"}}} | WHOLE),
        "llama-stack",
        (b'{"error":{"message":"no"}}',),
        HTTP_POSTED,
        Fidelity.EVENTS,
        statuses=(400,),
        scope="tests/a.py::b",
    ),
    Case(
        "a tool",
        "a.json",
        _llama_top(
            {"test_id": "t", "provider": "tavily", "tool_name": "web/search", "kwargs": {"q": "é"}},
            {"body": {"content": "x"}} | WHOLE,
        ),
        "llama-stack",
        (b'{"content":"x"}',),
        (("POST", "tool:///tavily/web%2Fsearch", '{"q":"é"}'.encode()),),
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "nothing but null",
        "a.json",
        llama({"body": None} | WHOLE),
        "llama-stack",
        (b"null",),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "an empty chat stream",
        "a.json",
        llama({"body": []} | STREAM),
        "llama-stack",
        (DONE,),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        scope="tests/a.py::b",
    ),
    Case(
        "an exception with its body",
        "a.json",
        llama(
            {
                "body": None,
                "is_streaming": False,
                "is_exception": True,
                "exception_data": {
                    "category": "provider_sdk",
                    "provider": "openai",
                    "type": "BadRequestError",
                    "message": "Error code: 400 - {'error': {'message': 'no'}}",
                    "status_code": 400,
                    "body": {"message": "no"},
                },
                "exception_message": "Error code: 400 - {'error': {'message': 'no'}}",
            }
        ),
        "llama-stack",
        (b'{"error":{"message":"no"}}',),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        statuses=(400,),
        note="error response rendered from the recorded exception",
        scope="tests/a.py::b",
    ),
    Case(
        "an exception with its message only",
        "a.json",
        llama(
            {
                "body": None,
                "is_streaming": False,
                "is_exception": True,
                "exception_message": "Error code: 429 - {'error': {'message': 'no', 'code': None}}",
            }
        ),
        "llama-stack",
        (b'{"error":{"message":"no","code":null}}',),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        statuses=(429,),
        scope="tests/a.py::b",
    ),
    Case(
        "an exception that tells nothing",
        "a.json",
        llama(
            {"body": None, "is_streaming": True, "is_exception": True, "exception_message": "boom"}
        ),
        "llama-stack",
        (b'{"error":{"message":"boom","type":"error","param":null,"code":null}}',),
        LLAMA_PLAIN,
        Fidelity.EVENTS,
        statuses=(500,),
        scope="tests/a.py::b",
    ),
    Case(
        "an exception after some chunks",
        "a.json",
        llama(
            {
                "body": [dump(CHUNK, {"object": "chat.completion.chunk"})],
                "is_streaming": True,
                "is_exception": True,
                "exception_data": {"category": "unknown", "message": "boom"},
                "exception_message": "boom",
            },
            stream=True,
        ),
        "llama-stack",
        (FRAME,),
        LLAMA_POSTED,
        Fidelity.EVENTS,
        ending=Ending.CUT,
        note="the stream failed: boom",
        scope="tests/a.py::b",
    ),
]

HAR = [
    Case(
        "a text",
        "a.har",
        har(entry({"text": "data: é\n\n"})),
        "har",
        ("data: é\n\n".encode(),),
        POSTED,
        content_type="text/event-stream",
    ),
    Case(
        "base64",
        "a.har",
        har(entry({"text": "AAAA/w==", "encoding": "base64"})),
        "har",
        (b"\0\0\0\xff",),
        POSTED,
    ),
    Case(
        "a body that is not there",
        "a.har",
        har(entry({})),
        "har",
        (b"",),
        POSTED,
        note="the archive does not hold the response body",
    ),
    Case(
        "a WebSocket beside it",
        "a.har",
        har(entry({"text": "x"}), entry({}, _resourceType="websocket")),
        "har",
        (b"x",),
        POSTED,
        note="1 entries with WebSocket frames left out",
    ),
    Case("no entries", "a.har", har(), "har", (), ()),
]

ASKED_REPR = "{'messages': [{'role': 'user', 'content': \"it's {\"}], 'model': 'm'}"
CHUNK_REPR = "{'id': 'a', 'object': 'chat.completion.chunk', 'choices': [{'delta': {'x': None}}]}"
CHUNK_SENT = (
    b'data: {"id":"a","object":"chat.completion.chunk","choices":[{"delta":{"x":null}}]}\n\n'
)
ASKED_SENT = b'{"messages":[{"role":"user","content":"it\'s {"}],"model":"m"}'

TRANSCRIPT = [
    Case(
        "all in one line",
        "a.txt",
        f"{ASKED_REPR}{CHUNK_REPR}Yes{{no}} 'quote{CHUNK_REPR}\n".encode(),
        "transcript",
        (CHUNK_SENT * 2 + DONE,),
        (("POST", "", ASKED_SENT),),
        Fidelity.EVENTS,
        note="14 characters printed between them left out",
    ),
    Case(
        "two calls with log lines",
        "a.log",
        f"INFO {ASKED_REPR}\nINFO {CHUNK_REPR}\nINFO {ASKED_REPR}\n{CHUNK_REPR}\n".encode(),
        "transcript",
        (CHUNK_SENT + DONE,) * 2,
        (("POST", "", ASKED_SENT),) * 2,
        Fidelity.EVENTS,
        statuses=(200, 200),
    ),
    Case(
        "chunks without a request",
        "a.txt",
        CHUNK_REPR.encode(),
        "transcript",
        (CHUNK_SENT + DONE,),
        (("POST", "", None),),
        Fidelity.EVENTS,
    ),
    Case(
        "a log that breaks off",
        "a.txt",
        (ASKED_REPR + CHUNK_REPR + CHUNK_REPR[:-5]).encode(),
        "transcript",
        (CHUNK_SENT + DONE,),
        (("POST", "", ASKED_SENT),),
        Fidelity.EVENTS,
        ending=Ending.STOPPED,
        note="the log breaks off within a repr",
    ),
]

SSE = [
    Case(
        "a stream",
        "a.sse",
        FRAME + DONE,
        "sse",
        (FRAME + DONE,),
        (("POST", "", None),),
        content_type="text/event-stream",
    ),
    Case(
        "a comment first, CRLF",
        "a.txt",
        b": hello\r\n\r\ndata: {}\r\n\r\n",
        "sse",
        (b": hello\r\n\r\ndata: {}\r\n\r\n",),
        (("POST", "", None),),
    ),
    Case(
        "a byte order mark is the body's own",
        "a.txt",
        b"\xef\xbb\xbfdata: {}\n\n",
        "sse",
        (b"\xef\xbb\xbfdata: {}\n\n",),
        (("POST", "", None),),
    ),
]

CASES = [*GO_VCR, *VCRPY, *LLAMA, *HAR, *TRANSCRIPT, *SSE]
