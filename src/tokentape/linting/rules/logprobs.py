"""x"""


class LogprobsMissing:
    """x."""


class LogprobsMismatch:
    """x."""


class LogprobsKeyMissing:
    """x."""


class LogprobsType:
    """x."""
