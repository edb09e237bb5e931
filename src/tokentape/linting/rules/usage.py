"""x"""


class UsageMissing:
    """x."""


class UsageNotAsked:
    """x."""


class UsageOnChoiceChunk:
    """x."""


class UsageRepeated:
    """x."""


class UsageOnEveryChunk:
    """x."""


class UsageNotLast:
    """x."""


class UsageNullAbsent:
    """x."""


class TotalMismatch:
    """x."""


class ReasoningAbove:
    """x."""


class UsageNoObject:
    """x."""


class UsageFieldUnknown:
    """x."""
