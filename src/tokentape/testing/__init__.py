"""A replay server on a thread, for tests."""

from tokentape.testing.thread import Replay, replay

__all__ = ["Replay", "replay"]
