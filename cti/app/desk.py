"""The desk's process: opens its neighbours, takes its port, serves until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import structlog
import uvicorn

from config import City
from cti import live, sql
from cti.app.commands.common import Where, fail
from cti.app.following import following
from cti.app.process import Ready
from cti.app.supervisor import ports
from desk.app import Neighbours, create_app

BACKLOG: Final = 512
MOST_AT_ONCE: Final = 400
"""Requests and open connections; more are answered 503 at once rather than all late."""

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _InForce:
    """The city that the pages are about."""

    def __init__(self, city: City) -> None:
        self.city = city

    def take(self, city: City) -> None:
        self.city = city


async def main(where: Where, ready: Ready, stop: asyncio.Event) -> None:
    """Serve the desk until `stop` is set; a port that can not be had ends the process with one line."""
    city, paths = where.city(), where.paths
    in_force = _InForce(city)
    claim = next(claim for claim in ports.claims(city.platform, city.places) if claim.setting == "http.port")
    try:
        listening = _listen(claim)
    except OSError as error:
        fail(ports.report(claim, error, ports.holder_of(claim)))
    database = sql.open_database(sql.database_url(paths.database, city.platform.database.url))
    with listening:
        async with live.connect(city, paths) as redis:
            server = _Server(
                uvicorn.Config(
                    create_app(Neighbours(lambda: in_force.city, redis, database)),
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    proxy_headers=False,
                    lifespan="off",
                    limit_concurrency=MOST_AT_ONCE,
                    timeout_keep_alive=15,
                    timeout_graceful_shutdown=3,
                    h11_max_incomplete_event_size=16 * 1024,
                    ws="none",
                )
            )
            who = f"desk {city.platform.node}"
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            stopping = asyncio.create_task(stop.wait())
            ready(lambda: {"requests": server.server_state.total_requests})
            _log.info("serving", host=claim.host, port=claim.port)
            try:
                async with following(redis, paths, who, where.generation, in_force.take):
                    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
                server.should_exit = True
                await serving
            finally:
                stopping.cancel()
                await database.dispose()


def _listen(claim: ports.Claim) -> socket.socket:
    """Take the port; a request that comes before the server runs waits in the backlog."""
    family = socket.AF_INET6 if ":" in claim.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((claim.host, claim.port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    listening.setblocking(False)
    return listening
