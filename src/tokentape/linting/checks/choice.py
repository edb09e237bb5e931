"""CHO: the choices of a chunk, their indexes and how they finish."""

from typing import Any

from tokentape.linting.base import shown
from tokentape.linting.checks import delta as deltas
from tokentape.linting.checks import logprobs, mixing, tool
from tokentape.linting.checks.chunk import check_obfuscation
from tokentape.linting.state import MAX_CHOICES, Choice, Stream

KNOWN = frozenset({"index", "delta", "finish_reason", "logprobs", "obfuscation"})
KNOWN_WHOLE = frozenset({"index", "message", "finish_reason", "logprobs"})
FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})


def check_choices(stream: Stream, chunk: dict[str, Any], *, whole: bool = False) -> bool:
    """All choices of a chunk, or of a `whole` answer. Returns whether one brings anything."""
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        if "choices" in chunk:
            stream.report(
                "CHK208", f"choices: expected an array, got {shown(choices)}", "$.choices"
            )
        return False
    brings = False
    for position, choice in enumerate(choices):
        path = f"$.choices[{position}]"
        if isinstance(choice, dict):
            brings = _choice(stream, choice, path, whole) or brings
        else:
            stream.report("CHO304", f"expected an object, got {shown(choice)}", path)
    return brings


def find(stream: Stream, choice: dict[str, Any], path: str) -> Choice | None:
    """The state of the choice that this is a part of; None where its index can't be one."""
    index = choice.get("index")
    if "index" not in choice:
        stream.report("CHO301", "a choice without an index", f"{path}.index")
        index = 0
    elif not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < MAX_CHOICES:
        stream.report(
            "CHO303",
            f"index: expected an integer from 0 to {MAX_CHOICES - 1}, got {shown(index)}",
            f"{path}.index",
        )
        stream.strays = True
        return None
    elif stream.asked.known and index >= stream.asked.n:
        stream.report(
            "CHO305",
            f"choice {index}, where {stream.asked.n} {'was' if stream.asked.n == 1 else 'were'} "
            "asked for",
            f"{path}.index",
        )
    found = stream.choices.get(index)
    if found is None:
        found = stream.choices[index] = Choice()
    return found


def _choice(stream: Stream, choice: dict[str, Any], path: str, whole: bool) -> bool:
    state = find(stream, choice, path)
    check_obfuscation(stream, choice, f"{path}.obfuscation")
    known = KNOWN_WHOLE if whole else KNOWN
    if not known.issuperset(choice):
        unknown = [name for name in choice if name not in known and choice[name] is not None]
        if unknown:
            stream.report_names("CHO318", "fields beside the contract's", unknown, path)
    if state is None:
        return False
    field = "message" if whole else "delta"
    node = choice.get(field)
    brings = False
    if isinstance(node, dict):
        brings = deltas.check_delta(stream, state, node, f"{path}.{field}", whole=whole)
    else:
        got = shown(node) if field in choice else "none"
        stream.report("CHO317", f"{field}: expected an object, got {got}", f"{path}.{field}")
    logprobs.check_logprobs(stream, state, choice, node, path)
    _finish(stream, state, choice, path, brings, whole)
    if isinstance(node, dict) and not whole:
        if brings:
            mixing.note(stream, state, node)
        else:
            deltas.check_idle(stream, node, choice, f"{path}.delta")
    return brings


def _finish(
    stream: Stream, state: Choice, choice: dict[str, Any], path: str, brings: bool, whole: bool
) -> None:
    if "finish_reason" not in choice:
        stream.report("CHO313", "a choice without the key finish_reason", f"{path}.finish_reason")
    reason = choice.get("finish_reason")
    if state.finish and not whole:
        stream.report("CHO309", f'the choice finished before ("{state.finish}")', path)
        if brings:
            stream.report("CHO310", "the choice goes on after its finish", path)
    if reason is None:
        return
    if not isinstance(reason, str) or reason not in FINISHES:
        stream.report(
            "CHO311",
            f"finish_reason {shown(reason)} is none of the contract's",
            f"{path}.finish_reason",
        )
        if not isinstance(reason, str) or not reason:
            return
    if state.finish:
        stream.report("CHO308", f"finish_reason {shown(reason)} again", f"{path}.finish_reason")
        return
    state.finish = shown(reason)[1:-1]
    if brings and not whole:
        stream.report("CHO312", f"finish_reason {shown(reason)} with content", path)
    tool.check_finish(stream, state, reason, f"{path}.finish_reason")


def end_choices(stream: Stream, *, over: bool) -> None:
    """What only the end shows; `over` is whether the provider had its say to the end."""
    known = sorted(stream.choices)
    if known and known[-1] + 1 != len(known):
        missing = next(index for index in range(known[-1]) if index not in stream.choices)
        stream.report_stream("CHO302", f"choice {missing} never came, choice {known[-1]} did")
    silent = [i for i in known if not stream.choices[i].role and not stream.choices[i].payload]
    if silent and len(silent) < len(known) and any(c.role for c in stream.choices.values()):
        stream.report_stream(
            "CHO306", f"choice {silent[0]} has neither a role nor content, others have"
        )
    if not over or not (stream.chunks or stream.errored or stream.done):
        return
    open_ = [index for index in known if not stream.choices[index].finish]
    if open_:
        stream.report_stream("CHO307", f"choice {open_[0]} never had a finish_reason")
        stream.recount("CHO307", len(open_))
    elif not known and not stream.strays:
        stream.report_stream("CHO307", "no choice came, and no finish_reason")
    # How many came under indexes that are none is not known.
    told = stream.asked.n > 1 and not stream.errored and not stream.strays
    if told and len(known) < stream.asked.n:
        stream.report_stream(
            "REQ803", f"asked for {stream.asked.n} choices, got {len(known)}", "$.n"
        )
