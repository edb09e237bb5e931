"""Secrets by their looks: a literal beginning, then characters of a class.

They are found in text of any kind (JSON, URLs, header values). What is redacted twice is what is
redacted once, so that a redacted tape still matches a live request that is redacted alike.

Behind a beginning that also stands before words ("Basic requirements", `sk-learn-contrib-models`)
words are no secret: two prompts that differ in them would else become one.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec

from tokentape.errors import UsageError

MARK = b"REDACTED"

# A secret begins where a word begins. Behind a JSON escape such as \n the letter is no word's end.
_BOUNDARY = rb"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))"
_LOOK_BEHIND = 6
# An open end longer than this is a secret already; it is not waited for any longer.
LONGEST_WAIT = 4096

# What words, names and versions have between `-`, `/` and the like: small letters, with capitals as
# in "TokenAuth"; capitals alone, REDACTED among them; a number, a date; v2, 70b. A word has no more
# than 20 letters: what has more is taken for a key.
WORD = (
    rb"(?>(?:[A-Za-z][a-z]{0,19}(?:[A-Z][a-z]{2,17}){0,3}|[A-Z]{1,14}|[0-9]{1,4}|20[0-9]{6}"
    rb"|v[0-9]{1,2}|[0-9]{1,3}[bkm])(?![A-Za-z0-9]))"
)
# No name or phrase without a space is so long. Shorter than what is waited for, so that it does not
# matter to a stream where it is cut.
_LONGEST_WORDS = 256

# Patterns of so many characters are searched for only in long runs of such.
_LEAST_GATED = 12
_IN, _OUT = ord("x"), ord(" ")
_MOST_UNKNOWN = 64
_KNOWN = 4096  # harmless runs that are kept, of at most so many bytes:
_MOST_KNOWN = 200


class Pattern(msgspec.Struct, frozen=True):
    """`begin` is literal text and stays; `chars` is the body of a regular expression's character
    class, of which at least `least` follow."""

    name: str
    begin: str
    chars: str
    least: int

    def check(self) -> None:
        """Raises UsageError where this is no pattern."""
        try:
            re.compile(f"[{self.chars}]".encode("ascii"))
            begin = self.begin.encode("ascii")
        except (re.error, UnicodeEncodeError) as error:
            raise UsageError(f"redaction pattern {self.name!r}: {error}") from None
        if not begin or self.least < 1:
            raise UsageError(
                f"redaction pattern {self.name!r}: expected `begin` to be text and `least` to be "
                f"at least 1, got {self.begin!r} and {self.least}"
            )


class WordsStay(Pattern, frozen=True):
    """What follows is a secret only where it does not look like words."""


_URLSAFE = "A-Za-z0-9_-"
DEFAULT_PATTERNS: tuple[Pattern, ...] = (
    WordsStay("bearer token", "Bearer ", "A-Za-z0-9._~+/=-", 8),
    WordsStay("basic credentials", "Basic ", "A-Za-z0-9+/=", 12),
    WordsStay("OpenAI, Anthropic, OpenRouter, DeepSeek key", "sk-", _URLSAFE, 16),
    WordsStay("OpenAI session", "sess-", _URLSAFE, 16),
    WordsStay("OpenAI organisation", "org-", "A-Za-z0-9", 16),
    WordsStay("OpenAI project", "proj_", "A-Za-z0-9", 16),
    Pattern("Groq key", "gsk_", "A-Za-z0-9", 20),
    WordsStay("Groq organisation", "org_", "A-Za-z0-9", 16),
    Pattern("Hugging Face token", "hf_", "A-Za-z0-9", 20),
    WordsStay("xAI key", "xai-", _URLSAFE, 20),
    Pattern("Google API key", "AIza", _URLSAFE, 30),
    Pattern("Google access token", "ya29.", _URLSAFE, 20),
    Pattern("AWS access key", "AKIA", "A-Z0-9", 16),
    Pattern("AWS temporary access key", "ASIA", "A-Z0-9", 16),
    Pattern("Replicate token", "r8_", "A-Za-z0-9", 20),
    WordsStay("Perplexity key", "pplx-", "A-Za-z0-9", 20),
    WordsStay("NVIDIA key", "nvapi-", _URLSAFE, 20),
    Pattern("Cerebras key", "csk-", "A-Za-z0-9", 20),
    Pattern("Fireworks key", "fw_", "A-Za-z0-9", 20),
    Pattern("GitHub token", "ghp_", "A-Za-z0-9", 20),
    Pattern("GitHub token, of an app's user", "gho_", "A-Za-z0-9", 20),
    Pattern("GitHub token, of an app's server", "ghs_", "A-Za-z0-9", 20),
    Pattern("GitHub token, fine-grained", "github_pat_", "A-Za-z0-9_", 20),
    WordsStay("GitLab token", "glpat-", _URLSAFE, 20),
    WordsStay("Slack bot token", "xoxb-", "A-Za-z0-9-", 20),
    WordsStay("Slack user token", "xoxp-", "A-Za-z0-9-", 20),
    Pattern("Stripe key", "sk_live_", "A-Za-z0-9", 20),
)


class Patterns:
    """Patterns compiled together. Raises UsageError for a bad one."""

    def __init__(self, patterns: Iterable[Pattern] = DEFAULT_PATTERNS) -> None:
        self.patterns = tuple(patterns)
        for pattern in self.patterns:
            pattern.check()
        compiled = [_Compiled(pattern) for pattern in self.patterns]
        self._longest = max((len(p.begin) for p in self.patterns), default=0)
        self.context = _LOOK_BEHIND + self._longest
        self._letters = frozenset(b"".join({c.letters for c in compiled}))
        # Whether every secret and its beginning are on one line.
        self.within_lines = 0x0A not in self._letters
        self._runs = sorted({c.run for c in compiled})
        # Any beginning of a secret that ends where the bytes end.
        parts = b"|".join(_partial(p.begin.encode(), p.chars.encode()) for p in self.patterns)
        self._part = re.compile(_BOUNDARY + b"(?:" + parts + rb")\Z")
        self._others = [c for c in compiled if c.any_case or c.pattern.least < _LEAST_GATED]
        self._gated = [c for c in compiled if c not in self._others]
        self._gate = _Gate(self._gated)

    def _candidates(self, data: bytes, lowered: bytes) -> "list[_Compiled]":
        """The patterns that may match somewhere in the data, nearly always none."""
        # From the end on it is cheaper: first letters are rarer than last ones.
        found = [
            compiled
            for compiled in self._others
            if (lowered if compiled.any_case else data).rfind(compiled.begin) >= 0
        ]
        if self._gate.opens(data):
            found += [compiled for compiled in self._gated if compiled.begin in data]
        return found

    def _matches(self, data: bytes, start: int) -> "Iterator[tuple[re.Match[bytes], _Compiled]]":
        lowered = data.lower()
        for compiled in self._candidates(data, lowered):
            for match in compiled.find(data, start, lowered):
                yield match, compiled

    def is_clear(self, data: bytes) -> bool:
        """Whether no secret is in the data, and none may be going on behind its end."""
        if data and data[-1] in self._letters:
            return False
        # As in `_candidates`, without a list: most of what is recorded is clear.
        lowered = data.lower()
        for compiled in self._others:
            if (lowered if compiled.any_case else data).rfind(compiled.begin) >= 0:
                return False
        return not self._gate.opens(data) or not any(c.begin in data for c in self._gated)

    def spans(self, data: bytes, start: int = 0) -> list[tuple[int, int]]:
        """Where the characters to replace lie, from `start` on, in order and apart.

        Of the bytes before `start`, `context` are enough: a secret's beginning may stand in them.
        """
        found: list[tuple[int, int]] = []
        matches = [(m.end(1), m.end()) for m, _ in self._matches(data, self._first(start))]
        for begins, ends in sorted(span for span in matches if span[0] >= start):
            if found and begins <= found[-1][1]:
                found[-1] = (found[-1][0], max(ends, found[-1][1]))
            else:
                found.append((begins, ends))
        return found

    def redact(self, data: bytes) -> bytes:
        """The data with every secret's characters replaced by REDACTED."""
        pieces: list[bytes] = []
        position = 0
        for begins, ends in self.spans(data):
            pieces += (data[position:begins], MARK)
            position = ends
        return b"".join((*pieces, data[position:])) if pieces else data

    def unfinished(self, data: bytes, start: int) -> int:
        """From where on a secret may be going on behind the end of the data; its length if none."""
        if not data or data[-1] not in self._letters:
            return len(data)
        first = max(self._first(start), len(data) - LONGEST_WAIT)
        tail = data[first:]
        run = min(len(tail.rstrip(run)) for run in self._runs)
        found = self._part.search(data, max(first, first + run - self._longest))
        return found.start() if found is not None else len(data)

    def going_on(self, data: bytes, start: int) -> "tuple[re.Pattern[bytes], ...]":
        """What the characters are of the secrets that reach the end of the data."""
        if not data or data[-1] not in self._letters:
            return ()
        matches = self._matches(data, self._first(start))
        return tuple(compiled.more for match, compiled in matches if match.end() == len(data))

    def _first(self, start: int) -> int:
        """Where a secret may begin: what is before a full context is not known."""
        return _LOOK_BEHIND if start == self.context else 0


class _Compiled:
    """One pattern, ready to search with."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        chars = b"[" + pattern.chars.encode() + b"]"
        literal = re.escape(pattern.begin.encode())
        # Schemes of HTTP authentication are compared without case (RFC 9110, 11.1).
        self.any_case = pattern.begin.endswith(" ")
        if self.any_case:
            literal = b"(?i:" + literal + b")"
        self.begin = pattern.begin.lower().encode() if self.any_case else pattern.begin.encode()
        secret = chars + b"{%d,}" % pattern.least
        if isinstance(pattern, WordsStay):
            words = b"(?>" + WORD + b"|(?=" + chars + b")[^A-Za-z0-9])*(?!" + chars + b")"
            secret = b"(?:(?=" + chars + b"{%d})|(?!" % _LONGEST_WORDS + words + b"))" + secret
        self._whole = re.compile(_BOUNDARY + b"(" + literal + b")" + secret)
        self.more = re.compile(chars + b"*")
        one = re.compile(chars)
        self.run = bytes(c for c in range(256) if one.match(bytes((c,))))
        begin = pattern.begin.encode()
        self.letters = begin + begin.swapcase() * self.any_case + self.run

    def find(self, data: bytes, start: int, lowered: bytes) -> "Iterator[re.Match[bytes]]":
        """Every such secret from there on: the expression is tried only where one may begin.

        `lowered` is the data in small letters.
        """
        begin = self.begin
        find = (lowered if self.any_case else data).find
        at = find(begin, start)
        while at >= 0:
            match = self._whole.match(data, at)
            after = at + 1
            if match is not None:
                yield match
                # The next may begin with the last characters of this one ("Bearer a1…-Bearer b2…").
                after = max(match.end(1), match.end() - len(begin) + 1)
            at = find(begin, after)


class _Gate:
    """Tells quickly that none of these patterns is in some bytes, as is nearly always so.

    A secret is a long run of characters that secrets are made of. Other such runs, names of models
    and of fields and ids, come again in every event: those are known after the first.
    """

    def __init__(self, gated: "list[_Compiled]") -> None:
        self._begins = [(c.begin, c) for c in gated]
        letters = frozenset(b"".join(c.run for c in gated))
        self._table = bytes(_IN if letter in letters else _OUT for letter in range(256))
        least = min((c.pattern.least + _suffix(c.begin, letters) for c in gated), default=0)
        self._run = bytes((_IN,)) * least
        self._before = _LOOK_BEHIND + max((len(c.begin) for c in gated), default=0)
        self._harmless: set[bytes] = set()

    def opens(self, data: bytes) -> bool:
        """Whether a secret may be in the data: False is certain."""
        if not self._run:
            return False
        classes = data.translate(self._table)
        find = classes.find
        run, before, harmless = self._run, self._before, self._harmless
        unknown = 0
        start = find(run)
        while start >= 0:
            end = find(_OUT, start)
            if end < 0:
                end = len(data)
            piece = data[max(0, start - before) : end]
            if piece not in harmless:
                unknown += 1
                # Where every word is long and new (base64) this way would not be the quick one.
                if unknown > _MOST_UNKNOWN or self._has_secret(piece):
                    return True
                if len(piece) <= _MOST_KNOWN:
                    if len(harmless) >= _KNOWN:
                        harmless.clear()
                    harmless.add(piece)
            start = find(run, end)
        return False

    def _has_secret(self, piece: bytes) -> bool:
        for begin, compiled in self._begins:
            # None of these is one in any case, so that small letters don't matter.
            if begin in piece and any(compiled.find(piece, 0, piece)):
                return True
        return False


def _suffix(begin: bytes, letters: frozenset[int]) -> int:
    """How many of the last characters of a beginning are among the letters."""
    size = 0
    while size < len(begin) and begin[-1 - size] in letters:
        size += 1
    return size


def _partial(begin: bytes, chars: bytes) -> bytes:
    """An expression for every beginning of begin + chars*, the empty one left out."""
    found = b"[" + chars + b"]*"
    for at in range(len(begin) - 1, -1, -1):
        letter = re.escape(begin[at : at + 1])
        found = letter + (b"(?:" + found + b")?" if at < len(begin) - 1 else found)
    return b"(?i:" + found + b")" if begin.endswith(b" ") else found
