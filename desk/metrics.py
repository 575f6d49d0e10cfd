"""Figures for Prometheus: the desk's own requests, and how the processes, queues and agents are right now."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from redis.asyncio import Redis
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import City
from cti.live import PREFIX

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Live:
    """What Redis says now: the health of each process, calls waiting by queue, agents by state."""

    processes: tuple[Mapping[str, str], ...] = ()
    waiting: Mapping[str, int] = field(default_factory=dict)
    agents: Mapping[str, int] = field(default_factory=dict)


async def read_live(redis: Redis[str], city: City) -> Live:
    """Read it. Raises redis' errors."""
    keys = [key async for key in redis.scan_iter(match=f"{PREFIX}process:*", count=1000)]
    ids = sorted(await redis.smembers(f"{PREFIX}agents"))
    queues = [queue.id for queue in city.queues]
    async with redis.pipeline(transaction=False) as step:
        for key in keys:
            step.hgetall(key)
        for agent in ids:
            step.hget(f"{PREFIX}agent:{agent}", "state")
        for queue in queues:
            step.zcard(f"{PREFIX}queue:{queue}")
        found: list[Any] = await step.execute()
    processes, states = found[: len(keys)], found[len(keys) : len(keys) + len(ids)]
    return Live(
        tuple(process for process in processes if process),
        dict(zip(queues, found[len(keys) + len(ids) :], strict=True)),
        Tally(state for state in states if state),
    )


def families(live: Live) -> Iterator[Metric]:
    """Return the live state as metrics; a process's own figures become `yht_process_figure`."""
    up = GaugeMetricFamily(
        "yht_process_ready", "1 while a process does its work.", labels=["process", "node"]
    )
    figures = GaugeMetricFamily(
        "yht_process_figure", "What a process counts of itself.", labels=["process", "node", "figure"]
    )
    for process in live.processes:
        labels = [process.get("name", ""), process.get("node", "")]
        up.add_metric(labels, process.get("ready") == "1")
        for name, value in process.items():
            if name not in ("pid", "started", "at", "ready") and (number := _number(value)) is not None:
                figures.add_metric([*labels, name], number)
    yield up
    yield figures
    yield _gauge("yht_queue_calls", "Calls that wait or are being offered.", "queue", live.waiting.items())
    yield _gauge("yht_agents", "Agents signed in.", "state", live.agents.items())


def _gauge(name: str, text: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    gauge = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values:
        gauge.add_metric([key], value)
    return gauge


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class LiveCollector:
    """Hands prometheus-client what was read a moment ago."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def collect(self) -> Iterator[Metric]:
        """Return the live metrics."""
        return families(self._live)


class Requests:
    """Counts requests and their time by route, never by path: a path may hold a number."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self._count = Counter("yht_http_requests", "Requests answered.", labels, registry=registry)
        self._seconds = Histogram(
            "yht_http_seconds", "Time to the end of an answer.", ("route",), registry=registry
        )

    def wrap(self, app: ASGIApp, routes: Iterable[Any]) -> ASGIApp:
        """Return the application with its requests counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            status = 500
            begun = time.perf_counter()

            async def noted(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, noted)
            finally:
                route = _route(scope, routes)
                method = scope["method"] if scope["method"] in METHODS else "other"
                self._count.labels(method, route, str(status)).inc()
                self._seconds.labels(route).observe(time.perf_counter() - begun)

        return counted


def _route(scope: Scope, routes: Iterable[Any]) -> str:
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            path: str = route.path
            return path
    return "none"
