"""Completions made up for tests: any that assembling can give, by Hypothesis."""

import itertools
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# A whole completion takes a while to make up on a machine that is busy.
UNHURRIED = settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])

# No lone surrogates: JSON text that holds one is refused before it gets here.
letters = st.characters(exclude_categories=["Cs"])
texts = st.one_of(
    st.text(letters, max_size=30),
    st.lists(
        st.sampled_from(["The", " quick", "  fox", "\n", "né", " 😀👩‍👧", "{}"]), max_size=12
    ).map("".join),
)
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(letters, max_size=6), inner, max_size=3),
    ),
    max_leaves=4,
)
unknown = st.dictionaries(
    st.sampled_from(["x_one", "x_two", "citations", "stop_reason", "native_finish_reason"]),
    json_values,
    max_size=2,
)


def _token(data: bytes) -> dict[str, Any]:
    token = data.decode("utf-8", "backslashreplace")
    return {"token": token, "bytes": list(data), "logprob": -0.5, "top_logprobs": []}


@st.composite
def tokens_of(draw: st.DrawFn, text: str) -> list[dict[str, Any]]:
    """The entries of `logprobs` for this text, cut at any byte; at times they do not fit."""
    data = text.encode()
    places = draw(st.lists(st.integers(0, len(data)), max_size=8))
    edges = [0, *sorted(places), len(data)]
    tokens = [_token(data[start:end]) for start, end in itertools.pairwise(edges)]
    how = draw(st.sampled_from(["fit", "fit", "fit", "short", "long", "no bytes"]))
    if how == "short":
        return tokens[:-1]
    if how == "long":
        return [*tokens, _token(b"<|end|>")]
    if how == "no bytes":
        return [token | {"bytes": None} for token in tokens]
    return tokens


@st.composite
def _logprobs(draw: st.DrawFn, message: dict[str, Any]) -> dict[str, Any] | None:
    lists = {}
    for name in ("content", "refusal"):
        text = message.get(name)
        given = tokens_of(text) if isinstance(text, str) else st.just([])
        lists[name] = draw(st.none() | given)
    return draw(st.none() | st.just(lists))


functions = st.fixed_dictionaries({"name": st.text(letters, min_size=1), "arguments": texts})
calls = st.fixed_dictionaries(
    {"id": st.text(letters, min_size=1), "type": st.just("function"), "function": functions}
)
_custom_calls = st.fixed_dictionaries(
    {
        "id": st.text(letters, min_size=1),
        "type": st.just("custom"),
        "custom": st.fixed_dictionaries({"name": texts, "input": texts}),
    }
)
_calls = st.builds(lambda call, more: call | more, calls | _custom_calls, unknown)
audio = st.fixed_dictionaries(
    {
        "id": st.text(letters, min_size=1),
        "data": st.binary(max_size=40).map(bytes.hex),
        "transcript": texts,
        "expires_at": st.integers(1, 2**31),
    }
)
annotations = st.fixed_dictionaries(
    {
        "type": st.just("url_citation"),
        "url_citation": st.fixed_dictionaries({"url": texts, "title": texts}),
    }
)


@st.composite
def _details(draw: st.DrawFn) -> list[dict[str, Any]]:
    kinds = st.sampled_from(["reasoning.text", "reasoning.summary", "reasoning.encrypted"])
    keys = draw(st.lists(st.tuples(st.integers(0, 3), kinds), max_size=3, unique=True))
    return [
        {"type": kind, "index": index, draw(st.sampled_from(["text", "summary", "data"])): "words"}
        for index, kind in keys
    ]


@st.composite
def _parts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Parts of two kinds in turn."""
    said = draw(st.lists(st.text(letters, min_size=1), min_size=1, max_size=4))
    thinking = draw(st.booleans())
    parts: list[dict[str, Any]] = []
    for number, text in enumerate(said):
        if thinking ^ (number % 2 == 0):
            parts.append({"type": "text", "text": text})
        else:
            parts.append({"type": "thinking", "thinking": [{"type": "text", "text": text}]})
    return parts


def _messages(*, plain: bool) -> st.SearchStrategy[dict[str, Any]]:
    required = {
        "role": st.just("assistant"),
        "content": st.none() | texts if plain else st.none() | texts | _parts(),
        "refusal": st.none() | texts,
    }
    optional = {
        "reasoning": st.none() | texts,
        "reasoning_content": st.none() | texts,
        "annotations": st.lists(annotations, max_size=1 if plain else 3),
        "audio": st.none() | audio,
        "function_call": st.none() | functions,
        "tool_calls": st.none() | st.lists(calls if plain else _calls, max_size=3),
    }
    if plain:
        return st.fixed_dictionaries(required, optional=optional)
    optional |= {"reasoning_details": _details(), "images": st.lists(json_values, max_size=2)}
    whole = st.fixed_dictionaries(required, optional=optional)
    same = whole.map(lambda message: message | {"reasoning_content": message.get("reasoning")})
    return st.builds(lambda message, more: message | more, whole | same, unknown)


@st.composite
def _choice(draw: st.DrawFn, index: int, *, plain: bool) -> dict[str, Any]:
    message = draw(_messages(plain=plain))
    reasons = st.sampled_from(["stop", "length", "tool_calls", "content_filter"])
    choice = {"index": index, "message": message, "finish_reason": draw(reasons)}
    if plain or draw(st.booleans()):
        choice["logprobs"] = draw(_logprobs(message))
    return choice if plain else choice | draw(unknown)


usages = st.fixed_dictionaries(
    {
        "prompt_tokens": st.integers(0, 10**6),
        "completion_tokens": st.integers(0, 10**6),
        "total_tokens": st.integers(0, 10**6),
    }
)


@st.composite
def completions(draw: st.DrawFn, *, plain: bool = False) -> dict[str, Any]:
    """A completion; a plain one holds only what the official client's types know of."""
    count = draw(st.sampled_from([1, 1, 1, 2, 2, 3, 4]))
    indexes = list(range(count))
    if not plain:
        indexes = sorted(
            draw(st.lists(st.integers(0, 10**9), min_size=count, max_size=count, unique=True))
        )
    usage = (
        usages if plain else usages | st.builds(lambda known, more: known | more, usages, unknown)
    )
    completion = draw(
        st.fixed_dictionaries(
            {
                "id": st.text(letters, min_size=1),
                "object": st.just("chat.completion"),
                "created": st.integers(1, 2**31),
                "model": st.text(letters, min_size=1),
                "choices": st.tuples(*(_choice(index, plain=plain) for index in indexes)).map(list),
            },
            optional={
                "usage": st.none() | usage,
                "service_tier": st.none() | st.just("default"),
                "system_fingerprint": st.none() | st.just("fp_1"),
            },
        )
    )
    return completion if plain else draw(unknown) | completion
