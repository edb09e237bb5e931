"""Finds the recorded exchange that answers a request, or says why none does."""

from tokentape.matching.canonical import (
    UNOBSCURED,
    USAGE,
    Asked,
    ask,
    asked_of,
    body_key,
    canonical,
    toggled,
)
from tokentape.matching.explain import Explanation, Near, explain
from tokentape.matching.matcher import Candidate, Exhausted, Matcher, Miss, Reason
from tokentape.matching.operation import CHAT, operation

__all__ = [
    "CHAT",
    "UNOBSCURED",
    "USAGE",
    "Asked",
    "Candidate",
    "Exhausted",
    "Explanation",
    "Matcher",
    "Miss",
    "Near",
    "Reason",
    "ask",
    "asked_of",
    "body_key",
    "canonical",
    "explain",
    "operation",
    "toggled",
]
