"""Recordings are found in folders, opened or refused, and saved whole or not at all."""

import os
import resource
from pathlib import Path

import pytest

from tests.samples import streamed
from tokentape.errors import (
    FormatError,
    LimitError,
    RefusedError,
    RepairNeeded,
    TokenTapeError,
    UsageError,
)
from tokentape.library import Refusal, find, load, open_file, save, scope_of
from tokentape.library.files import format_for, refusal
from tokentape.limits import Limits
from tokentape.model import Tape

TAPE = Tape(exchanges=(streamed(),), writer="tests")


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("a/b.tape.jsonl", "a/b"),
        ("a/b.tape.jsonl.zst", "a/b"),
        ("test_tool[gpt-4.1].yaml", "test_tool[gpt-4.1]"),
        ("x.yaml.gz", "x"),
        ("x.har", "x"),
        ("no-suffix", "no-suffix"),
        ("v1.2", "v1.2"),
        (".json", ".json"),
        ("a/.tape.jsonl", "a/.tape"),
    ],
)
def test_a_scope_is_the_path_without_the_suffix(path: str, scope: str) -> None:
    assert scope_of(path) == scope


def test_a_folder_is_walked_in_path_order_without_following_links_out(tmp_path: Path) -> None:
    root = tmp_path / "root"
    outside = tmp_path / "outside"
    for folder in (root / "b", root / "a", root / ".git", outside):
        folder.mkdir(parents=True)
        (folder / "x.json").touch()
    (root / "b" / "out.json").symlink_to(outside / "x.json")
    (root / "b" / "in.json").symlink_to(root / "a" / "x.json")
    (root / "c").symlink_to(outside)
    (root / "d").symlink_to(root)
    (root / "e.json").symlink_to(root / "nowhere")
    found = [file.path for file in find([root])]
    below = [os.path.relpath(path, root) for path in found]
    # The link to nothing is told as unreadable when it is opened.
    assert below == ["a/x.json", "b/in.json", "b/x.json", "e.json"]
    assert [file.scope for file in find([root])] == ["a/x", "b/in", "b/x", "e"]


def test_links_in_a_circle_are_one_refused_file_each(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    save(TAPE, tmp_path / "x.tape.jsonl")
    paths = [file.path for file in find([tmp_path])]
    assert paths[-1] == f"{tmp_path}/x.tape.jsonl"
    for path in paths[:-1]:
        with pytest.raises(OSError, match="Too many levels of symbolic links"):
            open_file(path)


def test_a_folder_below_that_can_not_be_listed_is_a_refused_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A superuser may list everything, so the kernel's answer is put in its mouth.
    opened = os.open
    (tmp_path / "closed").mkdir()
    save(TAPE, tmp_path / "x.tape.jsonl")

    def refuses(path: str, flags: int, *more: int) -> int:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", refuses)
    assert [file.path for file in find([tmp_path])] == [
        f"{tmp_path}/closed",
        f"{tmp_path}/x.tape.jsonl",
    ]
    with pytest.raises(PermissionError):
        open_file(tmp_path / "closed")
    with pytest.raises(UsageError, match=r"closed can't be listed: Permission denied"):
        list(find([tmp_path / "closed"]))


def test_folders_may_be_nested_deeper_than_python_calls(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1100):
        os.mkdir("d", dir_fd=folder)
        below = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = below
    os.close(os.open("x.json", os.O_CREAT, dir_fd=folder))
    os.close(folder)
    scopes = [file.scope for file in find([tmp_path])]
    # pytest's own clearing up would call as deep.
    os.unlink(tmp_path / ("d/" * 1100) / "x.json")
    (tmp_path / "stays").touch()
    os.removedirs(tmp_path / ("d/" * 1100))
    assert scopes == ["d/" * 1100 + "x"]


def test_a_file_named_twice_is_found_once(tmp_path: Path) -> None:
    save(TAPE, tmp_path / "x.tape.jsonl")
    assert len(list(find([tmp_path, tmp_path / "x.tape.jsonl"]))) == 1


def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no such file or folder: .*nowhere"):
        list(find([tmp_path / "nowhere"]))


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(RefusedError, match="not a regular file"):
        open_file(tmp_path / "pipe.json")


def test_a_file_over_the_limit_is_an_error_that_says_both_sizes(tmp_path: Path) -> None:
    save(TAPE, tmp_path / "x.tape.jsonl")
    with pytest.raises(LimitError, match=r"at most 10 bytes, got \d+"):
        load(tmp_path / "x.tape.jsonl", limits=Limits(max_bytes=10))


def test_refusals_name_what_a_file_is() -> None:
    assert refusal("p", RefusedError("gRPC samples", "no HTTP")) == Refusal(
        "p", "gRPC samples", "no HTTP"
    )
    damaged = FormatError("expected JSON", line=3)
    assert refusal("p", damaged) == Refusal("p", "damaged", "line 3: expected JSON")
    assert refusal("p", LimitError("too deep")).what == "over the limits"
    assert refusal("p", RepairNeeded(("a", "b"))) == Refusal(
        "p", "needs repair", "a; b; open it with --repair"
    )
    assert refusal("p", PermissionError(13, "Permission denied")).why == "Permission denied"
    with pytest.raises(ZeroDivisionError):
        refusal("p", ZeroDivisionError())


@pytest.mark.parametrize("name", ["x.tape.jsonl", "x.tape.jsonl.zst"])
def test_a_tape_saved_is_the_tape_loaded(tmp_path: Path, name: str) -> None:
    save(TAPE, tmp_path / name)
    assert load(tmp_path / name) == TAPE
    first = (tmp_path / name).read_bytes()
    save(TAPE, tmp_path / name, force=True)
    assert (tmp_path / name).read_bytes() == first
    assert first[:4] == (b"\x28\xb5\x2f\xfd" if name.endswith(".zst") else b'{"to')


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.tape.jsonl", "tape"), ("a.tape.jsonl.zst", "tape"), ("a.har", "har"), ("a.sse", "sse")],
)
def test_a_name_says_its_format(name: str, format: str) -> None:
    assert format_for(name).name == format


def test_a_name_that_says_no_format_is_an_error_that_lists_them() -> None:
    with pytest.raises(UsageError, match=r"--to.*\.tape\.jsonl \(tape\)"):
        format_for("a.txt")


def test_nothing_is_overwritten_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists; pass force=True to replace it"):
        save(TAPE, path)
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == [path.name]


def test_a_destination_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be written: No such file or directory"):
        save(TAPE, tmp_path / "nowhere" / "x.tape.jsonl")


def test_a_destination_that_is_no_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.sse")
    for path in (tmp_path, tmp_path / "pipe.sse", Path(os.devnull)):
        with pytest.raises(UsageError, match="can't be written: it is not a regular file"):
            save(TAPE, path, format="sse", force=True)


def test_a_destination_that_can_not_be_looked_at_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuses)
    with pytest.raises(UsageError, match="can't be written: Permission denied"):
        save(TAPE, tmp_path / "x.tape.jsonl")


def test_a_write_that_fails_halfway_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    save(TAPE, path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(UsageError, match="can't be written: File too large"):
            save(TAPE, path, force=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_every_error_of_a_file_says_its_path(tmp_path: Path) -> None:
    path = tmp_path / "x.tape.jsonl"
    path.write_bytes(b'{"tokentape":99}\n')
    with pytest.raises(TokenTapeError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}:1: written by a newer TokenTape")
