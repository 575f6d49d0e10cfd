"""`yht robot FILE`: plays a scripted citizen or agent with real sound against the running platform."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer

from config import City, ConfigError
from config.paths import Paths
from cti.app.commands.common import BAD, JsonOption, fail, run, show_json, where
from cti.app.robots.place import NoPlace, place_of
from desk.robot import Command, Report, RobotError, Script, Watcher, load, play
from desk.robot.steps import Cue

INTERRUPTED = 130
_WORDS = {
    "dialed": "dials",
    "invited": "is called, by call",
    "ringing": "rings",
    "answered": "is answered",
    "first_audio": "hears the first sound",
    "first_speech": "hears the first word",
    "ended": "the call is over",
    "recognised": "has heard the clip to its end",
    "digit": "was sent the key",
    "refused": "can not:",
}


def robot(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The robot's script, YAML.")],
    address: Annotated[
        str, typer.Option(help="The robot's own address; else the trunk's, or 127.0.0.3.")
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", hidden=True, help="JSON lines: what happens, at last the report.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Play a scripted citizen or agent with real sound; 0 if the script went as written."""
    place = where(ctx)
    city = place.in_force().city()
    try:
        script = load(file)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        raise typer.Exit(BAD) from None
    watch: Watcher = _follow if follow else _ignore if as_json else _tell
    try:
        report = run(_played(script, city, place.paths, address, watch))
    except asyncio.CancelledError:
        fail("the robot was stopped", INTERRUPTED)
    if follow:
        _line({"report": report.as_json()})
    elif as_json:
        show_json(report.as_json())
    else:
        _show(report)
    if not report.ok:
        if not as_json and not follow:
            fail(report.failure)
        raise typer.Exit(BAD)


async def _played(script: Script, city: City, paths: Paths, address: str, watch: Watcher) -> Report:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (there is one in a coroutine that runs)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        place = place_of(script, city, paths, address)
        async with _commanding(script, city, paths) as command, _cues(script) as cues:
            return await play(script, place, command=command, cues=cues, watch=watch)
    except (NoPlace, RobotError) as error:
        fail(str(error))


@asynccontextmanager
async def _commanding(script: Script, city: City, paths: Paths) -> AsyncIterator[Command]:
    """Yield how the robot's agent gives orders; a citizen has none."""
    from acd.commands import CommandClient
    from cti.app.commands.reading import living
    from cti.app.robots.orders import Orders

    async def none(name: str, _: object) -> str:
        return f"{name}: a citizen gives no orders"

    if script.actor == "citizen":
        yield none
        return
    async with living(city, paths) as redis:
        yield Orders(CommandClient(redis)).give


@asynccontextmanager
async def _cues(script: Script) -> AsyncIterator[asyncio.Queue[str]]:
    """Read signs from standard input, one name a line, if the script waits for any."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    if not any(isinstance(step, Cue) for step in script.steps):
        yield queue
        return
    reader = asyncio.StreamReader(limit=1024)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )

    robot = asyncio.current_task()

    async def read() -> None:
        with contextlib.suppress(ValueError):  # a line that is too long is no sign
            async for line in reader:
                queue.put_nowait(line.decode(errors="replace").strip())
        # Whoever gives the signs is gone: the robot must not stay on the telephone alone.
        if robot is not None:
            robot.cancel()

    reading = asyncio.create_task(read())
    try:
        yield queue
    finally:
        reading.cancel()
        transport.close()


def _ignore(at_ms: int, event: str, detail: str) -> None:
    """Say nothing: the report is all that is wanted."""


def _write(line: str) -> None:
    """Print a line now. Where nobody reads any more, the robot still plays on, hangs up and signs out."""
    try:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _line(value: object) -> None:
    _write(json.dumps(value, ensure_ascii=False))


def _follow(at_ms: int, event: str, detail: str) -> None:
    _line({"at_ms": at_ms, "event": event, "detail": detail})


def _tell(at_ms: int, event: str, detail: str) -> None:
    if event == "speech":
        text = "the other side speaks" if detail == "started" else "the other side is silent"
    elif event == "step":
        text = f"- {detail}"
    else:
        text = f"{_WORDS.get(event, event)} {detail}".rstrip()
    _write(f"{at_ms / 1000:7.2f} s  {text}")


def _show(report: Report) -> None:
    for name, amount in (("heard", report.heard), ("said", report.said)):
        sys.stdout.write(f"{name:<9} {amount.sound_ms / 1000:.1f} s of sound at {amount.level_db:.0f} dBFS\n")
    for name, path in report.recordings.items():
        sys.stdout.write(f"{name:<9} {path}\n")
    if report.call_id:
        sys.stdout.write(f"call      {report.call_id}\n")
