"""`--no-skips`: what .ci/run passes, so that no test is left out unseen."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SKIPS = {
    "in the test": "def test_a(): pytest.skip('why not')",
    "by a mark": "@pytest.mark.skipif(True, reason='why not')\ndef test_a(): ...",
    "in a fixture": "@pytest.fixture\ndef a(): pytest.skip('why not')\ndef test_a(a): ...",
    "a whole module": "pytest.skip('why not', allow_module_level=True)",
}
OTHERS = "def test_b(): ...\n@pytest.mark.xfail\ndef test_c(): assert False"


def run(folder: Path, *options: str) -> tuple[int, str]:
    # In CI pytest tells each of them twice.
    environment = {
        name: os.environ[name] for name in os.environ if name not in ("CI", "BUILD_NUMBER")
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:xdist", "-c", os.devnull,
         "--continue-on-collection-errors", "--import-mode=importlib", "--rootdir", str(folder),
         *options, str(folder)],
        cwd=ROOT, env=environment | {"PYTEST_ADDOPTS": ""}, capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_a_skip_is_a_failure_that_says_why_and_nothing_else_is(tmp_path: Path) -> None:
    for number, body in enumerate([*SKIPS.values(), OTHERS]):
        (tmp_path / f"test_{number}.py").write_text(f"import pytest\n{body}\n")
    code, said = run(tmp_path)
    assert code == 0, said
    assert f"1 passed, {len(SKIPS)} skipped, 1 xfailed" in said
    code, said = run(tmp_path, "--no-skips")
    assert code == 1, said
    assert said.count("why not (--no-skips)") == len(SKIPS), said
    assert "1 failed, 1 passed, 1 xfailed, 3 errors" in said
