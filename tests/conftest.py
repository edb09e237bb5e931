"""What every test may need: the folder of shared recordings, and wire splits."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

SHARED = Path(__file__).resolve().parents[2] / "shared"

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
