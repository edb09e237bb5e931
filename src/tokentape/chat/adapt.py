"""Chunks as they were recorded, to those that other stream options would have brought."""

from collections.abc import Iterable
from typing import Any


def adapt(
    chunks: Iterable[Any], *, include_usage: bool | None, include_obfuscation: bool
) -> list[dict[str, Any]]:
    """These chunks as a request with these `stream_options` would have got them.

    - `include_usage` False: the chunk with the usage and no choices is left out, with whatever else
      it says, and so is every `usage` key.
    - `include_usage` True, and a usage stands in the chunks: it comes in a chunk of its own, the
      last, and the others have `usage: null`, as the contract has it. Where such a chunk is there
      already, the others keep theirs and only those without the key get `usage: null`. Where no
      usage is known nothing is added: none is invented, and null would promise one.
    - `include_usage` None: whatever there is of usage stays.
    - `include_obfuscation` False: `obfuscation` is left out, of choices too. True adds none,
      since it carries no meaning.

    A payload that is no chunk (an error, what is no object) stays as it is. The chunks given are
    not changed; the new ones share values with them.
    """
    found = [chunk if include_obfuscation else _without_obfuscation(chunk) for chunk in chunks]
    if include_usage is None:
        return found
    return _with_usage(found) if include_usage else _without_usage(found)


def _is_chunk(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("choices"), list)


def _is_usage_chunk(value: Any) -> bool:
    return _is_chunk(value) and not value["choices"] and value.get("usage") is not None


def _without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != name} if name in value else value


def _without_obfuscation(chunk: Any) -> Any:
    if not _is_chunk(chunk):
        return chunk
    bare = _without(chunk, "obfuscation")
    if any(isinstance(choice, dict) and "obfuscation" in choice for choice in chunk["choices"]):
        bare = bare | {
            "choices": [
                _without(choice, "obfuscation") if isinstance(choice, dict) else choice
                for choice in chunk["choices"]
            ]
        }
    return bare


def _without_usage(chunks: list[Any]) -> list[Any]:
    return [
        _without(chunk, "usage") if _is_chunk(chunk) else chunk
        for chunk in chunks
        if not _is_usage_chunk(chunk)
    ]


def _with_usage(chunks: list[Any]) -> list[Any]:
    known = [chunk for chunk in chunks if _is_chunk(chunk) and chunk.get("usage") is not None]
    if not known:
        return chunks
    if any(map(_is_usage_chunk, chunks)):
        return [{"usage": None} | chunk if _is_chunk(chunk) else chunk for chunk in chunks]
    kept = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
    last = known[-1]
    usage_chunk = {name: last[name] for name in kept if name in last}
    usage_chunk |= {"choices": [], "usage": last["usage"]}
    return [
        *(chunk | {"usage": None} if _is_chunk(chunk) else chunk for chunk in chunks),
        usage_chunk,
    ]
