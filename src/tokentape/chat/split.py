"""A completion to the chunks that stream it: the inverse of `assemble`."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from tokentape import sse
from tokentape.chat.cutting import by_token, words
from tokentape.errors import UsageError
from tokentape.texts import json_bytes

DONE = b"data: [DONE]\n\n"

_ON_EVERY_CHUNK = ("id", "object", "created", "model", "service_tier", "system_fingerprint")
_SPOKEN = ("content", "refusal")  # `logprobs` has a list for each
_REASONING = ("reasoning", "reasoning_content")
# So many pieces at most, and one more for each text: a chunk takes about 1 KB of memory.
_MOST_PIECES = 1 << 16
# A multiple of four, so that each piece of audio is whole base64.
_AUDIO_PIECE = 1 << 14

Delta = dict[str, Any]


def split(completion: dict[str, Any], *, include_usage: bool = False) -> list[dict[str, Any]]:
    """The `chat.completion.chunk` objects that say what this completion says.

    A choice begins with its role and the empty or null `content` and `refusal`, and with every
    field of the message that is not cut. Then come, in this order: reasoning, content, refusal,
    annotations, audio, a function call, tool calls (each one's id and name, then its arguments),
    and `{}` with the `finish_reason` and the choice's other fields. Text with `logprobs` is cut
    where its tokens are, other text at words (see `cutting`). Of several choices each gives one
    chunk in turn, in the order they stand. Fields of the completion that are not of the contract
    stand on the first chunk.

    With `include_usage`, and where the completion has the key, there is one more chunk with the
    usage and no choices, and `usage: null` on all others; without, there is no usage at all.
    No usage is invented, nor is obfuscation. Values that are not cut are shared with the
    completion, not copied.

    `assemble(split(c, include_usage=True)) == c` for every completion that assembling can give:

    - `object` is `chat.completion`; nothing is called `obfuscation`;
    - choices have a `finish_reason` and an int as `index`, each another, and stand in its order;
      none has a `delta` beside its message;
    - messages have a `role`, not empty, and a `content` or, in its place, a call or audio;
    - tool calls are objects without `index`;
    - of the parts of a `content` or a thought, all objects, no two of one type follow each other;
    - no two `reasoning_details`, all objects, have the same `index` and `type`.

    Raises UsageError where this is no completion: `choices` is not a list of objects, each with
    a `message` that is one.

    Source: OpenAI's streams, and its API description of `chat.completion.chunk`.
    """
    choices = _choices(completion)
    head = {name: completion[name] for name in _ON_EVERY_CHUNK if name in completion}
    head |= {"object": "chat.completion.chunk"}
    with_usage = include_usage and "usage" in completion
    tail = {"usage": None} if with_usage else {}
    least = sum(_length(choice["message"]) for choice in choices) // _MOST_PIECES
    streams = [_choice(choice, place, least) for place, choice in enumerate(choices)]
    chunks = [{**head, "choices": [choice], **tail} for choice in _in_turn(streams)]
    if not chunks:
        chunks = [{**head, "choices": [], **tail}]
    ours = {*_ON_EVERY_CHUNK, "choices", "usage"}
    chunks[0] |= {name: value for name, value in completion.items() if name not in ours}
    if with_usage and completion["usage"] is not None:
        chunks.append({**head, "choices": [], "usage": completion["usage"]})
    return chunks


def frames(chunks: Iterable[Any]) -> list[bytes]:
    """The frames of an event stream that bring these chunks, then `[DONE]`.

    Raises UsageError for a chunk that JSON can't hold.
    """
    return [*map(_frame, chunks), DONE]


def _frame(chunk: Any) -> bytes:
    try:
        return sse.render(json_bytes(chunk))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(f"expected chunks that JSON can hold; got one it can't: {error}") from None


def _choices(completion: Any) -> list[dict[str, Any]]:
    """The completion's choices, each an object with a message. Raises UsageError."""
    if not isinstance(completion, dict):
        raise UsageError(f"expected a completion, an object; got {type(completion).__name__}")
    choices = completion.get("choices")
    if not isinstance(choices, list):
        raise UsageError(
            f"expected a completion with a list as `choices`; got {type(choices).__name__}"
        )
    for place, choice in enumerate(choices):
        if not isinstance(choice, dict) or not isinstance(choice.get("message"), dict):
            raise UsageError(
                f"expected a completion with an object as `choices[{place}].message`; chunks have "
                "a `delta`, and are streamed as they are"
            )
    return choices


def _length(message: dict[str, Any]) -> int:
    """How many characters of this message are cut into pieces."""
    holders = [message, message.get("function_call"), message.get("audio")]
    calls: Any = message.get("tool_calls")
    holders += [call.get("function") for call in calls] if _are_objects(calls) else []
    return sum(
        len(holder[name])
        for holder in holders
        if isinstance(holder, dict)
        for name in (*_REASONING, *_SPOKEN, "arguments", "transcript")
        if isinstance(holder.get(name), str)
    )


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _in_turn(streams: list[Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """One item of each in turn, until all have ended."""
    while streams:
        left = []
        for stream in streams:
            for item in itertools.islice(stream, 1):
                yield item
                left.append(stream)
        streams = left


def _choice(choice: dict[str, Any], place: int, least: int) -> Iterator[dict[str, Any]]:
    """One choice's part of each of its chunks."""
    index = choice.get("index")
    index = index if type(index) is int else place
    message = choice["message"]
    logprobs: Any = choice.get("logprobs")
    # The tokens go with the text; the first chunk says which lists of them there are.
    begun = (
        {name: [] if _tokens(logprobs, name) else value for name, value in logprobs.items()}
        if isinstance(logprobs, dict)
        else logprobs
    )

    def part(delta: Delta, logprobs: Any = None) -> dict[str, Any]:
        known = {"logprobs": logprobs} if "logprobs" in choice else {}
        return {"index": index, "delta": delta, **known, "finish_reason": None}

    yield part(_begin(message), begun)
    yield from map(part, _reasoning(message, least))
    for name in _SPOKEN:
        for delta, tokens in _spoken(message, name, _tokens(logprobs, name), least):
            yield part(delta, _lists(logprobs, name, tokens))
    yield from map(part, _attached(message, least))
    yield from map(part, _called(message, least))
    ours = {"index", "message", "delta", "logprobs"}
    rest = {name: value for name, value in choice.items() if name not in ours}
    if any(value is not None or name != "finish_reason" for name, value in rest.items()):
        yield part({}) | rest


def _tokens(logprobs: Any, name: str) -> list[Any]:
    tokens = logprobs.get(name) if isinstance(logprobs, dict) and name in _SPOKEN else None
    return tokens if isinstance(tokens, list) else []


def _lists(logprobs: Any, name: str, tokens: list[Any]) -> dict[str, Any] | None:
    """A chunk's `logprobs`: these tokens for one text, null for the other."""
    if not tokens:
        return None
    return {key: tokens if key == name else None for key in _SPOKEN if key in logprobs}


def _comes_later(name: str, value: Any) -> bool:
    """Whether this field of a message is brought by chunks behind the first."""
    match name:
        case "content":
            return bool(value) and (isinstance(value, str) or _are_objects(value))
        case "refusal" | "reasoning" | "reasoning_content":
            return bool(value) and isinstance(value, str)
        case "reasoning_details" | "annotations" | "tool_calls":
            return bool(value) and _are_objects(value)
        case "function_call" | "audio":
            return isinstance(value, dict)
        case _:
            return False


def _begin(message: dict[str, Any]) -> Delta:
    """The first delta: the role, empty text, and what is not cut."""
    delta: Delta = {}
    for name, value in message.items():
        if not _comes_later(name, value):
            delta[name] = value
        elif name == "content" and isinstance(value, str):
            delta[name] = ""
        elif name == "refusal":
            delta[name] = None
    return delta


def _later(message: dict[str, Any], name: str) -> Any:
    value = message.get(name)
    return value if _comes_later(name, value) else None


def _reasoning(message: dict[str, Any], least: int) -> Iterator[Delta]:
    texts = {name: _later(message, name) for name in _REASONING}
    names = [name for name, text in texts.items() if text is not None]
    # Providers that have both fields say the same in both, in the same chunk.
    groups = [names] if len(set(texts.values())) == 1 else [[name] for name in names]
    for group in groups:
        for piece in words(texts[group[0]], least=least) if group else ():
            yield dict.fromkeys(group, piece)
    if (details := _later(message, "reasoning_details")) is not None:
        # In one chunk: the official client can't add entries without an index to a list.
        yield {"reasoning_details": details}


def _spoken(
    message: dict[str, Any], name: str, tokens: list[Any], least: int
) -> Iterator[tuple[Delta, list[Any]]]:
    """The deltas of `content` or `refusal`, each with its tokens."""
    text = _later(message, name)
    if isinstance(text, list):
        yield from (({name: [part]}, []) for part in text)
        text = None
    for piece, its_tokens in by_token(text or "", tokens, least=least):
        yield {name: piece} if piece else {}, its_tokens


def _attached(message: dict[str, Any], least: int) -> Iterator[Delta]:
    """Annotations in one delta; audio: its id, the transcript, the data, when it expires."""
    if (annotations := _later(message, "annotations")) is not None:
        yield {"annotations": annotations}
    if (audio := _later(message, "audio")) is None:
        return
    transcript, data = audio.get("transcript"), audio.get("data")
    cut = {"transcript"} if isinstance(transcript, str) and transcript else set()
    cut |= {"data"} if isinstance(data, str) and data else set()
    yield {"audio": {name: audio[name] for name in audio if name not in {*cut, "expires_at"}}}
    if "transcript" in cut:
        yield from ({"audio": {"transcript": piece}} for piece in words(transcript, least=least))
    if "data" in cut:
        for start in range(0, len(data), _AUDIO_PIECE):
            yield {"audio": {"data": data[start : start + _AUDIO_PIECE]}}
    if "expires_at" in audio:
        yield {"audio": {"expires_at": audio["expires_at"]}}


def _called(message: dict[str, Any], least: int) -> Iterator[Delta]:
    """The function call, then the tool calls: all but the arguments, then these."""
    if (function := _later(message, "function_call")) is not None:
        begun, arguments = _without_arguments(function)
        yield {"function_call": begun}
        for piece in words(arguments, least=least):
            yield {"function_call": {"arguments": piece}}
    for place, call in enumerate(_later(message, "tool_calls") or ()):
        begun, arguments = {**call, "index": place}, ""
        if isinstance(call.get("function"), dict):
            begun["function"], arguments = _without_arguments(call["function"])
        yield {"tool_calls": [begun]}
        for piece in words(arguments, least=least):
            yield {"tool_calls": [{"index": place, "function": {"arguments": piece}}]}


def _without_arguments(function: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The function with empty arguments, and the arguments to cut."""
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        return function, ""
    return {**function, "arguments": ""}, arguments
