"""The short way for chunks that are like the one before."""

from operator import itemgetter
from typing import Any

from tokentape.linting.state import Stream

_STABLE = ("id", "object", "created", "model", "service_tier", "usage")


class Plain:
    """What a chunk was like that raised no question; one like it but for its text raises none.

    That is nearly every chunk of a stream, so it is asked with few and cheap comparisons.
    """

    __slots__ = (
        "_choice_keys",
        "_get",
        "_index",
        "_keys",
        "_stream",
        "_usage_keys",
        "_values",
    )

    def __init__(self, stream: Stream, payload: dict[str, Any], choice: dict[str, Any]) -> None:
        self._stream = stream
        # Names in their order: a list of them is compared faster than a set.
        self._keys = [*payload]
        # Two names at least, so that the getter gives a tuple.
        self._get = itemgetter(*(name for name in _STABLE if name in payload))
        self._values = self._get(payload)
        self._choice_keys = [*choice]
        self._index = choice["index"]
        self._usage_keys = int("usage" in payload)

    @classmethod
    def like(cls, stream: Stream, payload: dict[str, Any]) -> "Plain | None":
        """The pattern of this chunk, None where chunks like it have to be looked at each."""
        listed = payload.get("choices")
        if not isinstance(listed, list) or len(listed) != 1 or len(stream.choices) != 1:
            return None
        choice = listed[0]
        scalars = all(
            payload.get(name) is None or isinstance(payload[name], str | int) for name in _STABLE
        )
        if not isinstance(choice, dict) or not scalars or stream.asked.n != 1:
            return None
        index = choice.get("index")
        state = stream.choices.get(index) if type(index) is int else None
        if (
            state is None
            or not state.payload
            or not state.spoken
            or state.finish
            or state.logprobs is not None
            or stream.done
            or not _is_text(choice)
            or not {"id", "model"} <= payload.keys()
            or payload.get("usage") is not None
            or "error" in payload
        ):
            return None
        return cls(stream, payload, choice)

    def take(self, payload: Any) -> bool:
        """Whether this is such a chunk; then it counts as looked at."""
        try:
            if [*payload] != self._keys or self._get(payload) != self._values:
                return False
            (choice,) = payload["choices"]
            if [*choice] != self._choice_keys or choice["index"] is not self._index:
                return False
            delta = choice["delta"]
            content = delta["content"]
            if (
                type(content) is not str
                or not content
                or "<" in content
                or len(delta) != 1
                or choice.get("finish_reason") is not None
                or choice.get("logprobs") is not None
            ):
                return False
        except (AttributeError, KeyError, TypeError, ValueError):
            return False
        self._stream.chunks += 1
        self._stream.usage_keys += self._usage_keys
        return True


def _is_text(choice: dict[str, Any]) -> bool:
    """Whether it is a choice of nothing but text."""
    delta = choice.get("delta")
    return (
        type(delta) is dict
        and len(delta) == 1
        and type(delta.get("content")) is str
        and choice.get("finish_reason") is None
        and choice.get("logprobs") is None
    )
