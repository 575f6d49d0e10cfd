"""`yht demo`: plays one citizen's call from ring to case with real sound, and shows what the platform kept of it."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from redis.asyncio import Redis
from rich.console import Console
from rich.text import Text

from acd.store import Store, StoreError
from config import City
from config.paths import Paths
from cti.app.commands.common import JsonOption, alone, fail, run, show_json, where
from cti.app.commands.reading import living, reading, show_page
from cti.app.commands.recording_custody import exported
from cti.app.robots.casting import NoCast, cast
from cti.app.robots.demo import Demo, DemoFailed, Played, Tell, until
from cti.app.robots.place import NoPlace, trunk_address
from cti.app.sipp.watch import WatchError, watching
from cti.app.views import call as view
from cti.app.views.render import call_page
from cti.app.views.words import Names
from cti.clock import now_us
from ivr.prompts.items import DemoLine
from recorder import wav

STORED_SECONDS = 180.0
"""How long after the call its recording, transcript and case may take."""
SIGNED_OUT_SECONDS = 10.0
INTERRUPTED = 130
_COLOURS = {"citizen": "cyan", "agent": "green", "platform": "magenta"}


def demo(
    ctx: typer.Context,
    number: Annotated[
        str,
        typer.Argument(metavar="[NUMBER]", help="The number to dial, 12319 if it is free of real agents."),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Play one citizen's call from ring to case with real sound, and show what the platform kept of it."""
    place = where(ctx)
    city = place.in_force().city()
    _has_all(city, place.paths)
    try:
        with alone(place.paths, "demo"):
            played, found, missing = run(_demo(city, place.paths, number, _teller(quiet=as_json)))
    except asyncio.CancelledError:
        fail("the demo was stopped", INTERRUPTED)
    names = Names.of(city)
    recordings = _recordings(city, place.paths, found)
    if as_json:
        whole = view.whole_json(found, names, full=False, now=now_us())
        show_json(
            {
                "ok": not missing,
                "missing": missing,
                "robots": played.reports,
                "recordings": {str(path): length for path, length in recordings},
                "call": whole,
            }
        )
    else:
        _show(found, names, recordings)
    if missing:
        fail(f"the call was played, but {'; '.join(missing)}")


def _has_all(city: City, paths: Paths) -> None:
    """End the command where the city has no conversation, or the conversation no voice."""
    if not city.demo:
        fail(
            f"{paths.config_dir} has no demo.yaml, so there is nothing to say; copy config/sample_city/demo.yaml"
        )
    voice = city.platform.voice
    clips = (DemoLine(line.id, line.speaker, line.text).prompt_id for line in city.demo)
    absent = [
        clip for clip in clips if not paths.prompt(voice.engine, "zh", clip).with_suffix(".wav").is_file()
    ]
    if absent:
        fail(
            f"{len(absent)} of {len(city.demo)} spoken lines are not built for the voice {voice.engine} "
            f"(the first is {absent[0]}); run: yht prompts build"
        )


async def _demo(
    city: City, paths: Paths, number: str, tell: Tell
) -> tuple[Played, view.Whole, tuple[str, ...]]:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (there is one in a coroutine that runs)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with living(city, paths) as redis:
        played = await _played(city, paths, number, redis, tell)
        found, missing = await _stored(city, paths, played, tell)
        if not await until(lambda: _all_signed_out(redis, played), SIGNED_OUT_SECONDS):
            missing = (*missing, "its agent is still signed in")
    return played, found, missing


async def _played(city: City, paths: Paths, number: str, redis: Redis[str], tell: Tell) -> Played:
    """Choose line and agent and play the call; whatever is in the way ends the command with one line."""
    caller = f"1380000{secrets.randbelow(10_000):04}"
    try:
        trunk_address(city)
        async with watching(city, paths, redis) as watch:
            now, phones = await watch.snapshot(), await watch.phones()
        chosen = cast(city, now, phones, number)
        for note in chosen.notes:
            tell("platform", note)
        return await Demo(city, paths, chosen, caller, Store(redis, "demo", now_us), tell).play(now.live)
    except (NoCast, NoPlace, DemoFailed) as error:
        fail(str(error))
    except (WatchError, StoreError) as error:
        fail(f"{error}; is the platform up? yht status")


async def _all_signed_out(redis: Redis[str], played: Played) -> bool:
    if "agent" not in played.reports:
        return True
    snapshot = await Store(redis, "demo", now_us).snapshot()
    return all(agent.id != played.answered_by for agent in snapshot.agents if agent.state != "signed_out")


async def _stored(city: City, paths: Paths, played: Played, tell: Tell) -> tuple[view.Whole, tuple[str, ...]]:
    """Wait for what the platform keeps of the call; return it, and what of it is still missing."""
    began = time.monotonic()
    found: view.Whole | None = None
    told: set[str] = set()

    async def look() -> bool:
        nonlocal found
        # A session each: one that stays open would see the database as it was.
        async with reading(city, paths) as session:
            try:
                found = await view.whole(session, played.call_id)
            except LookupError:
                return False
        lacking = _lacking(found)
        for what in ("the case", "the recording", "the transcript"):
            if what not in "".join(lacking) and what not in told:
                told.add(what)
                tell("platform", f"{what} is there, {time.monotonic() - began:.0f} s after the call")
        return not lacking

    tell("platform", "waits for case, recording and transcript (speech to text takes a while)")
    await until(look, STORED_SECONDS)
    if found is None:
        fail(f"the call {played.call_id} was played, but the ledger holds nothing of it; see: yht status")
    return found, tuple(f"{what} within {STORED_SECONDS:.0f} s" for what in _lacking(found))


def _lacking(found: view.Whole) -> tuple[str, ...]:
    lacks = []
    if found.call.ended_at is None:
        lacks.append("the end of the call is not stored")
    if found.case is None:
        lacks.append("the case is not opened")
    if found.recording is None:
        lacks.append("the recording is not sealed")
    if found.transcript is None:
        lacks.append("the transcript is not written")
    return tuple(lacks)


def _recordings(city: City, paths: Paths, found: view.Whole) -> list[tuple[Path, float]]:
    """Have copies of the recording's files to listen to (only robots speak in it), with their lengths in seconds."""
    if found.recording is None:
        return []
    folder = paths.home / "robots" / found.call.call_id
    listed = []
    for path in exported(city, paths, found.call.call_id, folder)[1]:
        if path.suffix == ".wav":
            with path.open("rb") as file:
                header = wav.read(file.read(wav.HEAD_BYTES), path.stat().st_size)
            listed.append((path, header.duration_ms / 1000))
    return listed


def _show(found: view.Whole, names: Names, recordings: list[tuple[Path, float]]) -> None:
    sys.stdout.write("\n")
    show_page(call_page(found, names, full=False, now=now_us()))
    sys.stdout.write("\nRecordings\n")
    for path, length in recordings:
        sys.stdout.write(f"  {length:5.1f} s  {path}\n")
    sys.stdout.write(f"\nAgain: yht call show {found.call.call_id}")
    sys.stdout.write(f", yht case show {found.case.number}\n" if found.case else "\n")


def _teller(*, quiet: bool) -> Tell:
    """Return what says each thing that happens on a line of its own, with the seconds since now."""
    began = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)

    def tell(who: str, what: str) -> None:
        if not quiet:
            line = Text(f"{time.monotonic() - began:6.1f} s  ", style="dim")
            line.append(f"{who:<9}", style=_COLOURS.get(who, ""))
            line.append(what, style="default")
            console.print(line, soft_wrap=True)

    return tell
