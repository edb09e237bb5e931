"""Settings from flags, environment and tokentape.toml, resolved once, with where each came from."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from tokentape.errors import UsageError
from tokentape.linting import DEFAULT_THRESHOLDS, Thresholds
from tokentape.matching import Exhausted
from tokentape.measure import Rates, price_table
from tokentape.pacing import parse_speed
from tokentape.redact import DEFAULT_PATTERNS, Paths, Pattern, Patterns, Redaction
from tokentape.server import Mode, Settings, Upstream

FILE = "tokentape.toml"
DEFAULT_UPSTREAM = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# These beginnings of a path are the server's own.
_TAKEN = ("v1", "_tape")


class Value(msgspec.Struct, frozen=True):
    """One setting and where it came from: `default`, a flag, a variable, or the file."""

    value: Any
    origin: str


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a text, got {value!r}")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts; in the environment they stand with spaces between."""
    found = value.split() if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        raise ValueError(f"expected a list of texts, got {value!r}")
    return tuple(map(_text, found))


def _number(low: float, high: float) -> Callable[[Any], float]:
    def parse(value: Any) -> float:
        try:
            found = float(value)
        except (TypeError, ValueError):
            found = -1.0
        if isinstance(value, bool) or not low <= found <= high:
            raise ValueError(f"expected a number from {low:g} to {high:g}, got {value!r}")
        return found

    return parse


def _integer(low: int, high: int) -> Callable[[Any], int]:
    number = _number(low, high)

    def parse(value: Any) -> int:
        found = number(value)
        if found != int(found):
            raise ValueError(f"expected a whole number, got {value!r}")
        return int(found)

    return parse


def _one_of(*choices: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {value!r}")
        return str(value)

    return parse


def _truth(value: Any) -> bool:
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    found = known.get(str(value).strip().lower())
    if found is None:
        raise ValueError(f"expected true or false, got {value!r}")
    return found


def _speed(value: Any) -> float:
    return parse_speed(str(value))


def _prices(value: Any) -> dict[str, Rates]:
    if not isinstance(value, dict):
        raise ValueError(f"expected a table by model, got {value!r}")
    return price_table(value)


def thresholds(value: Any, base: Thresholds = DEFAULT_THRESHOLDS) -> Thresholds:
    """The thresholds of the linter, from a table or texts `NAME=NUMBER`; others as in `base`.

    Raises ValueError saying what was expected.
    """
    table = value if isinstance(value, dict) else _named("=")(value)
    known = msgspec.structs.asdict(base)
    for name, given in table.items():
        if name not in known:
            raise ValueError(f"expected one of {', '.join(known)}, got {name!r}")
        number = _integer if isinstance(known[name], int) else _number
        try:
            known[name] = number(0, 10**12)(given)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return Thresholds(**known)


def _patterns(value: Any) -> tuple[Pattern, ...]:
    return msgspec.convert(value, tuple[Pattern, ...])


def parse_upstream(text: str) -> tuple[str, str]:
    """Name and URL of `NAME=URL`, or of a URL alone. Raises ValueError saying what was expected."""
    name, equals, url = text.partition("=")
    if not equals or "/" in name or ":" in name:
        name, url = DEFAULT_UPSTREAM, text
    if not _NAME.fullmatch(name) or name in _TAKEN:
        raise ValueError(
            f"expected a name of letters, digits, `_`, `.` and `-` that is not "
            f"{' or '.join(_TAKEN)}, got {name!r}"
        )
    if not re.match(r"https?://[^/?#\s]", url):
        raise ValueError(f"expected a URL that begins with http:// or https://, got {url!r}")
    return name, url


def _named(separator: str) -> Callable[[Any], dict[str, str]]:
    """A table of texts; in flags and the environment `NAME=VALUE`, several times."""

    def parse(value: Any) -> dict[str, str]:
        if isinstance(value, dict):
            return {_text(name): _text(text) for name, text in value.items()}
        found: dict[str, str] = {}
        for text in _texts(value):
            name, equals, rest = text.partition(separator)
            if not equals:
                raise ValueError(f"expected NAME{separator}VALUE, got {text!r}")
            found[name] = rest
        return found

    return parse


def _upstreams(value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        pairs = [parse_upstream(f"{name}={_text(url)}") for name, url in value.items()]
    else:
        pairs = [parse_upstream(text) for text in _texts(value)]
    found: dict[str, str] = {}
    for name, url in pairs:
        if name in found:
            raise ValueError(f"expected each name once, got {name!r} twice: name them NAME=URL")
        found[name] = url
    return found


# name -> (what makes a value of it, the default). The name is the key in the file; in the
# environment it is TOKENTAPE_ and the name in capitals.
OPTIONS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "mode": (_one_of(*get_args(Mode)), "replay"),
    "host": (_text, "127.0.0.1"),
    "port": (_integer(0, 65535), 8787),
    "speed": (_speed, 1.0),
    "exhausted": (_one_of(*get_args(Exhausted)), "last"),
    "synthesise": (_truth, True),
    "tapes": (_text, None),
    "upstream": (_upstreams, {}),
    "upstream_key": (_named("="), {}),
    "upstream_sigv4": (_named("="), {}),
    "upstream_timeout_s": (_number(0.1, 86_400), 600.0),
    "connect_timeout_s": (_number(0.1, 3600), 10.0),
    "ca_file": (_text, None),
    "max_body": (_integer(0, 2**40), 32 * 1024 * 1024),
    "max_connections": (_integer(1, 1_000_000), 20_000),
    "keep_header": (_texts, ()),
    "redact": (_texts, ()),
    "patterns": (_patterns, ()),
    "prices": (_prices, {}),
    "lint": (thresholds, DEFAULT_THRESHOLDS),
}


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"TOKENTAPE_{name.upper()}"


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"can't be read: {error.strerror}", path=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"expected TOML: {error}", path=str(path)) from None


def _read_file(path: Path) -> dict[str, Any]:
    found = _toml(path)
    unknown = sorted(set(found) - set(OPTIONS))
    if unknown:
        raise UsageError(
            f"unknown setting {', '.join(unknown)}; known are {', '.join(OPTIONS)}", path=str(path)
        )
    return found


def prices_in(path: Path) -> dict[str, Rates]:
    """The price table in a TOML file: its table `prices`, else the file. Raises UsageError."""
    written = _toml(path)
    try:
        return _prices(written.get("prices", written))
    except (ValueError, UsageError) as error:
        raise UsageError(str(error), path=str(path)) from None


def resolve(
    flags: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    file: Path | None = None,
) -> dict[str, Value]:
    """Every setting: from its flag, else its variable, else the file, else the default.

    A flag that is None or an empty list was not given. `file` is tokentape.toml in the working
    folder where None and there. Raises UsageError naming where a bad value came from.
    """
    path = file if file is not None else Path(FILE)
    written = _read_file(path) if file is not None or path.is_file() else {}
    found: dict[str, Value] = {}
    for name, (parse, default) in OPTIONS.items():
        flag = flags.get(name)
        if flag is not None and flag not in ((), []):
            given, origin = flag, f"--{'no-' if flag is False else ''}{name.replace('_', '-')}"
        elif variable(name) in environment:
            given, origin = environment[variable(name)], variable(name)
        elif name in written:
            given, origin = written[name], str(path)
        else:
            found[name] = Value(default, "default")
            continue
        try:
            found[name] = Value(parse(given), origin)
        except (ValueError, msgspec.ValidationError, UsageError) as error:
            raise UsageError(f"{name} (from {origin}): {error}") from None
    return found


def settings(values: Mapping[str, Value], environment: Mapping[str, str]) -> Settings:
    """The one frozen object the server runs on. Raises UsageError where values contradict."""
    value = {name: found.value for name, found in values.items()}
    return Settings(
        mode=value["mode"],
        host=value["host"],
        port=value["port"],
        speed=value["speed"],
        exhausted=value["exhausted"],
        synthesise=value["synthesise"],
        tapes=value["tapes"],
        upstreams=_with_keys(value, environment),
        upstream_timeout_s=value["upstream_timeout_s"],
        connect_timeout_s=value["connect_timeout_s"],
        ca_file=value["ca_file"],
        max_body=value["max_body"],
        max_connections=value["max_connections"],
        redaction=Redaction(
            Patterns((*DEFAULT_PATTERNS, *value["patterns"])),
            Paths(value["redact"]),
            value["keep_header"],
        ),
    )


def _with_keys(value: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Upstream, ...]:
    for option in ("upstream_key", "upstream_sigv4"):
        _check_known(option, value[option], value["upstream"])
    keys = {}
    for name, where in value["upstream_key"].items():
        if not environment.get(where):
            raise UsageError(f"the key of upstream {name}: the variable {where} is not set")
        keys[name] = environment[where]
    return tuple(
        Upstream(name=name, url=url, key=keys.get(name), sigv4=value["upstream_sigv4"].get(name))
        for name, url in value["upstream"].items()
    )


def _check_known(option: str, named: Iterable[str], upstreams: Mapping[str, str]) -> None:
    for name in named:
        if name not in upstreams:
            known = ", ".join(upstreams) or "none"
            raise UsageError(
                f"--{option.replace('_', '-')} {name}: no upstream of that name; there is {known}"
            )
