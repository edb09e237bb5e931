"""DEL: what a delta brings. The same questions of a message, where they make sense."""

from typing import Any

from tokentape.linting.base import shown
from tokentape.linting.checks import tool
from tokentape.linting.checks.chunk import check_obfuscation
from tokentape.linting.state import MAX_NAMES, Choice, Stream

KNOWN = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "audio", "obfuscation"}
)
KNOWN_WHOLE = KNOWN | {"annotations"}
ROLES = frozenset({"developer", "system", "user", "assistant", "tool"})
# What a provider may hold reasoning in; each is an extension.
REASONING = ("reasoning", "reasoning_content")
_TAGS = ("reasoning", "think", "thinking")


def brings_payload(delta: dict[str, Any]) -> bool:
    """Whether anything but a role stands in it: text, reasoning, a tool call, audio."""
    get = delta.get
    return bool(
        get("content")
        or get("tool_calls")
        or get("reasoning_content")
        or get("reasoning")
        or get("reasoning_details")
        or get("refusal")
        or get("function_call")
        or get("audio")
    )


def is_reasoning(chunk: dict[str, Any]) -> bool:
    """Whether this chunk, which brings something, brings nothing but reasoning."""
    deltas = (c.get("delta") for c in chunk["choices"] if isinstance(c, dict))
    names = ("content", "tool_calls", "refusal", "function_call", "audio")
    return not any(d.get(name) for d in deltas if isinstance(d, dict) for name in names)


def check_delta(
    stream: Stream, state: Choice, delta: dict[str, Any], path: str, *, whole: bool
) -> bool:
    """One delta, or the message of a `whole` answer. Returns whether it brings anything."""
    brings = brings_payload(delta)
    content = delta.get("content")
    if not whole:
        _role(stream, state, delta, path, brings)
        _unindexed(stream, state, delta, path)
        check_obfuscation(stream, delta, f"{path}.obfuscation")
    if content is not None and not isinstance(content, str):
        stream.report(
            "DEL404", f"content: expected a string or null, got {shown(content)}", f"{path}.content"
        )
    if delta.get("refusal") == "":
        stream.report(
            "DEL406", "refusal is empty, where null says there is none", f"{path}.refusal"
        )
    _reasoning(stream, state, delta, path)
    known = KNOWN_WHOLE if whole else KNOWN
    if not known.issuperset(delta):
        unknown = [name for name in delta if name not in known and delta[name] is not None]
        if unknown:
            stream.report_names("DEL411", "fields beside the contract's", unknown, path)
    calls = delta.get("tool_calls")
    state.called = state.called or bool(calls)
    if isinstance(calls, list):
        check = tool.check_whole if whole else tool.check_fragments
        check(stream, state, calls, f"{path}.tool_calls")
    elif calls is not None:
        stream.report(
            "TOL505", f"tool_calls: expected an array, got {shown(calls)}", f"{path}.tool_calls"
        )
    if delta.get("function_call"):
        state.legacy_call = True
    if brings:
        state.payload = True
        if content or delta.get("refusal"):
            state.spoken = True
    return brings


def _role(stream: Stream, state: Choice, delta: dict[str, Any], path: str, brings: bool) -> None:
    role = delta.get("role")
    if role:
        if not isinstance(role, str) or role not in ROLES:
            stream.report("DEL403", f"role {shown(role)} is none of the contract's", f"{path}.role")
        if state.role:
            stream.report("DEL402", f"role {shown(role)} again", f"{path}.role")
        state.role = state.role or shown(role)
    elif brings and not state.role and not state.payload:
        if stream.asked.n > 1 or len(stream.choices) > 1:
            others = [i for i, choice in stream.choices.items() if choice.role]
            if others:
                stream.report(
                    "CHO306",
                    f"the choice begins without a role, choice {others[0]} had one: "
                    "its first chunks went elsewhere",
                    path,
                )
                return
        stream.report("DEL401", "the choice begins without a role", f"{path}.role")


def _unindexed(stream: Stream, state: Choice, delta: dict[str, Any], path: str) -> None:
    """Lists that the SDK can't accumulate: it looks for an `index` in each entry."""
    for name, value in delta.items():
        # Tool calls and content have rules of their own.
        if type(value) is not list or name in ("tool_calls", "content"):
            continue
        without = [e for e in value if isinstance(e, dict | list) and not _has_index(e)]
        if not without:
            continue
        if name in state.lists:
            at = f"{path}.{name}" if name.isidentifier() else f"{path}[{shown(name)}]"
            stream.report("DEL405", f"{shown(name)} comes again, its entries have no index", at)
        elif len(state.lists) < MAX_NAMES and len(name) < 200:
            state.lists = state.lists | {name}


def _has_index(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("index"), int)


def _reasoning(stream: Stream, state: Choice, delta: dict[str, Any], path: str) -> None:
    content = delta.get("content")
    if isinstance(content, str) and "<" in content:
        check_tags(stream, state, content, f"{path}.content")
    said: list[tuple[str, str]] = []
    for name in REASONING:
        value = delta.get(name)
        if isinstance(value, str) and value:
            said.append((name, value))
    details = delta.get("reasoning_details")
    if said and isinstance(details, list):
        texts = (e.get("text") or e.get("summary") for e in details if isinstance(e, dict))
        said.append(("reasoning_details", "".join(t for t in texts if isinstance(t, str))))
    if len(said) > 1 and said[0][1] == said[1][1]:
        stream.report(
            "DEL408",
            f"the same reasoning in {said[0][0]} and {said[1][0]}",
            f"{path}.{said[1][0]}",
        )


def check_tags(stream: Stream, state: Choice, content: str, path: str) -> None:
    """Reasoning that stands within the content, between tags."""
    for tag in _TAGS:
        if f"<{tag}>" in content:
            stream.report("DEL409", f"reasoning within the content, behind <{tag}>", path)
            if f"</{tag}>" in content:
                state.wrapped += 1
                if state.wrapped > 1:
                    stream.report(
                        "DEL410", f"a delta of its own between <{tag}> and </{tag}>", path
                    )
            return


def check_idle(stream: Stream, delta: dict[str, Any], choice: dict[str, Any], path: str) -> None:
    """A delta that changes nothing: no role, no content, no finish."""
    if choice.get("finish_reason") is not None or choice.get("logprobs"):
        return
    if all(value is None or value == "" for value in delta.values()):
        stream.report("DEL407", "the delta changes nothing", path)
