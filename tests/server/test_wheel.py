"""The timer wheel, on a loop and a clock that stand still."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokentape.clock import ManualClock
from tokentape.server.wheel import Wheel


class Timer:
    def __init__(self, due_us: int, callback: Callable[[], object]) -> None:
        self.due_us = due_us
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Runs timers when it is moved; a moment is a whole millisecond, as in uvloop."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers: list[Timer] = []
        self.called = 0

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer:
        timer = Timer(round(when * 1000) * 1000, callback)
        self.timers.append(timer)
        return timer

    @property
    def waiting(self) -> list[Timer]:
        return [timer for timer in self.timers if not timer.cancelled]

    def run(self, until_us: int) -> None:
        while due := [timer for timer in self.waiting if timer.due_us <= until_us]:
            timer = min(due, key=lambda timer: timer.due_us)
            self.timers.remove(timer)
            # Half a millisecond may pass between two looks at the clock, in which nothing is due.
            self.clock.now_us = max(self.clock.now_us + 100, timer.due_us)
            self.called += 1
            timer.callback()
        self.clock.now_us = max(self.clock.now_us, until_us)


class Item:
    def __init__(self, *dues_us: int) -> None:
        self.slot = -1
        self.dues = list(dues_us)
        self.fired: list[int] = []

    def fire(self, now_us: int) -> int | None:
        self.fired.append(now_us)
        self.dues = [due for due in self.dues if due > now_us]
        return self.dues[0] if self.dues else None


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def wheel(loop: Loop) -> Wheel:
    return Wheel(loop, loop.clock.monotonic_us)


def put(wheel: Wheel, item: Item) -> Item:
    wheel.add(item.dues[0], item)
    return item


def test_nothing_ticks_while_nothing_waits(loop: Loop, wheel: Wheel) -> None:
    put(wheel, Item(5_000))
    loop.run(10_000)
    assert not loop.waiting
    assert len(wheel) == 0


@given(st.lists(st.lists(st.integers(1, 300_000), min_size=1, max_size=6), max_size=12))
def test_all_fire_once_due_never_early_never_a_slot_late(dues: list[list[int]]) -> None:
    loop = Loop()
    wheel = Wheel(loop, loop.clock.monotonic_us)
    items = [put(wheel, Item(*sorted(set(one)))) for one in dues]
    wanted = [list(item.dues) for item in items]
    loop.run(400_000)
    for item, due in zip(items, wanted, strict=True):
        assert not item.dues
        assert item.fired[0] >= due[0]
        for moment in due:
            late = min(fired - moment for fired in item.fired if fired >= moment)
            assert late <= 2_000
    assert len(wheel) == 0


def test_streams_share_a_timer(loop: Loop, wheel: Wheel) -> None:
    items = [put(wheel, Item(5_100 + number)) for number in range(500)]
    assert len(loop.waiting) == 1
    loop.run(7_000)
    assert all(item.fired for item in items)
    assert loop.called <= 2


def test_an_earlier_item_comes_first(loop: Loop, wheel: Wheel) -> None:
    late, early = put(wheel, Item(900_000)), put(wheel, Item(3_000))
    loop.run(4_000)
    assert early.fired
    assert not late.fired


def test_a_dropped_item_never_fires_and_is_let_go(loop: Loop, wheel: Wheel) -> None:
    gone, stays = put(wheel, Item(5_000)), put(wheel, Item(5_000))
    wheel.drop(gone)
    assert len(wheel) == 1
    loop.run(6_000)
    assert not gone.fired
    assert stays.fired
    wheel.drop(gone)
    wheel.drop(stays)


def test_an_item_dropped_by_another_in_its_slot_does_not_fire(loop: Loop, wheel: Wheel) -> None:
    gone = Item(5_000)

    class Dropper(Item):
        def fire(self, now_us: int) -> int | None:
            wheel.drop(gone)
            return super().fire(now_us)

    put(wheel, Dropper(5_000))
    put(wheel, gone)
    loop.run(6_000)
    assert not gone.fired


def test_slots_of_departed_clients_do_not_pile_up(wheel: Wheel) -> None:
    for number in range(10_000):
        item = put(wheel, Item(60_000_000 + 1_000 * number))
        wheel.drop(item)
    assert len(wheel._slots) < 200
    assert len(wheel._order) < 200


def test_an_item_that_fails_does_not_stop_the_wheel(loop: Loop, wheel: Wheel) -> None:
    class Broken(Item):
        def fire(self, now_us: int) -> int | None:
            raise RuntimeError("broken")

    put(wheel, Broken(1_000))
    other = put(wheel, Item(9_000))
    with pytest.raises(RuntimeError):
        loop.run(2_000)
    loop.run(10_000)
    assert other.fired
