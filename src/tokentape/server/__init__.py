"""Replays a library to any HTTP client, byte for byte and in time."""

from tokentape.server.serve import Server, base_url, bind, new_loop, run
from tokentape.server.settings import Settings

__all__ = ["Server", "Settings", "base_url", "bind", "new_loop", "run"]
