"""Settings: the nearest source wins, each says where it came from, contradictions are said."""

import os
from math import inf
from pathlib import Path
from typing import Any

import pytest

from tokentape import config
from tokentape.errors import UsageError
from tokentape.model import Headers
from tokentape.server import Settings

FILE = """
mode = "record"
port = 9000
tapes = "tapes"
redact = ["$.user"]
keep_header = ["x-mine"]

[upstream]
openai = "https://api.openai.com/v1"
local = "http://127.0.0.1:8000/v1"

[upstream_key]
openai = "MY_KEY"

[[patterns]]
name = "ours"
begin = "tt-"
chars = "a-z"
least = 4
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokentape.toml"
    path.write_text(FILE)
    return path


def test_the_nearest_source_wins_and_is_told(file: Path) -> None:
    environment = {"TOKENTAPE_PORT": "9001", "TOKENTAPE_SPEED": "max"}
    found = config.resolve({"port": 9002, "mode": None}, environment=environment, file=file)
    told = {name: (value.value, value.origin) for name, value in found.items()}
    assert told["port"] == (9002, "--port")
    assert told["speed"] == (inf, "TOKENTAPE_SPEED")
    assert told["mode"] == ("record", str(file))
    assert told["host"] == ("127.0.0.1", "default")
    assert told["upstream"][0] == {
        "openai": "https://api.openai.com/v1",
        "local": "http://127.0.0.1:8000/v1",
    }


@pytest.mark.parametrize(
    ("flag", "variable", "wanted", "origin"),
    [
        (None, None, True, "default"),
        (False, "yes", False, "--no-synthesise"),
        (True, "no", True, "--synthesise"),
        (None, "no", False, "TOKENTAPE_SYNTHESISE"),
        (None, "True", True, "TOKENTAPE_SYNTHESISE"),
    ],
)
def test_a_setting_that_is_true_or_false(
    flag: bool | None, variable: str | None, wanted: bool, origin: str
) -> None:
    environment = {} if variable is None else {"TOKENTAPE_SYNTHESISE": variable}
    values = config.resolve({"synthesise": flag}, environment=environment)
    assert (values["synthesise"].value, values["synthesise"].origin) == (wanted, origin)
    assert config.settings(values, environment).synthesise is wanted
    with pytest.raises(UsageError, match="expected true or false, got 'perhaps'"):
        config.resolve({}, environment={"TOKENTAPE_SYNTHESISE": "perhaps"})


def test_the_settings_are_what_was_resolved(file: Path) -> None:
    environment = {"MY_KEY": "sk-ABCDEFGHIJKLMNOPQRST"}
    values = config.resolve({}, environment=environment, file=file)
    found = config.settings(values, environment)
    assert (found.mode, found.port, found.tapes) == ("record", 9000, "tapes")
    assert [(u.name, u.url, u.key) for u in found.upstreams] == [
        ("openai", "https://api.openai.com/v1", "sk-ABCDEFGHIJKLMNOPQRST"),
        ("local", "http://127.0.0.1:8000/v1", None),
    ]
    assert "sk-ABC" not in repr(found.upstreams)
    headers: Headers = (("X-Mine", "1"), ("X-Other", "1"))
    assert found.redaction.headers(headers) == headers[:1]
    assert found.redaction.body(b'{"user":"me","key":"tt-abcdef"}') == (
        b'{"user":"REDACTED","key":"tt-REDACTED"}'
    )


def test_the_file_of_the_working_folder_is_read(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    assert config.resolve({}, environment={})["port"].origin == "tokentape.toml"
    monkeypatch.chdir("/")
    assert config.resolve({}, environment={})["port"].origin == "default"


BAD: list[tuple[str, dict[str, Any], dict[str, str], str]] = [
    ("an unknown mode", {"mode": "play"}, {}, "mode (from --mode): expected one of replay"),
    ("a port out of range", {}, {"TOKENTAPE_PORT": "70000"}, "from TOKENTAPE_PORT): expected a"),
    ("a port that is no number", {"port": "x"}, {}, "expected a number from 0 to 65535"),
    ("half a port", {"port": 1.5}, {}, "expected a whole number"),
    ("a speed of 0", {"speed": "0"}, {}, "speed (from --speed)"),
    ("a URL without a scheme", {"upstream": ["api.openai.com"]}, {}, "begins with http://"),
    ("a URL without a host", {"upstream": ["http:///v1"]}, {}, "begins with http://"),
    ("a name that is taken", {"upstream": ["v1=http://h"]}, {}, "is not v1 or _tape"),
    ("a name that is none", {"upstream": ["a b=http://h"]}, {}, "expected a name of letters"),
    ("a name twice", {"upstream": ["a=http://h", "a=http://i"]}, {}, "got 'a' twice"),
    ("two without a name", {"upstream": ["http://h", "http://i"]}, {}, "'default' twice"),
    ("a mode without upstream", {"mode": "record", "tapes": "t"}, {}, "needs an upstream"),
    ("a mode without tapes", {"mode": "auto", "upstream": ["http://h"]}, {}, "--tapes DIR"),
    ("a key of nobody", {"upstream_key": ["x=KEY"]}, {}, "no upstream of that name; there is none"),
    (
        "a key that is not set",
        {"upstream": ["http://h"], "upstream_key": ["default=NO_KEY"]},
        {},
        "the variable NO_KEY is not set",
    ),
    ("a key without a name", {"upstream_key": ["KEY"]}, {}, "expected NAME=VALUE"),
    ("a path that is none", {"redact": ["user"]}, {}, "--redact user"),
]


@pytest.mark.parametrize(
    ("flags", "environment", "says"), [b[1:] for b in BAD], ids=[b[0] for b in BAD]
)
def test_what_is_wrong_is_said_with_where_it_came_from(
    flags: dict[str, Any], environment: dict[str, str], says: str, tmp_path: Path
) -> None:
    nothing = tmp_path / "empty.toml"
    nothing.touch()
    with pytest.raises(UsageError) as caught:
        config.settings(config.resolve(flags, environment=environment, file=nothing), environment)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mode = ", "expected TOML"),
        ("modus = 1", "unknown setting modus; known are mode"),
        ("mode = 1", "expected one of"),
        ("redact = 1", "expected a list of texts"),
        ("redact = [1]", "expected a text, got 1"),
        ("port = true", "expected a number"),
        ("[[patterns]]\nname = 1", "patterns"),
    ],
)
def test_a_bad_file_is_said(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        config.resolve({}, environment={}, file=path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        config.resolve({}, environment={}, file=tmp_path / "nowhere.toml")


def test_the_defaults_are_those_of_python_s_settings() -> None:
    found = config.settings(config.resolve({}, environment={}, file=Path(os.devnull)), {})
    settings = Settings()
    for name in Settings.__struct_fields__:
        if name != "redaction":
            assert getattr(found, name) == getattr(settings, name), name
    limits = {"TOKENTAPE_MAX_BODY": "1000", "TOKENTAPE_MAX_CONNECTIONS": "7"}
    found = config.settings(config.resolve({}, environment=limits), limits)
    assert (found.max_body, found.max_connections) == (1000, 7)
