"""Connections to upstreams: opened, through a proxy where one is set, lent and taken back."""

import asyncio
import select
import ssl
from base64 import b64encode
from collections.abc import Callable
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from tokentape.errors import UsageError
from tokentape.server.link import Link
from tokentape.server.settings import Settings
from tokentape.server.upstream import Origin

# Shorter than any server's own limit, so that none closes a connection as a request goes out:
# one that may have been taken must not be sent again (RFC 9110, 9.2.2).
_IDLE_US = 4_000_000
_MAX_PROXY_HEAD = 16 * 1024


class Unreachable(Exception):
    """No connection could be made; says why."""


class Dial:
    """All connections of a server to its upstreams. Raises UsageError for a bad `ca_file`."""

    def __init__(
        self, settings: Settings, loop: asyncio.AbstractEventLoop, now_us: Callable[[], int]
    ) -> None:
        self.loop = loop
        self._now_us = now_us
        self._timeout_s = settings.upstream_timeout_s
        self._connect_timeout_s = settings.connect_timeout_s
        self._idle: dict[object, dict[Origin, Link]] = {}  # by the client whose requests they had
        self._proxies = getproxies()
        self._ca_file = settings.ca_file
        self._tls: ssl.SSLContext | None = None
        if settings.ca_file is not None:
            self._tls = self._context()

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise UsageError(
                f"--ca-file {self._ca_file}: expected certificates in PEM ({error})"
            ) from None
        context.set_alpn_protocols(["http/1.1"])
        return context

    def lend(self, origin: Origin, client: object) -> Link | None:
        """The connection that this client's last request to the origin left open.

        Never another client's: a client that opens a connection expects the upstream to see a new
        one, and not to hear of an upstream that closed somebody else's a moment ago.
        """
        link = self._idle.get(client, {}).pop(origin, None)
        if link is None or link.transport.is_closing():
            return None
        if self._now_us() - link.idle_us > _IDLE_US or _is_readable(link):
            link.drop()
            return None
        return link

    def take_back(self, link: Link) -> None:
        """Keep a connection for its client's next request."""
        self._idle.setdefault(link.client, {})[link.origin] = link

    def left(self, client: object) -> None:
        """The client is gone: nobody will use its connections again."""
        for link in self._idle.pop(client, {}).values():
            link.drop()

    def forget(self, link: Link) -> None:
        """The connection is closed."""
        idle = self._idle.get(link.client)
        if idle and idle.get(link.origin) is link:
            del idle[link.origin]

    def sweep(self) -> None:
        """Close what nobody used for a while."""
        now_us = self._now_us()
        for idle in list(self._idle.values()):
            for link in [link for link in idle.values() if now_us - link.idle_us > _IDLE_US]:
                link.drop()

    def close(self) -> None:
        for client in list(self._idle):
            self.left(client)

    async def open(self, origin: Origin) -> Link:
        """A new connection. Raises Unreachable."""
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._connect(origin)
        except TimeoutError:
            why = f"no connection within {self._connect_timeout_s:g} s"
        except ssl.SSLCertVerificationError as error:
            why = f"its certificate is not trusted: {error.verify_message}; see --ca-file"
        except ssl.SSLError as error:
            why = f"TLS failed: {error.reason or error}"
        except OSError as error:
            why = error.strerror or str(error)
        except UnicodeError as error:
            why = f"its name can't be looked up: {error}"
        raise Unreachable(why)

    async def _connect(self, origin: Origin) -> Link:
        def link() -> Link:
            return Link(self, origin, self._now_us, self._timeout_s)

        if origin.tls and self._tls is None:
            self._tls = self._context()
        proxy = self._proxy(origin)
        if proxy is not None:
            return await self._through(proxy, origin, link())
        _, made = await self.loop.create_connection(
            link,
            origin.host,
            origin.port,
            ssl=self._tls if origin.tls else None,
            server_hostname=origin.host if origin.tls else None,
        )
        return made

    def _proxy(self, origin: Origin) -> str | None:
        proxy = self._proxies.get("https" if origin.tls else "http") or self._proxies.get("all")
        if not proxy or proxy_bypass(f"{origin.host}:{origin.port}"):
            return None
        return proxy

    async def _through(self, proxy: str, origin: Origin, link: Link) -> Link:
        """A tunnel through an HTTP proxy (RFC 9110, 9.3.6), to http upstreams too."""
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        if parts.scheme not in ("", "http") or not parts.hostname:
            raise OSError(f"expected a proxy's URL to be http://HOST:PORT, got {parts.scheme}://…")
        transport, tunnel = await self.loop.create_connection(
            _Tunnel, parts.hostname, parts.port or 80
        )
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
        if parts.username is not None:
            given = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {b64encode(given.encode()).decode()}")
        try:
            transport.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))
            await tunnel.ready
            if origin.tls:
                assert self._tls is not None
                secured = await self.loop.start_tls(
                    transport, link, self._tls, server_hostname=origin.host
                )
                assert secured is not None
                link.transport = secured
            else:
                transport.set_protocol(link)
                link.connection_made(transport)
        except BaseException:
            transport.abort()
            raise
        return link


def _is_readable(link: Link) -> bool:
    """Whether the other side said something unasked: mostly that it closes."""
    descriptor = link.transport.get_extra_info("socket").fileno()
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class _Tunnel(asyncio.Protocol):
    """A proxy's answer to CONNECT."""

    def __init__(self) -> None:
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head:
            line = self._head.partition(b"\r\n")[0].decode("latin-1")
            if line.split(" ")[1:2] == ["200"]:
                self._settle(None)
            else:
                self._settle(OSError(f"the proxy answers {line!r}"))
        elif len(self._head) > _MAX_PROXY_HEAD:
            self._settle(OSError("the proxy's answer is no HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._settle(OSError("the proxy closed the connection"))

    def _settle(self, error: OSError | None) -> None:
        if self.ready.done():
            return
        if error is None:
            self.ready.set_result(None)
        else:
            self.ready.set_exception(error)
