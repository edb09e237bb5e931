"""What a URL asks for, whichever prefix a provider or a gateway puts before it."""

from urllib.parse import unquote

CHAT = "/chat/completions"

# An ending stands before those it ends with: a chat completion is no text completion.
_ENDINGS = (
    CHAT,
    "/completions",
    "/responses",
    "/messages/count_tokens",
    "/messages",
    "/embeddings",
    "/moderations",
    "/rerank",
    "/images/generations",
    "/audio/speech",
    "/audio/transcriptions",
    "/models",
    "/generate_content_stream",
    "/generate_content",
)


def operation(url: str) -> str:
    """The operation of a full URL or a request target; any text gives some answer.

    A known ending of the path (`/chat/completions`, query ignored); for Gemini the part from the
    last `/models/` on (`/models/gemini-2.5-pro:generateContent`); for Bedrock the part from the
    last `/model/` on; else the path from its last `/v1/` on, or the whole of it, with its query
    parameters sorted.
    """
    target = url.partition("#")[0]
    scheme, separator, rest = target.partition("://")
    if separator and "/" not in scheme and "?" not in scheme:
        # An authority without a path asks for the root; one without a host is all path.
        slash = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        target = rest[slash:]
    path, _, query = target.partition("?")
    path = path.rstrip("/") or "/"
    for ending in _ENDINGS:
        if path.endswith(ending):
            return ending
    at = path.rfind("/models/")
    if at >= 0:
        # A colon may come escaped: clients differ, the model is the same.
        tail = unquote(path[at:])
        if ":" in tail:
            return tail
    at = path.rfind("/model/")
    if at >= 0:
        return unquote(path[at:])
    path = path[max(path.rfind("/v1/"), 0) :]
    if query:
        return path + "?" + "&".join(sorted(query.split("&")))
    return path
