"""The file names that llama-stack (OGX) looks its recordings up by: hashes of the request.

The name of a recording that exists is the authority: some were made by older rules.
"""

import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from tokentape.errors import FormatError
from tokentape.formats import plain_json
from tokentape.formats.fields import fingerprint, mapping
from tokentape.limits import DEFAULT_LIMITS
from tokentape.model import Exchange

NAME = "llama-stack"
# Model lists are shared by all tests: their hash leaves the test out.
_SHARED = ("/api/tags", "/v1/models", "/v1/openai/v1/models")
_HEX = "[a-f0-9]"
_UUID = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
# In this order; each takes out what differs between two runs of the same test.
_VOLATILE = (
    (re.compile(r"score:\s*[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?"), "score: __NORMALIZED__"),
    (re.compile(r",?\s*attributes:\s*\{[^}]*\}"), ""),
    (re.compile(rf"document_id:\s*{_UUID}"), "document_id: __NORMALIZED__"),
    (re.compile(rf"<\|{_UUID}\|>"), "<|__NORMALIZED__|>"),
)
_LONG_DECIMAL = re.compile(r"-?\d+\.\d{4,}")


def file_name(exchange: Exchange) -> str:
    """The name of the file that llama-stack would keep this exchange in.

    Raises FormatError where the request body is not JSON.
    """
    kept = plain_json.kept(exchange.extra, NAME)
    request = exchange.request
    body = plain_json.load(request.body or b"null", DEFAULT_LIMITS)
    url = urlsplit_path(request.url)
    if request.url.startswith("tool:///"):
        provider, _, tool = request.url.removeprefix("tool:///").partition("/")
        named = {"provider": unquote(provider), "tool_name": unquote(tool), "kwargs": body}
        return f"{_hash(named)}.json"
    if kept.get("kind") == "http" or not isinstance(body, dict):
        return f"{_hash(_http_key(exchange, body))}.json"
    arguments = body | mapping(kept.get("transport"), "transport")
    endpoint = request_endpoint(exchange, kept)
    key = {
        "method": request.method.upper(),
        "endpoint": url,
        "body": _normal(arguments, drop_stream_options="bedrock" in _host(request.url)),
    }
    if url not in _SHARED:
        key["test_id"] = exchange.scope
    digest = _hash(key)
    if endpoint in _SHARED:
        return f"models-{digest}-{_models_digest(exchange)}.json"
    return f"{digest}.json"


def request_endpoint(exchange: Exchange, kept: dict[str, Any]) -> str:
    """The SDK's path, which the recorder put behind the base URL."""
    request = mapping(mapping(kept.get("node"), "extra.node").get("request"), "extra.node.request")
    endpoint = request.get("endpoint")
    if isinstance(endpoint, str) and kept.get("url_digest") == fingerprint(exchange.request.url):
        return endpoint
    return urlsplit_path(exchange.request.url)


def urlsplit_path(url: str) -> str:
    """The path of a URL, the whole text where it is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _http_key(exchange: Exchange, payload: Any) -> dict[str, Any]:
    return {
        "test_id": exchange.scope,
        "url": exchange.request.url,
        "method": exchange.request.method.upper(),
        "payload": _normal(payload),
    }


def _hash(key: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _normal(value: Any, *, root: bool = True, drop_stream_options: bool = False) -> Any:
    if isinstance(value, dict):
        found = {key: _normal(item, root=False) for key, item in value.items()}
        if drop_stream_options:
            found.pop("stream_options", None)
        if root:
            for key in ("extra_body", "extra_query"):
                if isinstance(found.get(key), dict):
                    found[key].pop("project_id", None)
        return found
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, float):
        return round(value, 5)
    if isinstance(value, str):
        for pattern, replacement in _VOLATILE:
            value = pattern.sub(replacement, value)
        return _LONG_DECIMAL.sub(lambda match: f"{float(match.group()):.5f}", value)
    return value


def _models_digest(exchange: Exchange) -> str:
    body = plain_json.load(exchange.body or b"null", DEFAULT_LIMITS)
    listed = mapping(body, "response body")
    items, key = (listed["models"], "model") if "models" in listed else (listed.get("data"), "id")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise FormatError("expected a list of models as the response body")
    names = sorted({str(item.get(key)) for item in items})
    return hashlib.sha256("|".join(names).encode()).hexdigest()[:8]
