"""What the fields of a vcrpy interaction mean, for the reader and the writer."""

from typing import Any

from tokentape.formats import fields, plain_json
from tokentape.model import Headers

NAME = "vcrpy"


def method(request: dict[str, Any]) -> str:
    """The method, in upper case: some recorders wrote `post`."""
    return fields.text(request.get("method"), "request.method").upper()


def headers(value: Any, what: str) -> Headers:
    """Headers; a value that is a collection itself is given as its JSON."""
    return fields.header_pairs(
        {
            name: [_json(item) for item in values] if isinstance(values, list) else _json(values)
            for name, values in fields.mapping(value, what).items()
        },
        what,
    )


def _json(value: Any) -> Any:
    return plain_json.compact(value).decode() if isinstance(value, (dict, list)) else value


def has_nested_header(node: dict[str, Any]) -> bool:
    """Whether a header of this request or response has such a value."""
    return any(
        isinstance(item, (dict, list))
        for values in fields.mapping(node.get("headers"), "headers").values()
        for item in (values if isinstance(values, list) else [values])
    )


def started(node: dict[str, Any]) -> str | None:
    """The wall-clock start in UTC, which cassetter keeps; None where it is not known."""
    found = node.get("recorded_at")
    return fields.moment(found) if isinstance(found, str) else None


def status(node: dict[str, Any]) -> int:
    """The status code: in a mapping to vcrpy, plain to cassetter and to old httpx."""
    found = node.get("status")
    if isinstance(found, dict):
        return fields.status(found.get("code"), "response.status.code")
    return fields.status(node.get("status_code", found), "response.status")


def reason(node: dict[str, Any]) -> str | None:
    """The reason phrase; it may be left empty."""
    found = node.get("status")
    return fields.as_text(found.get("message")) or None if isinstance(found, dict) else None


def http_version(node: dict[str, Any]) -> str | None:
    """The HTTP version, which only old httpx cassettes hold."""
    return fields.http_version(node.get("http_version"))
