"""x"""


class DoneMissing:
    """x."""


class DataAfterDone:
    """x."""


class ContentTypeWrong:
    """x."""


class NotJson:
    """x."""


class MultiLineData:
    """x."""


class Truncated:
    """x."""


class NotUtf8:
    """x."""


class Bom:
    """x."""


class EmptyEvent:
    """x."""


class Comment:
    """x."""


class CodingBroken:
    """x."""
