"""Tapes on disk: find, open, save, append, index. The only package that touches their files."""

from tokentape.library.append import TapeAppender, Unwritten
from tokentape.library.files import Found, Opened, Refusal, find, load, open_file, save, scope_of
from tokentape.library.index import Entry, Library

__all__ = [
    "Entry",
    "Found",
    "Library",
    "Opened",
    "Refusal",
    "TapeAppender",
    "Unwritten",
    "find",
    "load",
    "open_file",
    "save",
    "scope_of",
]
