"""Secrets out, before anything is written: pure functions over bytes, headers and reads."""

from tokentape.redact.paths import Paths
from tokentape.redact.patterns import DEFAULT_PATTERNS, Pattern, Patterns
from tokentape.redact.redaction import Redaction
from tokentape.redact.stream import ReadRedactor

__all__ = ["DEFAULT_PATTERNS", "Paths", "Pattern", "Patterns", "ReadRedactor", "Redaction"]
