"""The desk's web application, put together: its pages, its health, its figures, its guards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import jinja2
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from config import City
from desk import health, metrics
from desk.guard import BodyLimit, SecurityHeaders

_HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Neighbours:
    """What the desk works with; whoever makes them closes them."""

    city: Callable[[], City]
    """Asked anew for each page: another one may have come into force."""
    redis: Redis[str]
    database: AsyncEngine


def create_app(neighbours: Neighbours) -> ASGIApp:
    """Return the application. It holds no state of its own but counters."""
    checks = health.checks(neighbours.redis, neighbours.database)
    registry = CollectorRegistry()
    requests = metrics.Requests(registry)
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    app = FastAPI(title="Yihaotong", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")

    @app.get("/", response_class=HTMLResponse)
    async def home() -> HTMLResponse:
        """Show that the platform is up, which hotlines there are, and where to read on."""
        city, found = neighbours.city(), await health.look(checks)
        page = pages.get_template("home.html.j2").render(
            city=city.platform.city,
            lines=[hotline for hotline in city.hotlines if not hotline.rehearsal],
            health=found,
        )
        return HTMLResponse(page)

    @app.get("/health")
    async def is_healthy() -> JSONResponse:
        """Say whether the desk and its neighbours work: 200 if all do, else 503."""
        found = await health.look(checks)
        return JSONResponse(found.as_json(), 200 if found.good else 503)

    @app.get("/metrics")
    async def figures() -> Response:
        """Give Prometheus the figures; without Redis those of the desk alone."""
        text = generate_latest(registry)
        try:
            now = await metrics.read_live(neighbours.redis, neighbours.city())
        except (RedisError, OSError):
            pass
        else:
            moment = CollectorRegistry()
            moment.register(metrics.LiveCollector(now))
            text += generate_latest(moment)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return SecurityHeaders(requests.wrap(BodyLimit(app), app.router.routes))
