"""x"""


class ToolIndexMissing:
    """x."""


class ToolIndexInvalid:
    """x."""


class ToolIdMissing:
    """x."""


class ToolNameMissing:
    """x."""


class ToolCallNoObject:
    """x."""


class ToolIndexReused:
    """x."""


class ToolIdRepeated:
    """x."""


class ToolNameRepeated:
    """x."""


class ToolTypeNull:
    """x."""


class ToolCallInOne:
    """x."""


class ArgumentsNotJson:
    """x."""


class ToolNotOffered:
    """x."""


class ToolIndexGap:
    """x."""


class ArgumentsAnObject:
    """x."""


class ToolIndexTwice:
    """x."""
