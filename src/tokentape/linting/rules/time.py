"""x"""


class FakeStreaming:
    """x."""


class Stall:
    """x."""
