"""CHK: the fields of a chunk itself."""

from typing import Any

from tokentape.linting.base import shown
from tokentape.linting.state import Stream

REQUIRED = ("id", "object", "created", "model", "choices")
KNOWN = frozenset(
    {*REQUIRED, "usage", "service_tier", "system_fingerprint", "obfuscation", "moderation", "error"}
)
# The same in an answer that is not streamed, which has its own extras in the contract.
KNOWN_WHOLE = KNOWN | {"metadata", "request_id", "tool_choice", "seed", "top_p", "temperature"}
SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})
_TYPES: dict[str, tuple[type, str]] = {
    "id": (str, "a string"),
    "object": (str, "a string"),
    "created": (int, "an integer"),
    "model": (str, "a string"),
}


def is_error(payload: Any) -> bool:
    """Whether this payload brings an error: the SDK raises on any that is truthy."""
    return isinstance(payload, dict) and bool(payload.get("error"))


def check_error(stream: Stream, chunk: dict[str, Any]) -> None:
    """Note the error that came in place of a chunk, or in one."""
    error = chunk["error"]
    message = error.get("message") if isinstance(error, dict) else error
    stream.report("CHK214", f"an error within the stream: {shown(message, 200)}", "$.error")
    stream.errored = True


def is_prelude(chunk: dict[str, Any]) -> bool:
    """Whether this chunk only brings what a filter said of the prompt."""
    return chunk.get("choices") == [] and "prompt_filter_results" in chunk


def check_top(stream: Stream, chunk: dict[str, Any], *, whole: bool = False) -> None:
    """The fields beside the choices, of a chunk or of a `whole` answer."""
    report = stream.report
    missing = [name for name in REQUIRED if name not in chunk]
    if missing:
        report("CHK201", f"fields missing: {', '.join(missing)}", f"$.{missing[0]}")
    for name, (kind, words) in _TYPES.items():
        value = chunk.get(name)
        if name in chunk and (not isinstance(value, kind) or isinstance(value, bool)):
            report("CHK207", f"{name}: expected {words}, got {shown(value)}", f"$.{name}")
    _object(stream, chunk, "chat.completion" if whole else "chat.completion.chunk")
    _identity(stream, chunk)
    tier = chunk.get("service_tier")
    if tier is not None and (not isinstance(tier, str) or tier not in SERVICE_TIERS):
        report("CHK211", f"service_tier {shown(tier)} is none of the contract's", "$.service_tier")
    if is_prelude(chunk):
        report("CHK216", "a chunk with what a filter said of the prompt", "$.prompt_filter_results")
    known = KNOWN_WHOLE if whole else KNOWN
    if not known.issuperset(chunk):
        unknown = [name for name in chunk if name not in known and chunk[name] is not None]
        if unknown:
            stream.report_names("CHK215", "fields beside the contract's", unknown, "$")


def _object(stream: Stream, chunk: dict[str, Any], expected: str) -> None:
    value = chunk.get("object")
    if isinstance(value, str) and value != expected:
        stream.report("CHK202", f'object: expected "{expected}", got {shown(value)}', "$.object")


def _identity(stream: Stream, chunk: dict[str, Any]) -> None:
    """Id, created and model, against the first that said anything."""
    report = stream.report
    id_, created, model = chunk.get("id"), chunk.get("created"), chunk.get("model")
    if id_ == "":
        report("CHK204", "id is empty", "$.id")
    elif isinstance(id_, str):
        if not stream.id:
            stream.id = id_
        elif stream.id != id_:
            report("CHK203", f"id {shown(id_)}, in chunks before {shown(stream.id)}", "$.id")
    if created == 0:
        report("CHK206", "created is 0", "$.created")
    elif isinstance(created, int | float):
        if stream.created is None:
            stream.created = created
        elif stream.created != created:
            was = shown(stream.created)
            report("CHK205", f"created {shown(created)}, in chunks before {was}", "$.created")
    if model == "":
        report("CHK209", "model is empty", "$.model")
    elif isinstance(model, str):
        if not stream.model:
            stream.model = model
            if stream.asked.model and stream.asked.model != model:
                asked = shown(stream.asked.model)
                report("REQ805", f"asked for model {asked}, {shown(model)} answered", "$.model")
        elif stream.model != model:
            report(
                "CHK210", f"model {shown(model)}, in chunks before {shown(stream.model)}", "$.model"
            )


def check_obfuscation(stream: Stream, holder: dict[str, Any], json_path: str) -> None:
    """`obfuscation` belongs at the top of a chunk."""
    if "obfuscation" in holder:
        stream.report("CHK217", "obfuscation stands here, not at the top of the chunk", json_path)
