"""Stands where a client looks for its provider: replays, or passes on and records."""

from tokentape.server.observer import Begun, Observer
from tokentape.server.serve import Server, base_url, bind, new_loop, run
from tokentape.server.settings import Mode, Settings
from tokentape.server.upstream import Upstream

__all__ = [
    "Begun",
    "Mode",
    "Observer",
    "Server",
    "Settings",
    "Upstream",
    "base_url",
    "bind",
    "new_loop",
    "run",
]
