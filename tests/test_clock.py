"""The clocks."""

import re

from tokentape.clock import ManualClock, SystemClock


def test_a_manual_clock_moves_only_when_it_is_moved() -> None:
    clock = ManualClock()
    assert clock.monotonic_us() == clock.monotonic_us() == 0
    clock.advance(1_500_000)
    assert clock.wall() == "1970-01-01T00:00:01.500000Z"
    clock.sleep_until(2_000_000)
    clock.sleep_until(1_000_000)
    assert clock.monotonic_us() == 2_000_000


def test_the_system_clock_never_goes_back_and_sleeps_until_the_moment() -> None:
    clock = SystemClock()
    start = clock.monotonic_us()
    clock.sleep_until(start - 1_000_000)
    clock.sleep_until(start + 1)
    assert clock.monotonic_us() > start
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", clock.wall())
