"""The platform that is measured: a city of its own with many seats and the peer's queues, on ports of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from acd.commands import CommandClient
from config import load
from config.paths import Paths
from cti import live
from cti.app.bench import peer
from cti.app.bench.figures import Invalid

SEATS_AT = "127.0.0.3"
CITIZENS_AT = "127.0.0.2"
PEERS_AT = "127.0.0.5"
NUMBER = "12345"
QUEUE = "bench"
UP_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Rig:
    """One bench platform: where it is, its SIP port, its seats and where their telephones are."""

    paths: Paths
    sip_port: int
    seats: tuple[str, ...]
    peer_seats: tuple[str, ...]
    telephone: tuple[str, int]

    async def staff(self, count: int) -> None:
        """Have exactly the first `count` agents signed in and ready."""
        city = load(self.paths.config_dir)
        async with live.connect(city, self.paths) as redis:
            client = CommandClient(redis)
            for index, seat in enumerate(self.seats):
                if index < count:
                    await _done(client, "sign_in", agent=seat)
                    await _done(client, "ready", agent=seat)
                else:
                    await _done(client, "sign_out", agent=seat)


async def _done(client: CommandClient, name: str, agent: str) -> None:
    reply = await client.call(name, agent=agent)
    if not reply.ok:
        raise Invalid(f"{name} {agent}: {reply.error}")


def free_port(host: str, kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """Return a port that nobody listens on now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _write(folder: Path, name: str, content: Mapping[str, Any]) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.allow_unicode = True
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8") as out:
        yaml.dump(dict(content), out)


def write_city(folder: Path, seats: Sequence[str], telephone: tuple[str, int], base: int) -> None:
    """Write a city with one hotline, one queue and `seats`; all of its telephones are at `telephone`.

    `base` is the first of five free TCP ports; its greeting has no clip, so that nothing is played before the
    queue, on either side. Nothing is recorded, for app_queue records nothing.
    """
    host, port = telephone
    _write(
        folder,
        "platform.yaml",
        {
            "city": "测试市",
            "node": "b1",
            "area_code": "0750",
            "sip": {"bind": "127.0.0.1", "port": base + 4, "rtp_start": base + 100, "rtp_end": base + 4099},
            "ami": {"port": base},
            "agi": {"port": base + 1},
            "http": {"bind": "127.0.0.1", "port": base + 2},
        },
    )
    _write(folder, "units.yaml", {"units": [{"id": "centre", "name": "热线中心"}]})
    _write(folder, "queues.yaml", {"queues": [{"id": QUEUE, "name": "测量", "wrap_up_seconds": 0}]})
    _write(
        folder,
        "agents.yaml",
        {
            "agents": [{"id": seat, "name": f"坐席{seat}", "queues": [QUEUE]} for seat in seats],
            "seats": [{"ext": seat, "contact": f"sip:{seat}@{host}:{port}"} for seat in seats],
        },
    )
    trunk = {"id": "bench", "name": "测量", "match": [CITIZENS_AT], "channels": 10_000}
    _write(folder, "trunks.yaml", {"trunks": [trunk]})
    texts = {
        name: {"zh": "测量用，不播放。", "en": "Not played."}
        for name in ("silent", "unknown_number", "callback_taken", "callback_offer", "callback_enter")
    }
    _write(folder, "prompts.yaml", {"prompts": texts})
    _write(
        folder,
        f"hotlines/{NUMBER}.yaml",
        {
            "id": NUMBER,
            "numbers": [NUMBER],
            "name": "测量热线",
            "owner_unit": "centre",
            "greeting": "silent",
            "queue": QUEUE,
            "record": False,
        },
    )


def write_peer(
    folder: Path, peer_seats: Sequence[str], telephone: tuple[str, int], sizes: Sequence[int]
) -> None:
    """Write app_queue's side as a city's additions to the generated Asterisk files."""
    additions = folder / "asterisk"
    additions.mkdir(parents=True, exist_ok=True)
    (additions / "extensions.conf").write_text(peer.extensions(""), encoding="utf-8")
    (additions / "queues.conf").write_text(peer.queues(peer_seats, sizes), encoding="utf-8")
    (additions / "pjsip.conf").write_text(peer.endpoints(peer_seats, telephone, PEERS_AT), encoding="utf-8")


def _free_base() -> int:
    for _ in range(200):
        base = random.randrange(20_000, 56_000, 100)  # noqa: S311 - no secret
        try:
            for port in range(base, base + 4):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            for port in range(base + 4, base + 4100, 97):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return base
    raise Invalid("no free ports for a platform to measure")


async def _yht(paths: Paths, *arguments: str, within: float) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cti.app.cli",
        "--home",
        str(paths.home),
        "--config",
        str(paths.config_dir),
        *arguments,
        cwd=paths.checkout,
        env=dict(os.environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), within)
    except TimeoutError as error:
        process.kill()
        raise Invalid(f"yht {arguments[0]} took more than {within:.0f} s") from error
    if process.returncode != 0:
        raise Invalid(f"yht {' '.join(arguments)}: {out.decode(errors='replace').strip()[-800:]}")


def _emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


@contextlib.asynccontextmanager
async def running(folder: Path, seats: int, sizes: Sequence[int]) -> AsyncIterator[Rig]:
    """Start a platform with `seats` seats and peer queues of the given sizes; it is gone when the block is left.

    `folder` is emptied first. Raises Invalid if the platform does not come up.
    """
    await asyncio.to_thread(_emptied, folder)
    ours = tuple(str(2001 + index) for index in range(seats))
    theirs = tuple(str(6001 + index) for index in range(seats))
    telephone = (SEATS_AT, free_port(SEATS_AT))
    city, base = folder / "city", _free_base()
    write_city(city, ours, telephone, base)
    write_peer(city, theirs, telephone, sizes)
    paths = Paths.find(folder / "home", city)
    try:
        await _yht(paths, "up", "--detach", within=UP_SECONDS)
        yield Rig(paths, base + 4, ours, theirs, telephone)
    finally:
        await _yht(paths, "down", within=UP_SECONDS)
