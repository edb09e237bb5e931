"""How much untrusted input may cost: one frozen value, handed down to every reader."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`max_bytes`: of a file, after decompression too. `max_depth`: of nested data."""

    max_bytes: int = 256 * 1024 * 1024
    max_depth: int = 500


DEFAULT_LIMITS = Limits()
