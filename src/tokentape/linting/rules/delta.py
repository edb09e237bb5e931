"""x"""


class RoleMissingFirst:
    """x."""


class RoleRepeated:
    """x."""


class RoleUnknown:
    """x."""


class ContentNotString:
    """x."""


class ListUnindexed:
    """x."""


class RefusalEmpty:
    """x."""


class DeltaIdle:
    """x."""


class ReasoningTwice:
    """x."""


class ReasoningInContent:
    """x."""


class ReasoningTagsPerDelta:
    """x."""


class DeltaFieldUnknown:
    """x."""
