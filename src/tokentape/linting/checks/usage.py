"""USG: usage, when it comes and whether it adds up."""

from typing import Any

from tokentape.chat.pieces import usage_of
from tokentape.linting.base import shown
from tokentape.linting.checks.chunk import is_prelude
from tokentape.linting.state import Stream

KNOWN = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    }
)

_GIVEN = "usage is given in this stream, and the key is not there"
_ASKED = "usage was asked for, and the key is not there"


def check_usage(stream: Stream, chunk: dict[str, Any], *, whole: bool = False) -> None:
    """The usage of one chunk, or of a `whole` answer."""
    usage = chunk.get("usage")
    if "usage" in chunk or is_prelude(chunk):
        stream.usage_keys += 1
    elif stream.bare is None:
        stream.bare = (stream.event, stream.offset)
        if stream.asked.include_usage and not whole:
            stream.report("USG607", _ASKED, "$.usage")
    if usage is None:
        stream.usage_beside = stream.usage_beside or usage_of(chunk) is not None
        return
    if not isinstance(usage, dict):
        stream.report("USG610", f"usage: expected an object, got {shown(usage)}", "$.usage")
        return
    stream.usages += 1
    stream.usage, stream.usage_chunk = usage, stream.chunks
    stream.usage_event, stream.usage_offset = stream.event, stream.offset
    if not KNOWN.issuperset(usage):
        unknown = [name for name in usage if name not in KNOWN and usage[name] is not None]
        if unknown:
            stream.report_names("USG611", "fields beside the contract's", unknown, "$.usage")
    if whole:
        return
    if stream.asked.known and stream.asked.stream and not stream.asked.include_usage:
        stream.report("USG602", "usage came, and was not asked for", "$.usage")
    if chunk.get("choices") and not stream.asked.continuous_usage:
        stream.report("USG603", "usage on a chunk with choices", "$.usage")


def tokens(usage: dict[str, Any], name: str, details: str | None = None) -> int | None:
    """A count of the usage, or of the details in it; None where it is no count."""
    holder = usage.get(details) if details else usage
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def end_usage(stream: Stream, *, over: bool, streamed: bool) -> None:
    """What only the end shows: how often usage came, whether last, and its sums."""
    if streamed:
        _times(stream, over)
        # Chunks that are like the one before are not looked at again, so they are counted here.
        stream.recount("USG607", stream.chunks - stream.usage_keys)
    usage = stream.usage
    if usage is None:
        return
    stream.event, stream.offset = stream.usage_event, stream.usage_offset
    prompt, completion = tokens(usage, "prompt_tokens"), tokens(usage, "completion_tokens")
    total = tokens(usage, "total_tokens")
    reasoning = tokens(usage, "reasoning_tokens", "completion_tokens_details")
    if None not in (prompt, completion, total) and total != (prompt or 0) + (completion or 0):
        stream.report(
            "USG608",
            f"total_tokens is {shown(total)}, prompt_tokens and completion_tokens are "
            f"{shown(prompt)} + {shown(completion)}",
            "$.usage.total_tokens",
        )
    if reasoning is not None and completion is not None and reasoning > completion:
        stream.report(
            "USG609",
            f"reasoning_tokens {shown(reasoning)} of {shown(completion)} completion_tokens",
            "$.usage.completion_tokens_details.reasoning_tokens",
        )
    limit = stream.asked.max_tokens
    if limit is not None and completion is not None and completion > limit * stream.asked.n:
        stream.report(
            "REQ804",
            f"{shown(completion)} completion_tokens, at most {limit * stream.asked.n} asked for",
            "$.usage.completion_tokens",
        )


def _times(stream: Stream, over: bool) -> None:
    told = stream.usages or stream.usage_beside
    if told and stream.bare is not None and not stream.asked.include_usage:
        event, offset = stream.bare
        stream.report("USG607", _GIVEN, "$.usage", event=event, offset=offset)
    if not stream.usages:
        # A stream that broke or failed had no chance to say.
        if stream.asked.include_usage and over and stream.chunks and not stream.errored:
            stream.report_stream("USG601", "usage was asked for and never came", "$.usage")
        return
    stream.event, stream.offset = stream.usage_event, stream.usage_offset
    if stream.usages > 1 and not stream.asked.continuous_usage:
        if stream.usages > 2 and stream.usages >= stream.chunks - 1:
            stream.report(
                "USG605", f"usage on {stream.usages} of {stream.chunks} chunks", "$.usage"
            )
        else:
            stream.report("USG604", f"usage came {stream.usages} times", "$.usage")
    if stream.usage_chunk != stream.chunks:
        behind = stream.chunks - stream.usage_chunk
        stream.report("USG606", f"chunks come after usage: {behind}", "$.usage")
