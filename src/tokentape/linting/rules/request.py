"""x"""


class PathDoubled:
    """x."""


class NNotGiven:
    """x."""


class UsageAboveLimit:
    """x."""


class ModelDiffers:
    """x."""


class StreamNotHonoured:
    """x."""
