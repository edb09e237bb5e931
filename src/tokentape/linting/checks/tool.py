"""TOL: tool calls and their fragments."""

from typing import Any

from tokentape import view
from tokentape.linting.base import shown
from tokentape.linting.state import MAX_ARGUMENTS, MAX_NAME, MAX_TOOLS, Call, Choice, Stream


def check_fragments(stream: Stream, state: Choice, calls: list[Any], path: str) -> None:
    """The fragments in one delta."""
    seen: set[int] = set()
    for position, fragment in enumerate(calls):
        at = f"{path}[{position}]"
        if not isinstance(fragment, dict):
            stream.report("TOL505", f"expected an object, got {shown(fragment)}", at)
            continue
        index = fragment.get("index")
        if "index" not in fragment:
            stream.report("TOL501", "a fragment without an index", f"{at}.index")
            continue
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < MAX_TOOLS:
            stream.report(
                "TOL502",
                f"index: expected an integer from 0 to {MAX_TOOLS - 1}, got {shown(index)}",
                f"{at}.index",
            )
            continue
        if index in seen:
            stream.report("TOL515", f"index {index} twice in one chunk", f"{at}.index")
        seen.add(index)
        if "type" in fragment and fragment["type"] is None:
            stream.report("TOL509", "type is null, where a fragment leaves it out", f"{at}.type")
        _fragment(stream, state, index, fragment, at)


def _fragment(
    stream: Stream, state: Choice, index: int, fragment: dict[str, Any], path: str
) -> None:
    part = "function" if isinstance(fragment.get("function"), dict) else "custom"
    function = fragment.get(part)
    function = function if isinstance(function, dict) else {}
    id_, name = fragment.get("id"), function.get("name")
    call = state.calls.get(index)
    if call is None:
        if index > len(state.calls):
            stream.report(
                "TOL513", f"tool call {index} comes before {len(state.calls)}", f"{path}.index"
            )
        call = state.calls[index] = Call()
        _begin(stream, call, id_, name, path, part)
    else:
        _go_on(stream, call, id_, name, path, part)
    call.fragments += 1
    call.custom = call.custom or "input" in function or fragment.get("type") == "custom"
    field = "input" if call.custom else "arguments"
    arguments = function.get(field)
    if isinstance(arguments, str):
        _keep(stream, call, arguments)
    elif arguments is not None:
        # What is not all there is not judged.
        call.arguments = None
        expected = "a string" if call.custom else "a string of JSON"
        stream.report(
            "TOL514",
            f"{field}: expected {expected}, got {shown(arguments)}",
            f"{path}.{part}.{field}",
        )


def _begin(stream: Stream, call: Call, id_: Any, name: Any, path: str, part: str) -> None:
    if isinstance(id_, str) and id_:
        call.id = shown(id_)
    else:
        stream.report("TOL503", "a tool call begins without an id", f"{path}.id")
    if isinstance(name, str) and name:
        _name(stream, call, name, f"{path}.{part}.name")
    else:
        stream.report("TOL504", "a tool call begins without a name", f"{path}.function.name")


def _name(stream: Stream, call: Call, name: str, path: str) -> None:
    """The first name of a call."""
    call.name = name[:MAX_NAME]
    offered = stream.asked.tools
    call.unsure = False
    if offered is None or name in offered:
        return
    if any(each.startswith(name) for each in offered):
        # It may go on in the next fragment.
        call.unsure = True
    else:
        stream.report("TOL512", f"tool {shown(name)} was not offered", path)


def _go_on(stream: Stream, call: Call, id_: Any, name: Any, path: str, part: str) -> None:
    """The id and the name of a fragment that is not the first under its index."""
    if id_ and call.id and shown(id_) != call.id:
        stream.report("TOL506", f"id {shown(id_)} under the index of {call.id}", f"{path}.index")
        # Another call begins here. What the two say together is nothing to judge.
        call.id, call.name, call.arguments = shown(id_), "", None
    elif id_ and call.id:
        stream.report("TOL507", f"id {shown(id_)} again", f"{path}.id")
    elif isinstance(id_, str):
        call.id = shown(id_) if id_ else ""
    if not name:
        return
    at = f"{path}.{part}.name"
    if not isinstance(name, str) or name == call.name:
        stream.report("TOL508", f"name {shown(name)} again", at)
    elif not call.name:
        _name(stream, call, name, at)
    else:
        joined = (call.name + name)[:MAX_NAME]
        stream.report(
            "TOL508",
            f"name {shown(name)} after {shown(call.name)}: joined, {shown(joined)}",
            at,
        )
        call.name = joined


def _keep(stream: Stream, call: Call, arguments: str) -> None:
    if call.arguments is None or not arguments:
        return
    stream.kept += len(arguments)
    if stream.kept > MAX_ARGUMENTS:
        call.arguments = None
        return
    call.arguments.append(arguments)
    # A list of many small strings costs more than the text in it.
    if len(call.arguments) == 4096:
        call.arguments[:] = ["".join(call.arguments)]


def check_whole(stream: Stream, state: Choice, calls: list[Any], path: str) -> None:
    """The tool calls of an answer that is not streamed."""
    for position, call in enumerate(calls[:MAX_TOOLS]):
        at = f"{path}[{position}]"
        if isinstance(call, dict):
            # Their place is their index; none of OpenAI's has one.
            _fragment(stream, state, position, call, at)
        else:
            stream.report("TOL505", f"expected an object, got {shown(call)}", at)


def check_finish(stream: Stream, state: Choice, reason: str, path: str) -> None:
    """Whether the reason agrees with what was called; whether what was called is whole."""
    if reason == "stop" and state.called and not stream.asked.tool_forced:
        stream.report("CHO315", "finish_reason is stop, but tools were called", path)
    if reason == "tool_calls" and not state.called and not state.legacy_call:
        stream.report("CHO316", "finish_reason is tool_calls, but no tool was called", path)


def end_calls(stream: Stream, *, streamed: bool) -> None:
    """What only the end of a call shows."""
    for index, choice in stream.choices.items():
        for number, call in choice.calls.items():
            path = f"$.choices[{index}]"
            text = None if call.arguments is None else "".join(call.arguments)
            if streamed and call.fragments == 1 and text:
                stream.report_stream(
                    "TOL510", f"tool call {number} of choice {index} came in one fragment", path
                )
            offered = stream.asked.tools or frozenset()
            if call.unsure and choice.finish and call.name not in offered:
                stream.report_stream("TOL512", f"tool {shown(call.name)} was not offered", path)
            whole = choice.finish in ("tool_calls", "stop")
            if whole and text is not None and not call.custom and not _is_json(text):
                stream.report_stream(
                    "TOL511",
                    f"the arguments of tool call {number} of choice {index} are no JSON: "
                    f"{shown(text)}",
                    path,
                )


def _is_json(text: str) -> bool:
    return text.strip() == "null" or view.parse_json(text) is not None
