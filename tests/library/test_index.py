"""The library: an entry for each exchange in path order, loaded from disk when asked for."""

import os
from contextlib import closing
from pathlib import Path

import pytest

from tests.samples import streamed
from tokentape.errors import FormatError, UsageError
from tokentape.formats import tape as native
from tokentape.library import Library, TapeAppender, save
from tokentape.library import index as index_module
from tokentape.library.files import Found
from tokentape.matching import ask, body_key
from tokentape.model import Exchange, Tape
from tokentape.redact import Paths, Patterns, Redaction


def folder_of(tmp_path: Path) -> tuple[Path, dict[str, Exchange]]:
    """Two native tapes, one of them compressed, and a cassette; the exchanges by scope."""
    root = tmp_path / "tapes"
    (root / "sub").mkdir(parents=True)
    exchanges = {name: streamed(question=name) for name in ("b", "a", "c")}
    save(Tape(exchanges=(exchanges["b"],)), root / "b.tape.jsonl")
    save(Tape(exchanges=(exchanges["a"],)), root / "sub" / "a.tape.jsonl.zst")
    save(Tape(exchanges=(exchanges["c"],)), root / "c.har")
    return root, exchanges


def test_entries_tell_what_a_request_must_be(tmp_path: Path) -> None:
    root, exchanges = folder_of(tmp_path)
    (root / "notes.txt").write_text("not a recording\n")
    library = Library([root])
    assert [entry.scope for entry in library.entries] == ["b", "c", "sub/a"]
    assert [entry.number for entry in library.entries] == [0, 1, 2]
    for entry in library.entries:
        assert entry.method == "POST"
        assert entry.operation == "/chat/completions"
        assert entry.body_key == body_key(exchanges[entry.scope[-1]].request.body)
        assert entry.model == "gpt-test"
        assert entry.streaming
        assert entry.status == 200
    assert library.models() == ["gpt-test"]
    assert [os.path.basename(refused.path) for refused in library.refused] == ["notes.txt"]
    library.close()


def test_an_exchange_is_loaded_as_it_was(tmp_path: Path) -> None:
    root, exchanges = folder_of(tmp_path)
    library = Library([root])
    by_scope = {entry.scope: library.load(entry) for entry in library.entries}
    assert by_scope["b"] == exchanges["b"]
    assert by_scope["sub/a"] == exchanges["a"]
    assert by_scope["c"].body == exchanges["c"].body
    library.close()


def test_exchanges_that_ran_at_the_same_time_are_told_apart(tmp_path: Path) -> None:
    first, second = streamed(question="1"), streamed(question="2")
    lines = [list(native.exchange_lines(number, e)) for number, e in enumerate((first, second))]
    woven = [line for pair in zip(*lines, strict=True) for line in pair]
    path = tmp_path / "x.tape.jsonl"
    path.write_bytes(native.header_line(Tape()) + b"".join(woven))
    library = Library([path])
    assert [library.load(entry) for entry in library.entries] == [first, second]
    library.close()


def test_a_tape_that_changed_or_vanished_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    save(Tape(exchanges=(streamed(),)), path)
    library = Library([path])
    (entry,) = library.entries
    save(Tape(exchanges=(streamed(question="longer than before"),)), path, force=True)
    with pytest.raises(FormatError, match="changed since it was indexed") as caught:
        library.load(entry)
    assert caught.value.path == str(path)
    path.unlink()
    with pytest.raises(FormatError, match="No such file"):
        library.load(entry)
    library.close()


def test_the_index_is_kept_and_only_what_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_CACHE_FROM", 1)
    root, _ = folder_of(tmp_path)
    cache = tmp_path / "cache"
    first = Library([root], cache=cache)
    read: list[str] = []
    original = Library._index

    def counting(self: Library, found: Found) -> object:
        read.append(found.scope)
        return original(self, found)

    monkeypatch.setattr(Library, "_index", counting)
    again = Library([root], cache=cache)
    # What is spooled is never kept: no copy of a recording outlives the run.
    assert read == ["c", "sub/a"]
    assert again.entries == first.entries
    save(Tape(exchanges=(streamed(question="new"),)), root / "b.tape.jsonl", force=True)
    read.clear()
    changed = Library([root], cache=cache)
    assert "b" in read
    assert changed.entries[0] != first.entries[0]
    for library in (first, again, changed):
        library.close()


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x93\x01\x90\x80", b"\x93\x07\x90\x80"])
def test_a_damaged_index_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    monkeypatch.setattr(index_module, "_CACHE_FROM", 1)
    root, _ = folder_of(tmp_path)
    cache = tmp_path / "cache"
    first = Library([root], cache=cache)
    (kept,) = cache.iterdir()
    kept.write_bytes(damage)
    again = Library([root], cache=cache)
    assert again.entries == first.entries
    first.close()
    again.close()


def test_a_cache_that_can_not_be_written_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_CACHE_FROM", 1)
    root, _ = folder_of(tmp_path)
    (tmp_path / "file").touch()
    library = Library([root], cache=tmp_path / "file" / "below")
    assert len(library.entries) == 3
    library.close()


def test_a_path_that_is_not_there_leaves_nothing_open(tmp_path: Path) -> None:
    root, _ = folder_of(tmp_path)
    with pytest.raises(UsageError, match="no such file or folder"):
        Library([root, tmp_path / "missing"])


def test_a_tape_that_is_recorded_to_may_grow(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    save(Tape(exchanges=(streamed(),)), path)
    library = Library([tmp_path])
    (entry,) = library.entries
    library.expect_growth(tmp_path)
    with TapeAppender(path) as tape:
        start = tape.size
        number = tape.add(streamed(question="new"))
        body = streamed(question="new").request.body
        assert body is not None
        added = library.add(
            streamed(question="new"),
            ask(body),
            path=str(path),
            scope="x",
            number=number,
            span=(start, tape.size - 1),
            complete=True,
        )
    assert library.load(entry) == streamed()
    assert library.load(added) == streamed(question="new")
    assert library.entries == [entry, added]
    again = Library([tmp_path])
    assert again.entries == library.entries
    library.close()
    again.close()


def test_keys_and_operations_are_those_of_what_is_redacted(tmp_path: Path) -> None:
    exchange = streamed(question="sk-ABCDEFGHIJKLMNOPQRSTUVWX")
    redaction = Redaction()
    save(Tape(exchanges=(exchange,)), tmp_path / "x.tape.jsonl")
    with closing(Library([tmp_path], redaction=redaction)) as library:
        body = exchange.request.body
        assert body is not None
        assert library.entries[0].body_key == body_key(redaction.body(body)) != body_key(body)


def test_an_index_is_of_one_redaction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_CACHE_FROM", 1)
    root, _ = folder_of(tmp_path)
    cache = tmp_path / "cache"
    paths = [Redaction(), Redaction(paths=Paths(["$.user"])), Redaction(patterns=Patterns(()))]
    for redaction in paths:
        Library([root], cache=cache, redaction=redaction).close()
    assert len(list(cache.iterdir())) == len(paths)
