"""What the server tells of itself: models, health, journal, metrics."""

from math import isinf
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tokentape.server import metrics
from tokentape.server.deck import Deck


def _json(value: Any, status: int = 200) -> Response:
    body = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    return Response(body, status, media_type="application/json")


def build(deck: Deck) -> Starlette:
    """The app for /v1/models and /_tape/{health,journal,metrics}."""
    models = {
        "object": "list",
        "data": [
            {"id": name, "object": "model", "created": 0, "owned_by": "tokentape"}
            for name in deck.library.models()
        ],
    }

    async def list_models(request: Request) -> Response:
        return _json(models)

    async def health(request: Request) -> Response:
        speed = deck.settings.speed
        return _json(
            {
                "status": "ok",
                "exchanges": len(deck.library.entries),
                "refused_files": len(deck.library.refused),
                "open_answers": deck.counters.open,
                "speed": "max" if isinf(speed) else speed,
            }
        )

    async def journal(request: Request) -> Response:
        return _json({"total": deck.journal.total, "requests": deck.journal.rows()})

    async def counts(request: Request) -> Response:
        return Response(metrics.render(deck), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def unknown(request: Request, error: Exception) -> Response:
        message = (
            f"no {request.url.path} here; there is /v1/models, /_tape/health, /_tape/journal "
            "and /_tape/metrics, by GET"
        )
        code = "not_found"
        return _json(
            {"error": {"message": message, "type": code, "param": None, "code": code}}, 404
        )

    return Starlette(
        routes=[
            Route("/v1/models", list_models),
            Route("/v1/models/", list_models),
            Route("/_tape/health", health),
            Route("/_tape/journal", journal),
            Route("/_tape/metrics", counts),
        ],
        exception_handlers={404: unknown, 405: unknown},
    )
