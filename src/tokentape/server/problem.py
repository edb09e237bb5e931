"""Errors in the shape OpenAI's clients read, as whole HTTP responses."""

from typing import Any

import msgspec

from tokentape.model import phrase
from tokentape.texts import escaped

# The type of the error that tells a client that no exchange answers.
MISS = "tape_miss"
_END = "\r\n"


def problem(
    status: int,
    type: str,
    message: str,
    *,
    close: bool,
    head_only: bool = False,
    again: bool = False,
    more: dict[str, Any] | None = None,
) -> bytes:
    """An HTTP/1.1 response with `{"error": {"message", "type", "param", "code", …}}`.

    `x-should-retry: false` keeps OpenAI's SDKs from asking again what can't change; `again` leaves
    that to them.
    """
    message = escaped(message)
    error = {"message": message, "type": type, "param": None, "code": type, **(more or {})}
    body = msgspec.json.format(msgspec.json.encode({"error": error}), indent=2) + b"\n"
    head = (
        f"HTTP/1.1 {status} {phrase(status)}\r\n"
        "content-type: application/json\r\n"
        f"content-length: {len(body)}\r\n"
        f"{'' if again else 'x-should-retry: false' + _END}"
        f"{'connection: close' + _END if close else ''}\r\n"
    )
    return head.encode() + (b"" if head_only else body)
