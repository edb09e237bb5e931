"""What kind of body a response has, by its content type or by how it begins."""

from tokentape.model import Headers, Response, header

EVENT_STREAM = "text/event-stream"
AMAZON_EVENT_STREAM = "application/vnd.amazon.eventstream"
NDJSON = ("application/x-ndjson", "application/jsonl", "application/stream+json")

_SAY_NOTHING = ("", "text/plain", "application/octet-stream")
_FIELDS = (b"data:", b"event:", b"id:", b":", b"retry:")


def media_type(headers: Headers) -> str:
    """The content type, lower case, without parameters; "" where there is none."""
    return (header(headers, "content-type") or "").partition(";")[0].strip().lower()


def begins_as_events(body: bytes) -> bool:
    """Whether a body begins as event streams do, whatever its type says it is."""
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_FIELDS)


def is_event_stream(response: Response) -> bool:
    """Whether the body is SSE, by its content type; by how it begins where that says nothing of
    what it is.
    """
    kind = media_type(response.headers)
    return kind == EVENT_STREAM or (kind in _SAY_NOTHING and begins_as_events(response.body))
