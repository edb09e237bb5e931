"""What the replay protocol relies on inside uvicorn and httptools: fails before the server does."""

import inspect

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from tokentape.server.protocol import ReplayProtocol


def test_a_class_given_as_http_is_the_protocol() -> None:
    config = uvicorn.Config(lambda: None, http=HttpToolsProtocol, lifespan="off", log_config=None)
    config.interface = "asgi3"
    config.load()
    assert config.http_protocol_class is HttpToolsProtocol


@pytest.mark.parametrize(
    ("thing", "parameters"),
    [
        (HttpToolsProtocol.__init__, ["self", "config", "server_state", "app_state", "_loop"]),
        (HttpToolsProtocol._start_asgi_task, ["self", "cycle", "app"]),
        (HttpToolsProtocol.connection_made, ["self", "transport"]),
        (HttpToolsProtocol.connection_lost, ["self", "exc"]),
        (
            RequestResponseCycle.__init__,
            [
                "self",
                "scope",
                "transport",
                "flow",
                "logger",
                "access_logger",
                "access_log",
                "default_headers",
                "message_event",
                "expect_100_continue",
                "keep_alive",
                "on_response",
            ],
        ),
        (uvicorn.Server.main_loop, ["self"]),
        (uvicorn.Server.shutdown, ["self", "sockets"]),
        (uvicorn.Server.serve, ["self", "sockets"]),
        (uvicorn.Server.capture_signals, ["self"]),
    ],
)
def test_the_signatures_we_call_and_override(thing: object, parameters: list[str]) -> None:
    assert callable(thing)
    assert list(inspect.signature(thing).parameters) == parameters


def test_every_method_we_override_is_there() -> None:
    for name in (
        "data_received",
        "eof_received",
        "on_body",
        "on_header",
        "on_headers_complete",
        "on_message_begin",
        "on_message_complete",
        "pause_writing",
        "resume_writing",
        "shutdown",
    ):
        ours, base = getattr(ReplayProtocol, name), getattr(HttpToolsProtocol, name)
        assert ours is not base


def test_the_base_fills_what_we_read() -> None:
    source = inspect.getsource(HttpToolsProtocol)
    for name in (
        "self.app =",
        "self.loop =",
        "self.parser =",
        "self.connections =",
        "self.cycle:",
        "self.flow =",
        "self.transport =",
        "self.connections.add(self)",
        "self.connections.discard(self)",
        "self.url += url",
    ):
        assert name in source, name
    assert {"pause_reading", "resume_reading", "pause_writing", "resume_writing"} <= set(
        dir(FlowControl)
    )
    assert ServerState().default_headers == []


class Events:
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self.seen.append("begin")

    def on_headers_complete(self) -> None:
        self.seen.append("head")

    def on_message_complete(self) -> None:
        self.seen.append("end")


def test_the_parser_tells_where_an_upgrade_begins() -> None:
    events = Events()
    head = b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n"
    with pytest.raises(httptools.HttpParserUpgrade) as raised:
        events.parser.feed_data(head + b"hi")
    assert raised.value.args[0] == len(head)
    assert events.seen == ["begin", "head", "end"]


def test_the_parser_goes_on_through_pipelined_requests() -> None:
    events = Events()
    events.parser.feed_data(b"GET / HTTP/1.1\r\n\r\n" * 2)
    assert events.seen == ["begin", "head", "end"] * 2
