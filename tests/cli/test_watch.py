"""What the operator sees of exchanges that are forwarded."""

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.record.upstream import at_once, head, upstream
from tests.samples import DONE, chunk
from tokentape.cli import watch as watch_module
from tokentape.cli.watch import LiveWatch, Watch
from tokentape.model import Ending
from tokentape.server import Begun
from tokentape.server.observer import folded


def begun(model: str) -> Begun:
    return Begun(method="POST", target="/v1/x", model=model, upstream="openai")


def console() -> Console:
    return Console(file=io.StringIO(), width=200, force_terminal=False)


def text(watch: Watch) -> str:
    assert isinstance(watch._lines, Console)
    assert isinstance(watch._lines.file, io.StringIO)
    return watch._lines.file.getvalue()


def test_a_stream_is_told_when_it_ended() -> None:
    watch = Watch(console())
    watch.began(0, begun("gpt-test"))
    watch.responded(0, status=200, streaming=True, coding="", offset_us=100)
    watch.read(0, chunk(role="assistant"), 150_000)
    watch.read(0, chunk("a")[:20], 200_000)
    watch.read(0, chunk("a")[20:] + chunk("b"), 250_000)
    watch.read(0, chunk("c"), 450_000)
    watch.read(0, DONE, 460_000)
    watch.ended(0, ending=Ending.COMPLETE, offset_us=470_000, note=None)
    assert text(watch) == (
        "#0  openai  default  gpt-test  200  250 ms  3 tok  10 tok/s  complete after 470 ms\n"
    )
    assert not watch.running


def event(type: str, **more: Any) -> bytes:
    return f"event: {type}\ndata: {json.dumps({'type': type, **more})}\n\n".encode()


def said(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}]}}]}


# Three events of text, the first at the third read; what follows brings nothing new.
SPOKEN = {
    "responses": [
        event("response.created", response={"status": "in_progress", "output": []}),
        event("response.content_part.added", output_index=0, content_index=0),
        *(
            event("response.output_text.delta", output_index=0, content_index=0, delta=delta)
            for delta in "abc"
        ),
        event("response.output_text.done", output_index=0, content_index=0, text="abc"),
    ],
    "messages": [
        event("message_start", message={"content": []}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(
            event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
            for text in "abc"
        ),
        event("message_stop"),
    ],
    "gemini": [
        b'data: {"candidates": [{"content": {"parts": []}}]}\n\n',
        b": a comment\n\n",
        *(f"data: {json.dumps(said(text))}\n\n".encode() for text in "abc"),
        b'data: {"candidates": [{"finishReason": "STOP"}]}\n\n',
    ],
}


@pytest.mark.parametrize("reads", SPOKEN.values(), ids=list(SPOKEN))
def test_streams_of_every_api_are_counted(reads: list[bytes]) -> None:
    watch = Watch(console())
    watch.began(1, begun("m"))
    watch.responded(1, status=200, streaming=True, coding="", offset_us=100)
    for number, data in enumerate(reads):
        watch.read(1, data, number * 100_000)
    watch.ended(1, ending=Ending.COMPLETE, offset_us=500_000, note=None)
    assert "  200  200 ms  3 tok  7 tok/s  complete" in text(watch)


def test_a_stream_that_adds_up_to_much_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "_MOST_FOLDED", 1000)
    watch = Watch(console())
    watch.began(1, begun("m"))
    watch.responded(1, status=200, streaming=True, coding="", offset_us=100)
    first = watch.running[1]
    folds = set()
    for _ in range(100):
        watch.read(1, SPOKEN["responses"][2], 1)
        folds.add(first.fold)
    assert first.tokens == 100
    assert len(folds) > 5


def test_a_stream_that_is_not_understood_has_no_count() -> None:
    watch = Watch(console())
    for number, events in enumerate((3, 1000)):
        watch.began(number, begun("m"))
        watch.responded(number, status=200, streaming=True, coding="", offset_us=100)
        watch.read(number, b"data: {}\n\n" * events, 1000)
        watch.read(number, SPOKEN["messages"][2] * (events > 16), 1000)
        watch.ended(number, ending=Ending.COMPLETE, offset_us=1000, note=None)
    for line in text(watch).splitlines():
        assert "  200  -  -  -  complete" in line


def test_a_coded_stream_is_counted_while_it_can_be_decoded() -> None:
    watch = Watch(console())
    packed = gzip.compress(chunk("a") + chunk("b") + DONE)
    damaged = packed[:12] + b"\xff" * 20
    for number, data in enumerate((packed, damaged)):
        watch.began(number, begun("gpt-test"))
        watch.responded(number, status=200, streaming=True, coding="gzip", offset_us=100)
        for at in range(len(data)):
            watch.read(number, data[at : at + 1], 1000)
        watch.ended(number, ending=Ending.COMPLETE, offset_us=2000, note=None)
    counted, given_up = text(watch).splitlines()
    assert "  1 ms  2 tok  " in counted
    assert "  -  32 B  " in given_up


def test_a_document_and_a_failure_are_told() -> None:
    watch = Watch(console())
    watch.began(1, begun(""))
    watch.responded(1, status=404, streaming=False, coding="", offset_us=100)
    watch.read(1, b"{}", 200)
    watch.ended(1, ending=Ending.COMPLETE, offset_us=1000, note=None)
    watch.began(2, begun("m"))
    watch.ended(2, ending=Ending.CUT, offset_us=1000, note="upstream unreachable: refused")
    watch.trouble("the disk is full")
    assert text(watch).splitlines() == [
        "#1  openai  default  POST /v1/x  404  -  2 B  -  complete after 1 ms",
        "#2  openai  default  m  -  -  0 B  -  cut by the server after 1 ms  "
        "upstream unreachable: refused",
        "tokentape: the disk is full",
    ]


def test_what_was_not_recorded_is_told_the_more_on_a_line_the_more_there_are() -> None:
    watch = Watch(console())
    for number in (3, *range(5, 1000)):
        watch.unrecorded(number)
    lines = text(watch).splitlines()
    assert lines[:3] == ["#3  not recorded", "#5  not recorded", "#6  not recorded"]
    assert "#54-#55  not recorded" in lines
    assert len(lines) < 250


def test_record_tells_what_was_not_recorded_and_ends_as_its_command_does(tmp_path: Path) -> None:
    (tmp_path / "default.tape.jsonl").write_text("notes of mine")
    ask = (
        "import os, urllib.request as r;"
        "[r.urlopen(os.environ['OPENAI_BASE_URL'] + '/x').read() for _ in range(3)]; exit(7)"
    )
    with upstream(at_once(head("Content-Length: 2") + b"{}")) as up:
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "tokentape",
                "record",
                tmp_path,
                "--",
                sys.executable,
                "-c",
                ask,
            ],
            env=os.environ | {"OPENAI_BASE_URL": up.url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 7
    lines = ran.stderr.splitlines()
    assert {f"#{number}  not recorded" for number in (1, 2, 3)} < set(lines)
    assert lines[-1] == "tokentape: 3 of 3 exchanges were not recorded: #1-#3"


def test_numbers_in_a_row_are_told_as_one() -> None:
    assert folded([]) == ""
    assert folded([19, 4, 5, 3, 7, 8]) == "#3-#5, #7-#8, #19"
    assert folded(range(1, 100, 2), most=2) == "#1, #3, …"


def test_what_was_not_begun_is_passed_over() -> None:
    watch = Watch(console())
    watch.responded(9, status=200, streaming=True, coding="", offset_us=1)
    watch.read(9, b"x", 1)
    watch.ended(9, ending=Ending.COMPLETE, offset_us=1, note=None)
    assert text(watch) == ""


def test_a_terminal_shows_what_still_runs() -> None:
    terminal = Console(file=io.StringIO(), width=120, force_terminal=True)
    with LiveWatch(terminal, terminal) as watch:
        watch.began(0, begun("gpt-test[/b]"))
        watch.responded(0, status=200, streaming=True, coding="", offset_us=100)
        watch.read(0, chunk("a"), 250_000)
        watch._live.refresh()
        assert "gpt-test[/b]" in text(watch)
        assert "1 tok" in text(watch)
        watch.ended(0, ending=Ending.COMPLETE, offset_us=470_000, note=None)
    assert "complete after 470 ms" in text(watch)
