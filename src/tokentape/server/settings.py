"""How a server runs: one frozen value, resolved once."""

from typing import Literal

import msgspec

from tokentape.errors import UsageError
from tokentape.matching import Exhausted
from tokentape.redact import Redaction
from tokentape.server.upstream import Upstream

Mode = Literal["replay", "record", "auto", "forward"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds.

    `mode`: replay what is there and never call out; record all that passes; auto: replay what is
    there and record what is not; forward: pass on and keep nothing.

    `upstreams`: `/NAME/v1/…` goes to the one of that name, `/v1/…` to the first. `tapes` is the
    folder that record and auto append to. `upstream_timeout_s` is how long an upstream may send
    no byte. `redaction` is applied to what is recorded, and to live requests before they are
    matched.

    `synthesise`: serve a stream as JSON, JSON as a stream and a stream with other options, where
    it was recorded only so.

    `speed` is from pacing.parse_speed (infinity: at once). `port` 0 takes a free one.
    `answers_bytes` bounds the prepared answers kept in memory. `grace_s` is how long streams may
    still run after SIGTERM.

    Raises UsageError where a mode lacks what it needs, or two upstreams share a name.
    """

    mode: Mode = "replay"
    upstreams: tuple[Upstream, ...] = ()
    tapes: str | None = None
    upstream_timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    ca_file: str | None = None
    redaction: Redaction = msgspec.field(default_factory=Redaction)
    host: str = "127.0.0.1"
    port: int = 8787
    speed: float = 1.0
    exhausted: Exhausted = "last"
    synthesise: bool = True
    max_connections: int = 20_000
    max_body: int = 32 * 1024 * 1024
    max_head: int = 64 * 1024
    max_waiting: int = 16
    keep_alive_s: int = 75
    grace_s: float = 5.0
    answers_bytes: int = 64 * 1024 * 1024
    journal_size: int = 1000

    @property
    def origins(self) -> tuple[str, ...]:
        """The upstreams whose recordings are told apart: all, where more than one is recorded and
        replayed at the same time.
        """
        several = self.mode == "auto" and len(self.upstreams) > 1
        return tuple(upstream.url for upstream in self.upstreams) if several else ()

    def __post_init__(self) -> None:
        if self.mode == "replay":
            return
        if not self.upstreams:
            raise UsageError(
                f"mode {self.mode} needs an upstream to go to: --upstream https://HOST/v1"
            )
        if self.records and not self.tapes:
            raise UsageError(f"mode {self.mode} needs a folder to record to: --tapes DIR")
        names = [upstream.name for upstream in self.upstreams]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"two upstreams are named {name!r}: name them NAME=URL")

    @property
    def records(self) -> bool:
        """Whether tapes are written."""
        return self.mode in ("record", "auto")
