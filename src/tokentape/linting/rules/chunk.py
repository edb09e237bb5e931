"""x"""


class FieldMissing:
    """x."""


class ObjectWrong:
    """x."""


class IdChanges:
    """x."""


class IdEmpty:
    """x."""


class CreatedChanges:
    """x."""


class CreatedZero:
    """x."""


class FieldType:
    """x."""


class ChoicesNoArray:
    """x."""


class ModelEmpty:
    """x."""


class ModelChanges:
    """x."""


class ServiceTierUnknown:
    """x."""


class ChunkNoObject:
    """x."""


class ErrorObject:
    """x."""


class ChunkFieldUnknown:
    """x."""


class PromptFilterPrelude:
    """x."""


class ObfuscationMisplaced:
    """x."""
