"""The public names, and that asking for them costs little."""

import importlib
import subprocess
import sys

import pytest

import tokentape


def test_every_public_name_is_where_it_says_it_is() -> None:
    assert sorted(tokentape._HOME) == sorted(tokentape.__all__) == tokentape.__all__
    for name, home in tokentape._HOME.items():
        assert getattr(tokentape, name) is getattr(importlib.import_module(home), name)
    assert set(tokentape.__all__) <= set(dir(tokentape))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'record_everything'"):
        tokentape.record_everything  # noqa: B018 - reading it is the test


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import tokentape", ["asyncio", "yaml", "rich", "uvicorn", "starlette", "click"]),
        ("import tokentape.cli", ["asyncio", "yaml", "rich", "uvicorn", "starlette"]),
        ("import tokentape.library", ["asyncio", "rich", "uvicorn", "starlette", "openai"]),
        ("import tokentape.server", ["starlette", "prometheus_client", "rich"]),
    ],
)
def test_importing_pulls_in_nothing_heavy(code: str, heavy: list[str]) -> None:
    told = f"{code}; import sys; print([m for m in {heavy!r} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
