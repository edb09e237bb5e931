"""What the fields of a vcrpy interaction mean, for the reader and the writer."""

from typing import Any

from tokentape.formats import fields

NAME = "vcrpy"
# The shape of a body that stands as the values it was parsed into.
PARSED = "parsed"


def method(request: dict[str, Any]) -> str:
    """The method, in upper case: some recorders wrote `post`."""
    return fields.text(request.get("method"), "request.method").upper()


def status(node: dict[str, Any]) -> int:
    """The status code, of vcrpy's shape or of old httpx."""
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
    return fields.as_text(node.get("http_version")) or None
