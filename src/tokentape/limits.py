"""How much untrusted input may cost: one frozen value, handed down to every reader."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """max_bytes: a file's size, after decompression too, in bytes. max_depth: nesting of its data."""

    max_bytes: int = 256 * 1024 * 1024
    max_depth: int = 500


DEFAULT_LIMITS = Limits()
