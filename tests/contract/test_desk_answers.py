"""The desk over HTTP, with a real Redis and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from redis.asyncio import Redis

from config import load
from config.paths import CHECKOUT
from cti.sql import open_database
from desk.app import Neighbours, create_app
from desk.guard import MAX_BODY_BYTES, BodyLimit

pytestmark = pytest.mark.contract

Ask = Callable[[str], Awaitable[httpx.Response]]


@pytest.fixture
async def ask(redis_socket: Path, tmp_path: Path) -> AsyncIterator[Ask]:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path}/desk.sqlite3")
    redis = Redis.from_url(f"unix://{redis_socket}", decode_responses=True)
    async with redis:
        await redis.hset(
            "{yht}:process:engine:n1", mapping={"name": "engine", "node": "n1", "ready": "1", "calls": "7"}
        )
        await redis.sadd("{yht}:agents", "8001")
        await redis.hset("{yht}:agent:8001", mapping={"state": "ready"})
        city = load(CHECKOUT / "config" / "sample_city")
        app = create_app(Neighbours(lambda: city, redis, database))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
            yield client.get
    await database.dispose()


async def test_health_is_live_and_deep(ask: Ask) -> None:
    answer = await ask("/health")
    assert answer.status_code == 200
    assert answer.json() == {"live": True, "good": True, "redis": "good", "sql": "good"}


async def test_a_redis_that_is_away_is_said_without_a_word_about_the_inside(tmp_path: Path) -> None:
    database = open_database(f"sqlite+aiosqlite:///{tmp_path}/desk.sqlite3")
    city = load(CHECKOUT / "config" / "sample_city")
    async with Redis.from_url(f"unix://{tmp_path}/nobody.sock", decode_responses=True) as redis:
        app = create_app(Neighbours(lambda: city, redis, database))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
            answer = await client.get("/health")
            page = await client.get("/")
            figures = await client.get("/metrics")
    await database.dispose()
    assert answer.status_code == 503
    assert answer.json() == {"live": True, "good": False, "redis": "away", "sql": "good"}
    assert str(tmp_path) not in answer.text
    assert (page.status_code, figures.status_code) == (200, 200)
    assert "平台部分服务暂不可用" in page.text


async def test_the_page_shows_the_hotlines_and_lets_no_script_run(ask: Ask) -> None:
    page = await ask("/")
    assert "平台运行正常" in page.text
    assert "12345" in page.text
    assert "城市管理热线" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text
    style = await ask("/static/home.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_figures_are_those_of_the_desk_and_of_the_platform(ask: Ask) -> None:
    await ask("/nowhere/13800138000")
    text = (await ask("/metrics")).text
    assert 'yht_process_ready{node="n1",process="engine"} 1.0' in text
    assert 'yht_process_figure{figure="calls",node="n1",process="engine"} 7.0' in text
    assert 'yht_agents{state="ready"} 1.0' in text
    assert 'yht_queue_calls{queue="general"} 0.0' in text
    assert 'yht_http_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert "13800138000" not in text


async def test_a_body_that_is_too_long_is_refused_whether_or_not_it_says_so() -> None:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 1024

    transport = httpx.ASGITransport(BodyLimit(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
        said = await client.post("/echo", content=b"x" * (MAX_BODY_BYTES + 1))
        unsaid = await client.post("/echo", content=chunks(MAX_BODY_BYTES // 1024 + 1))
        right = await client.post("/echo", content=chunks(MAX_BODY_BYTES // 1024))
        wrong = await client.post("/echo", content=b"x", headers={"content-length": "many"})
    assert (said.status_code, unsaid.status_code, wrong.status_code) == (413, 413, 413)
    assert (right.status_code, right.json()) == (200, MAX_BODY_BYTES)
