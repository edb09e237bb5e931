"""Where requests go on to: the upstreams, which one a path means, and what is sent there."""

import re
from urllib.parse import urlsplit

import msgspec

from tokentape.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TAKEN = ("v1", "_tape")
_SIGV4 = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")

# Of a request: what is said to the next hop only (RFC 9110, 7.6.1), or said anew here. `expect`
# was answered when the body came in.
_NOT_SENT = frozenset(
    (
        b"connection",
        b"expect",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_CONTROL = b"x-tokentape-"
_KEY_HEADERS = frozenset((b"authorization", b"api-key", b"x-api-key"))
# What clients that insist on a key are given where none is needed.
PLACEHOLDERS = frozenset(
    (
        *("", "anything", "changeme", "dummy", "empty", "fake", "key", "na", "n/a", "no-key"),
        *("no-key-needed", "no-key-required", "none", "none-needed", "not-needed", "not-required"),
        *("null", "placeholder", "secret", "test", "tokentape", "undefined", "unused", "x", "xx"),
        *("xxx", "xxxx"),
    )
)

Pairs = list[tuple[bytes, bytes]]


class Upstream(msgspec.Struct, frozen=True):
    """A server that requests are forwarded to.

    `url` ends in `/v1`, or whatever stands there in its place. `key` is sent as a bearer token
    where the client sent none, or a placeholder. `sigv4` ("REGION/SERVICE") signs each request
    for AWS in place of a key. Raises UsageError for a name or URL that can't be one.
    """

    name: str
    url: str
    key: str | None = None
    sigv4: str | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name in _TAKEN:
            raise UsageError(
                f"expected an upstream's name of letters, digits, `_`, `.` and `-` that is not "
                f"{' or '.join(_TAKEN)}, got {self.name!r}"
            )
        try:
            parts = urlsplit(self.url)
            fits = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            fits = False
        if not fits or re.search(r"[\s\x00-\x1f\x7f]", self.url):
            raise UsageError(
                f"upstream {self.name}: expected a URL such as https://api.example.com/v1, "
                f"got {self.url!r}"
            )
        if parts.query or parts.fragment or parts.username is not None:
            raise UsageError(
                f"upstream {self.name}: expected a URL without user, query and fragment; "
                "a key is given with --upstream-key"
            )
        if self.sigv4 is not None and not _SIGV4.fullmatch(self.sigv4):
            raise UsageError(
                f"upstream {self.name}: expected sigv4 to be REGION/SERVICE such as "
                f"us-east-1/bedrock, got {self.sigv4!r}"
            )

    def __repr__(self) -> str:
        key = None if self.key is None else "…"
        return f"Upstream(name={self.name!r}, url={self.url!r}, key={key}, sigv4={self.sigv4!r})"


class Origin(msgspec.Struct, frozen=True):
    """What a connection leads to."""

    tls: bool
    host: str
    port: int


class Site:
    """An upstream, taken apart for sending: the parts that are the same for each request."""

    def __init__(self, upstream: Upstream) -> None:
        parts = urlsplit(upstream.url)
        tls = parts.scheme == "https"
        host = parts.hostname or ""
        try:
            host.encode("ascii")
        except UnicodeEncodeError:
            host = host.encode("idna").decode("ascii")
        shown = f"[{host}]" if ":" in host else host
        if parts.port is not None and parts.port != (443 if tls else 80):
            shown += f":{parts.port}"
        self.upstream = upstream
        self.name = upstream.name
        self.origin = Origin(tls, host, parts.port or (443 if tls else 80))
        self.host = shown.encode("ascii")
        self.root = f"{parts.scheme}://{shown}"
        self._base = parts.path.rstrip("/").encode("utf-8")
        self._key = upstream.key.encode("latin-1", "replace") if upstream.key else None

    def target(self, rest: bytes) -> bytes:
        """The request target for what the client asked for behind `/v1`."""
        return self._base + rest or b"/"

    def headers(self, asked: Pairs, size: int, *, has_body: bool) -> Pairs:
        """The client's headers as they are sent on: in their order, in their case."""
        dropped = _NOT_SENT
        for name, value in asked:
            if name.lower() == b"connection":
                dropped = dropped | {part.strip().lower() for part in value.split(b",")}
        sent: Pairs = []
        hosted = sized = False
        for name, value in asked:
            lowered = name.lower()
            if lowered == b"host":
                if not hosted:
                    sent.append((name, self.host))
                hosted = True
            elif lowered == b"content-length":
                if not sized:
                    sent.append((name, b"%d" % size))
                sized = True
            elif lowered not in dropped and not lowered.startswith(_CONTROL):
                sent.append((name, value))
        if not hosted:
            sent.insert(0, (b"Host", self.host))
        if has_body and not sized:
            sent.append((b"Content-Length", b"%d" % size))
        return self._with_key(sent) if self._key else sent

    def _with_key(self, sent: Pairs) -> Pairs:
        assert self._key is not None
        place = None
        for at, (name, value) in enumerate(sent):
            if name.lower() in _KEY_HEADERS:
                if not is_placeholder(value):
                    return sent
                place = at
        if place is None:
            return [*sent, (b"Authorization", b"Bearer " + self._key)]
        name = sent[place][0]
        sent[place] = (name, b"Bearer " * (name.lower() == b"authorization") + self._key)
        return sent


class Sites:
    """All upstreams of a server, by the beginning of a path."""

    def __init__(self, upstreams: tuple[Upstream, ...]) -> None:
        self.all = [Site(upstream) for upstream in upstreams]
        self._by_name = {site.name.encode(): site for site in self.all}

    def number(self, target: bytes) -> int | None:
        """The place of the site that a request target means among all, or None."""
        found = self.find(target)
        return None if found is None else self.all.index(found[0])

    def find(self, target: bytes) -> tuple[Site, bytes] | None:
        """The site that a request target means and what is asked of it, or None."""
        if target[:3] == b"/v1":
            site, rest = self.all[0], target[3:]
        else:
            name, _, rest = target[1:].partition(b"/")
            found = self._by_name.get(name)
            if found is None or target[:1] != b"/" or rest[:2] != b"v1":
                return None
            site, rest = found, rest[2:]
        return (site, rest) if rest[:1] in (b"", b"/", b"?") else None

    def expected(self) -> str:
        """What a path must begin with, for the message to who sent another."""
        return " or ".join(["/v1/…", *(f"/{site.name}/v1/…" for site in self.all)])


def is_placeholder(value: bytes) -> bool:
    """Whether the value of a key header stands for no key."""
    text = value.decode("latin-1").strip().lower()
    text = text.removeprefix("bearer").strip().removeprefix("sk-")
    return text in PLACEHOLDERS
