"""What a request asked for, as far as rules compare it with the answer."""

from typing import Any

import msgspec

from tokentape import view
from tokentape.model import Request


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`known` is False where the recording has no request body; then nothing else says anything.

    `n` is 1 where the request does not say. `max_tokens` is the smaller of the two limits.
    `tool_forced`: `tool_choice` names the tool, or demands one, so that the finish may be "stop".
    `tools`: the names offered, None where there is no list.
    """

    known: bool = False
    url: str = ""
    stream: bool = False
    model: str = ""
    n: int = 1
    include_usage: bool = False
    continuous_usage: bool = False
    max_tokens: int | None = None
    logprobs: bool = False
    tool_forced: bool = False
    tools: frozenset[str] | None = None


def _count(value: Any) -> int | None:
    plain = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**12
    return value if plain else None


def _names(tools: Any) -> frozenset[str] | None:
    if not isinstance(tools, list):
        return None
    found: set[str] = set()
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, dict) else None
        inner = tool.get(kind) if isinstance(tool, dict) and isinstance(kind, str) else None
        name = inner.get("name") if isinstance(inner, dict) else None
        if not isinstance(name, str):
            # A tool of the provider's own: its calls may have any name.
            return None
        found.add(name)
    return frozenset(found)


def asked(request: Request) -> Asked:
    """What this request asked for."""
    body = view.parse_json(request.body) if request.body else None
    if not isinstance(body, dict):
        return Asked(url=request.url)
    options = body.get("stream_options")
    options = options if isinstance(options, dict) else {}
    limits = [_count(body.get(key)) for key in ("max_tokens", "max_completion_tokens")]
    model = body.get("model")
    return Asked(
        known=True,
        url=request.url,
        stream=body.get("stream") is True,
        model=model if isinstance(model, str) else "",
        n=_count(body.get("n")) or 1,
        include_usage=options.get("include_usage") is True,
        continuous_usage=options.get("continuous_usage_stats") is True,
        max_tokens=min((limit for limit in limits if limit is not None), default=None),
        logprobs=body.get("logprobs") is True,
        tool_forced=isinstance(body.get("tool_choice"), dict)
        or body.get("tool_choice") == "required",
        tools=_names(body.get("tools")),
    )
