"""What is taken out of an exchange before it is written: by header name, by pattern, by path."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from tokentape.model import Headers
from tokentape.redact.paths import Paths
from tokentape.redact.patterns import MARK, WORD, Patterns

# Headers that no secret stands in; `*` is any ending. All others are left out of the tape.
SAFE_HEADERS = (
    *("accept", "accept-encoding", "accept-language", "accept-ranges", "access-control-*"),
    *("age", "allow", "alt-svc", "anthropic-beta", "anthropic-version", "cache-control"),
    *("cf-cache-status", "connection", "content-encoding", "content-language"),
    *("content-length", "content-range", "content-type", "date", "etag", "expires", "host"),
    *("keep-alive", "last-modified", "link", "location", "openai-beta", "openai-model"),
    *("openai-processing-ms", "openai-version", "pragma", "ratelimit", "ratelimit-*"),
    *("request-id", "retry-after", "retry-after-ms", "server", "server-timing"),
    *("strict-transport-security", "trailer", "transfer-encoding", "user-agent", "vary", "via"),
    *("warning", "x-accel-*", "x-amzn-requestid", "x-content-type-options"),
    *("x-envoy-upstream-service-time", "x-ms-region", "x-powered-by", "x-ratelimit-*"),
    *("x-request-id", "x-robots-tag", "x-should-retry", "x-stainless-*"),
)
# Names of a query's parameters whose values are secrets whatever they look like.
_SECRET_NAME = re.compile(
    r"(?i)(?:[\w.-]*(?:key|token|secret|password|signature|credential|auth|authorization|sig|code)"
    # Shorter ones are whole words of a name: `bypass` and `compass` are none.
    r"|(?:[\w.-]*[_.-])?(?:pass|passwd|pw|pwd|jwt|session|session_?id))"
)
# Headers that are a URL, and where one stands in `Link` (RFC 8288, 3).
_URL_HEADERS = frozenset(("location", "content-location", "operation-location", "referer"))
_LINK = re.compile("<([^>]*)>")

_KEPT = 2048  # texts of which it is known what becomes of them, of at most so many characters:
_MOST_KEPT = 500


class Redaction:
    """One set of rules, applied to recordings before disk and to live requests on replay alike."""

    def __init__(
        self,
        patterns: Patterns | None = None,
        paths: Paths | None = None,
        safe_headers: Iterable[str] = (),
    ) -> None:
        self.patterns = patterns if patterns is not None else Patterns()
        self.paths = paths if paths is not None else Paths()
        self._texts: dict[str, str] = {}
        self._urls: dict[str, str] = {}
        self._scopes: dict[str, str] = {}
        names = [name.lower() for name in (*SAFE_HEADERS, *safe_headers)]
        self._safe = frozenset(name for name in names if not name.endswith("*"))
        self._safe_beginnings = tuple(name[:-1] for name in names if name.endswith("*"))

    @property
    def fingerprint(self) -> str:
        """A text that is another for rules that redact URLs or bodies otherwise."""
        return repr((_SECRET_NAME.pattern, WORD, self.patterns.patterns, self.paths.paths))

    def headers(self, headers: Headers) -> Headers:
        """Those on the list of safe ones, secrets in their values redacted."""
        return tuple(
            (name, self._value(name.lower(), value))
            for name, value in headers
            if name.lower() in self._safe or name.lower().startswith(self._safe_beginnings)
        )

    def _value(self, name: str, value: str) -> str:
        """A header's value redacted; `name` in small letters."""
        if name in _URL_HEADERS:
            return self.url(value)
        if name == "link":
            value = _LINK.sub(lambda match: f"<{self.url(match[1])}>", value)
        return self.text(value)

    def text(self, value: str) -> str:
        """Text with secrets redacted."""
        return _remembered(value, self._texts, self._text)

    def _text(self, value: str) -> str:
        return self.patterns.redact(value.encode("latin-1", "replace")).decode("latin-1")

    def scope(self, scope: str) -> str:
        """A scope's name with secrets redacted."""
        return _remembered(scope, self._scopes, self._scope)

    def _scope(self, scope: str) -> str:
        return self.patterns.redact(scope.encode("utf-8", "surrogatepass")).decode(
            "utf-8", "surrogatepass"
        )

    def url(self, url: str) -> str:
        """A URL without credentials, its secret parameters and whatever looks like one redacted."""
        return _remembered(url, self._urls, self._url)

    def _url(self, url: str) -> str:
        try:
            parts = urlsplit(url)
        except ValueError:
            before, mark, query = url.partition("?")
            return self._text(before + mark + self._parameters(query))
        host = parts.netloc.rpartition("@")[2]
        path = "/".join(map(self._encoded, parts.path.split("/")))
        clean = parts._replace(
            netloc=host,
            path=path,
            query=self._parameters(parts.query),
            fragment=self._parameters(parts.fragment),
        )
        # Put together again, a URL may lose what means nothing, such as an empty query.
        return self._text(url if clean == parts else urlunsplit(clean))

    def _parameters(self, query: str) -> str:
        return "".join(map(self._parameter, re.split("([?&;])", query)))

    def _parameter(self, parameter: str) -> str:
        name, equals, value = parameter.partition("=")
        if equals and _SECRET_NAME.fullmatch(unquote(name)):
            return f"{name}={MARK.decode()}"
        return self._encoded(name) + equals + self._encoded(value, plus=" ")

    def _encoded(self, text: str, plus: str = "+") -> str:
        """A part of a URL, in which a secret may hide behind percent signs (RFC 3986, 2.1)."""
        plain = unquote(text.replace("+", plus), encoding="latin-1")
        clean = self._text(plain)
        return text if clean == plain else quote(clean, safe="", encoding="latin-1")

    def body(self, body: bytes) -> bytes:
        """A whole body, JSON or JSON by lines by path, then any by pattern."""
        return self.patterns.redact(self.paths.redact_lines(body) if self.paths else body)


def _remembered(value: str, known: dict[str, str], redact: Callable[[str], str]) -> str:
    """Headers and URLs come again with each request: what becomes of them is kept."""
    found = known.get(value)
    if found is None:
        found = redact(value)
        if len(value) <= _MOST_KEPT:
            if len(known) >= _KEPT:
                known.clear()
            known[value] = found
    return found
