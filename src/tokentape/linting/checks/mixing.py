"""CHO319: the words of choices that may have been mixed."""

import re
from collections import deque
from typing import Any

from tokentape.linting.state import Choice, Stream

# A word is letters; two of a kind are one after the other with nothing but spaces between.
_WORD = re.compile(r"[^\W\d_]+|[^\w\s]")
_TAIL = 64
# A word that comes again so soon is near; so many words are looked at together.
_NEAR = 4
_WINDOW = 24


class Words:
    """The words of one choice, counted as they come; only the last few are kept.

    `near` is how many words of two letters or more came again soon, in the window that has most.
    """

    __slots__ = ("_again", "_lately", "doubled", "last", "near", "tail", "words")

    def __init__(self) -> None:
        self.tail = ""
        self.last = ""
        self.words = 0
        self.doubled = 0
        self.near = 0
        self._lately: deque[str] = deque(maxlen=_NEAR)
        self._again: deque[bool] = deque(maxlen=_WINDOW)

    def feed(self, text: str) -> None:
        """More text. A word that may go on waits for what comes next."""
        text = self.tail + text
        cut = len(text)
        while cut and len(text) - cut < _TAIL and text[cut - 1].isalpha():
            cut -= 1
        self.tail = text[cut:]
        for match in _WORD.finditer(text, 0, cut):
            word = match.group()
            if word.isalpha():
                self.words += 1
                self.doubled += word == self.last
                if len(word) > 1:
                    folded = word.casefold()
                    self._again.append(folded in self._lately)
                    self._lately.append(folded)
                    self.near = max(self.near, sum(self._again))
            self.last = word

    def end(self) -> None:
        """No more text."""
        self.feed(" ")


def note(stream: Stream, state: Choice, delta: dict[str, Any]) -> None:
    """Count the words of a delta, where more than one choice is about."""
    if stream.asked.n < 2 and len(stream.choices) < 2:
        return
    content = delta.get("content")
    if isinstance(content, str):
        if state.mixed is None:
            state.mixed = Words()
        state.mixed.feed(content)


def end_mixing(stream: Stream) -> None:
    """Whether a choice says its words twice."""
    if len(stream.choices) < 2:
        return
    limits = stream.thresholds
    for index, choice in stream.choices.items():
        counted = choice.mixed
        if counted is None:
            continue
        counted.end()
        if (
            counted.doubled >= limits.doubled_words
            and counted.doubled >= limits.doubled_share * counted.words
        ):
            stream.report_stream(
                "CHO319",
                f"choice {index} says {counted.doubled} of its {counted.words} words twice in a "
                "row: perhaps two texts mixed",
                f"$.choices[{index}]",
            )
        elif counted.near >= limits.near_words:
            stream.report_stream(
                "CHO319",
                f"choice {index} says {counted.near} of {_WINDOW} words again within {_NEAR}: "
                "perhaps two texts mixed",
                f"$.choices[{index}]",
            )
