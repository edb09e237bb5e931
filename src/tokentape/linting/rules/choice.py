"""x"""


class IndexMissing:
    """x."""


class IndexGap:
    """x."""


class IndexInvalid:
    """x."""


class ChoiceNoObject:
    """x."""


class ChoiceNotAsked:
    """x."""


class ChoiceCrossTalk:
    """x."""


class FinishMissing:
    """x."""


class FinishDuplicate:
    """x."""


class ChunkAfterFinish:
    """x."""


class ContentAfterFinish:
    """x."""


class FinishUnknown:
    """x."""


class FinishWithPayload:
    """x."""


class FinishKeyAbsent:
    """x."""


class FinishStopWithCalls:
    """x."""


class FinishWithoutCalls:
    """x."""


class DeltaMissing:
    """x."""


class ChoiceFieldUnknown:
    """x."""


class ChoiceWordsDoubled:
    """x."""
