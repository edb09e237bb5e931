"""What every test may need: the folder of shared recordings, and that nothing is skipped."""

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).resolve().parents[2] / "shared"
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# A busy machine stops anything for seconds: how long an example takes proves nothing. All else is
# that of the profile that is loaded, which in CI tries the same examples every time.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings beside the repository; skips where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("../shared is missing: real recordings are not at hand")
    return SHARED


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes have no place in a test's name: compressed ones differ from worker to worker."""
    return "bytes" if isinstance(val, bytes) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a test that is skipped has failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _unskipped((yield), item.config)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _unskipped((yield), collector.config)


def _unskipped(report: Report, config: pytest.Config) -> Report:
    """The report, a skip turned into a failure where none may be."""
    if report.skipped and not hasattr(report, "wasxfail") and config.getoption("no_skips"):
        assert isinstance(report.longrepr, tuple)
        report.outcome = "failed"
        report.longrepr = f"{report.longrepr[2]} (--no-skips)"
    return report
