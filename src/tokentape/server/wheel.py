"""One timer for all paced streams of a loop, a millisecond wide.

A timer of the loop for each write costs more than the write; here all that is due in the same
millisecond shares one. Slots are absolute, so nothing drifts, and nothing fires early. Nothing
ticks while nothing waits.
"""

import heapq
from collections.abc import Callable
from typing import Protocol

_SLOT_US = 1000


class Handle(Protocol):
    def cancel(self) -> None: ...


class Loop(Protocol):
    """What the wheel needs of an event loop, whose time is that of the clock, in seconds."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Handle: ...


class Item(Protocol):
    """What can wait. `slot` belongs to the wheel: where the item waits, or -1."""

    slot: int

    def fire(self, now_us: int) -> int | None:
        """Do what is due; the next due time in microseconds, or None for not again."""


class Wheel:
    """Fires items at their due time, in microseconds of `now_us`."""

    def __init__(self, loop: Loop, now_us: Callable[[], int]) -> None:
        self._loop = loop
        self._now_us = now_us
        self._slots: dict[int, dict[Item, None]] = {}
        self._order: list[int] = []
        self._emptied = 0
        self._timer: Handle | None = None
        self._timer_slot = 0

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def add(self, due_us: int, item: Item) -> None:
        """Let the item wait until `due_us`."""
        self._put(due_us, item)
        self._arm()

    def _put(self, due_us: int, item: Item) -> None:
        slot = -(-due_us // _SLOT_US)
        waiting = self._slots.get(slot)
        if waiting is None:
            waiting = self._slots[slot] = {}
            heapq.heappush(self._order, slot)
        waiting[item] = None
        item.slot = slot

    def drop(self, item: Item) -> None:
        """Forget the item at once, wherever it waits."""
        waiting = self._slots.get(item.slot)
        item.slot = -1
        if waiting is None or item not in waiting:
            return
        del waiting[item]
        if not waiting:
            # Far-off slots that emptied must not pile up when clients come and go.
            self._emptied += 1
            if self._emptied > 64 + len(self._slots) // 2:
                self._slots = {slot: items for slot, items in self._slots.items() if items}
                self._order = sorted(self._slots)
                self._emptied = 0

    def _arm(self) -> None:
        if not self._order:
            return
        slot = self._order[0]
        if self._timer is not None:
            if self._timer_slot <= slot:
                return
            self._timer.cancel()
        self._timer_slot = slot
        # A moment, not a delay: uvloop rounds a delay under a millisecond to none, and would call
        # again and again until the slot has come.
        self._timer = self._loop.call_at(slot * _SLOT_US / 1_000_000, self._tick)

    def _tick(self) -> None:
        self._timer = None
        now_us = self._now_us
        last = now_us() // _SLOT_US
        try:
            while self._order and self._order[0] <= last:
                for item in self._slots.pop(heapq.heappop(self._order)):
                    if item.slot < 0:
                        continue
                    item.slot = -1
                    due_us = item.fire(now_us())
                    if due_us is not None:
                        self._put(due_us, item)
        finally:
            self._arm()
