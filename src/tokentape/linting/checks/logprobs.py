"""LGP: log probabilities, and whether they are those of the text."""

from typing import Any

from tokentape.linting.base import shown
from tokentape.linting.state import Choice, Stream

# Text that waits for its logprobs, or logprobs for their text: past this it is no delay.
_MAX_WAITING = 1 << 16


class Compared:
    """Text and tokens of a choice, less the part in which they are known to agree."""

    __slots__ = ("came", "lost", "text", "tokens")

    def __init__(self) -> None:
        self.text = b""
        self.tokens = b""
        self.came = False  # any; where they were asked for, text may wait for the first
        self.lost = False


def check_logprobs(
    stream: Stream, state: Choice, choice: dict[str, Any], node: Any, path: str
) -> None:
    """The logprobs of one choice, against the content beside them."""
    logprobs = choice.get("logprobs")
    content = node.get("content") if isinstance(node, dict) else None
    if logprobs is None:
        awaited = state.logprobs is not None or stream.asked.logprobs
        if awaited and isinstance(content, str) and content:
            _compare(stream, _kept(state, content), content, [], path)
        return
    if not isinstance(logprobs, dict):
        stream.report("LGP704", f"expected an object, got {shown(logprobs)}", f"{path}.logprobs")
        return
    missing = [name for name in ("content", "refusal") if name not in logprobs]
    if missing:
        stream.report(
            "LGP703", f"logprobs without {' and '.join(missing)}", f"{path}.logprobs.{missing[0]}"
        )
    tokens = logprobs.get("content")
    if tokens is not None and not isinstance(tokens, list):
        stream.report(
            "LGP704", f"expected an array, got {shown(tokens)}", f"{path}.logprobs.content"
        )
    elif tokens or logprobs.get("refusal") or state.logprobs is not None:
        kept = _kept(state, content)
        kept.came = kept.came or bool(tokens or logprobs.get("refusal"))
        _compare(stream, kept, content, tokens or [], path)


def _kept(state: Choice, content: Any) -> Compared:
    found: Compared | None = state.logprobs
    if found is None:
        found = state.logprobs = Compared()
        # Text that came before was not kept.
        found.lost = state.spoken and not content
    return found


def _compare(stream: Stream, kept: Compared, content: Any, tokens: list[Any], path: str) -> None:
    if kept.lost:
        return
    if isinstance(content, str):
        kept.text += content.encode("utf-8", "surrogatepass")
    kept.tokens += b"".join(map(_bytes, tokens))
    agreed = min(len(kept.text), len(kept.tokens))
    differs = kept.text[:agreed] != kept.tokens[:agreed]
    if differs or max(len(kept.text), len(kept.tokens)) - agreed > _MAX_WAITING:
        if kept.came:
            _mismatch(stream, kept, f"{path}.logprobs.content")
        kept.lost = True
        kept.text = kept.tokens = b""
        return
    kept.text, kept.tokens = kept.text[agreed:], kept.tokens[agreed:]


def _bytes(token: Any) -> bytes:
    if not isinstance(token, dict):
        return b""
    listed = token.get("bytes")
    if isinstance(listed, list) and listed:
        try:
            return bytes(listed)
        except (TypeError, ValueError):
            return b""
    text = token.get("token")
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else b""


def _mismatch(stream: Stream, kept: Compared, path: str | None) -> None:
    text = kept.text[:40].decode("utf-8", "replace")
    tokens = kept.tokens[:40].decode("utf-8", "replace")
    stream.report("LGP702", f"the text is {shown(text)}, its tokens are {shown(tokens)}", path)


def end_logprobs(stream: Stream) -> None:
    """Whether what was asked for came, and whether it was all."""
    for choice in stream.choices.values():
        kept = choice.logprobs
        if kept is None or not kept.came:
            if stream.asked.logprobs and choice.spoken and not stream.errored:
                stream.report_stream("LGP701", "logprobs were asked for and never came")
        elif not kept.lost and (kept.text or kept.tokens):
            stream.event = stream.offset = None
            _mismatch(stream, kept, None)
