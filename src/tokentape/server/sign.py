"""Requests signed for AWS (Signature Version 4), by botocore, where an upstream asks for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from importlib import import_module
from typing import Any

from tokentape.errors import UsageError
from tokentape.server.dial import Unreachable
from tokentape.server.upstream import Pairs, Site

_SIGNED = frozenset((b"content-type", b"accept"))
_REPLACED = frozenset(
    (b"authorization", b"x-amz-date", b"x-amz-security-token", b"x-amz-content-sha256")
)


class Signer:
    """Finds credentials where AWS's own tools do. Raises UsageError where botocore is missing."""

    def __init__(self, worker: Executor) -> None:
        try:
            auth = import_module("botocore.auth")
            request = import_module("botocore.awsrequest")
            exceptions = import_module("botocore.exceptions")
            session = import_module("botocore.session")
        except ImportError:
            raise UsageError(
                "signing for AWS needs botocore: pip install 'tokentape[aws]'"
            ) from None
        self._worker = worker
        self._auth: Callable[..., Any] = auth.SigV4Auth
        self._request: Callable[..., Any] = request.AWSRequest
        self._error: type[Exception] = exceptions.BotoCoreError
        self._session: Any = session.Session()

    async def sign(self, site: Site, method: str, url: str, headers: Pairs, body: bytes) -> Pairs:
        """The headers with a signature in place of any key. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        # Credentials may have to be fetched or read from disk.
        added = await loop.run_in_executor(
            self._worker, self._added, site, method, url, headers, body
        )
        return [pair for pair in headers if pair[0].lower() not in _REPLACED] + added

    def _added(self, site: Site, method: str, url: str, headers: Pairs, body: bytes) -> Pairs:
        region, _, service = (site.upstream.sigv4 or "").partition("/")
        signed = {n.decode(): v.decode("latin-1") for n, v in headers if n.lower() in _SIGNED}
        request = self._request(method=method, url=url, data=body, headers=signed)
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise Unreachable("no AWS credentials are set (AWS_ACCESS_KEY_ID, a profile, …)")
            frozen = credentials.get_frozen_credentials()
            self._auth(frozen, service, region).add_auth(request)
        except self._error as error:
            raise Unreachable(f"it can't be signed for AWS: {error}") from None
        return [
            (name.encode(), value.encode())
            for name, value in request.headers.items()
            if name.lower().encode() in _REPLACED
        ]
