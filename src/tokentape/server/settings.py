"""How a replay server runs: one frozen value, resolved once."""

import msgspec

from tokentape.matching import Exhausted


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds.

    `speed` is from timing.parse_speed (infinity: at once). `port` 0 takes a free one.
    `answers_bytes` bounds the prepared answers kept in memory. `grace_s` is how long streams may
    still run after SIGTERM.
    """

    host: str = "127.0.0.1"
    port: int = 8787
    speed: float = 1.0
    exhausted: Exhausted = "last"
    max_connections: int = 20_000
    max_body: int = 32 * 1024 * 1024
    max_head: int = 64 * 1024
    max_waiting: int = 16
    keep_alive_s: int = 75
    grace_s: float = 5.0
    answers_bytes: int = 64 * 1024 * 1024
    journal_size: int = 1000
