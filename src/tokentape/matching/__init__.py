"""Finds the recorded exchange that answers a request, or says why none does."""

from tokentape.matching.canonical import Asked, ask, body_key, canonical
from tokentape.matching.explain import Explanation, Near, explain
from tokentape.matching.matcher import Candidate, Exhausted, Matcher, Miss, Reason
from tokentape.matching.operation import operation

__all__ = [
    "Asked",
    "Candidate",
    "Exhausted",
    "Explanation",
    "Matcher",
    "Miss",
    "Near",
    "Reason",
    "ask",
    "body_key",
    "canonical",
    "explain",
    "operation",
]
