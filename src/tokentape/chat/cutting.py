"""A whole text to the pieces a stream would bring it in; joined, the pieces are the text."""

import codecs
import re
from collections.abc import Iterator
from typing import Any

# A UTF-16 pair that stands as two code points counts as one character: no cut goes through it.
_CHARACTER = r"(?:[\ud800-\udbff][\udc00-\udfff]|\S)"
# A word with the white space before it, as tokens have it; a long word in steps of 16 characters.
_WORD = re.compile(rf"\s*{_CHARACTER}{{1,16}}|\s+")


def words(text: str, *, least: int = 1) -> Iterator[str]:
    """The text by words, each with the white space before it.

    A word of more than 16 characters is cut behind every 16th, so that text without spaces comes
    in pieces too. Pieces are joined until they hold `least` characters.
    """
    start = 0
    for match in _WORD.finditer(text):
        if match.end() - start >= least:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]


def _bytes_of(token: Any) -> bytes | None:
    """The bytes of one entry of `logprobs`: its `bytes`, else its `token`; None for what has none.

    A token may be a part of a character; its `token` is then an escape, so `bytes` goes first.
    """
    if not isinstance(token, dict):
        return None
    given = token.get("bytes")
    try:
        if isinstance(given, list):
            return bytes(given)
        text = token.get("token")
        return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else None
    except (TypeError, ValueError):
        return None


def by_token(text: str, tokens: list[Any], *, least: int = 1) -> Iterator[tuple[str, list[Any]]]:
    """The text by token, each piece with the entries of `logprobs` it is made of.

    A piece ends where the bytes so far are whole characters, so several tokens may share one.
    From the first token that does not fit the text on, what is left comes as one piece; text
    behind the last token comes by words, with no tokens. A piece's text may be "".
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
    start = position = taken = 0
    for number, token in enumerate(tokens):
        data = _bytes_of(token)
        try:
            fits = None if data is None else decoder.decode(data)
        except UnicodeDecodeError:
            fits = None
        if fits is None or not text.startswith(fits, position):
            break
        position += len(fits)
        if not decoder.getstate()[0]:
            yield text[start:position], tokens[taken : number + 1]
            start, taken = position, number + 1
    if taken < len(tokens):
        yield text[start:], tokens[taken:]
    else:
        yield from ((piece, []) for piece in words(text[start:], least=least))
