"""`yht transcript`: shows what was said, lists what could not be transcribed, and sends it back to be done again."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from config import City
from config.paths import Paths
from cti.app.commands.common import WRONG_USE, JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import LimitOption, living, reading, show_page
from cti.app.views.finding import NotFoundError, find_call
from cti.app.views.recordings import transcript_json
from cti.app.views.render import transcript_page
from cti.app.views.words import Names
from cti.tables import CallRow
from recorder import store
from recorder.jobs import MAX_DEAD, STREAM, DeadJob, Jobs
from recorder.tables import TranscriptRow
from recorder.transcript import Transcript

app = typer.Typer(help="Transcripts of recordings.", no_args_is_help=True)


@app.command("show")
def show_transcript(
    ctx: typer.Context,
    call: Annotated[
        str, typer.Argument(help="The call's id, or a beginning or an end of it; `last` is the newest call.")
    ] = "last",
    as_json: JsonOption = False,
) -> None:
    """Show what was said on a call: who, when, in which words."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_transcript(city, place.paths, call))
    if as_json:
        show_json(transcript_json(found, Names.of(city)))
    else:
        show_page(transcript_page(found))


@app.command("dead")
def list_dead(ctx: typer.Context, limit: LimitOption = 20, as_json: JsonOption = False) -> None:
    """List the recordings that could not be transcribed, and why; the newest first."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_dead(city, place.paths, limit))
    names = Names.of(city)
    if as_json:
        show_json(
            [
                {
                    "call_id": job.call_id,
                    "folder": job.folder,
                    "attempts": job.attempts,
                    "error": job.error,
                    "at": names.iso(job.at * 1000),
                }
                for job in found
            ]
        )
        return
    show_table(
        ("given up", "call", "attempts", "why"),
        [(names.moment(job.at * 1000), job.call_id, job.attempts, job.error) for job in found],
        empty="Nothing is dead: every recording was transcribed, or still waits for it.",
    )


@app.command("redo")
def redo(
    ctx: typer.Context,
    call: Annotated[str, typer.Argument(metavar="[CALL]", help="The call, as in `show`.")] = "",
    all_dead: Annotated[bool, typer.Option("--all-dead", help="Everything that `dead` lists.")] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="Also a call whose transcript is done: with a better model, say.")
    ] = False,
) -> None:
    """Have a recording transcribed again."""
    if bool(call) == all_dead:
        fail("name one call, or give --all-dead", WRONG_USE)
    place = where(ctx)
    city = place.in_force().city()
    if all_dead:
        count = run(_revive_all(city, place.paths))
        typer.echo(f"{count} recording{'' if count == 1 else 's'} sent back to be transcribed.")
    else:
        call_id = run(_redo(city, place.paths, call, anew))
        typer.echo(f"The recording of call {call_id} waits to be transcribed: yht transcript show {call_id}")


async def _transcript(city: City, paths: Paths, text: str) -> Transcript:
    async with reading(city, paths) as session:
        call_id = await _call(session, text)
        found = await store.transcript(session, call_id)
    if found is None:
        fail(
            f"call {call_id} has no transcript: nothing was recorded, or it is not written yet; yht call show {call_id}"
        )
    return found


async def _call(session: AsyncSession, text: str) -> str:
    try:
        return await find_call(session, text)
    except NotFoundError as error:
        fail(str(error))


async def _dead(city: City, paths: Paths, most: int) -> tuple[DeadJob, ...]:
    async with living(city, paths) as redis:
        return await Jobs(redis, "yht").dead(most)


async def _revive_all(city: City, paths: Paths) -> int:
    async with living(city, paths) as redis:
        jobs = Jobs(redis, "yht")
        dead = await jobs.dead(MAX_DEAD)
        for job in reversed(dead):
            await jobs.revive(job)
        return len(dead)


async def _redo(city: City, paths: Paths, text: str, anew: bool) -> str:
    """Send a call's recording to the transcribers; returns the call's id."""
    async with living(city, paths) as redis, reading(city, paths) as session:
        call_id = await _call(session, text)
        recording = await store.recording(session, call_id)
        call = await session.get(CallRow, call_id)
        folder = recording.folder if recording is not None else call.folder if call is not None else ""
        if not folder:
            fail(f"nothing was recorded on call {call_id}")
        done = await store.transcript(session, call_id)
        if done is not None and done.state == "done":
            if not anew:
                fail(
                    f"call {call_id} has a transcript by {done.engine} ({done.model}); --anew makes another one"
                )
            # A transcriber leaves alone what is done.
            doubted = update(TranscriptRow).where(TranscriptRow.call_id == call_id)
            await session.execute(doubted.values(state="failed", note="it is being made anew"))
            await session.commit()
        jobs = Jobs(redis, "yht")
        dead = next((dead for dead in await jobs.dead(MAX_DEAD) if dead.call_id == call_id), None)
        if dead is not None:
            await jobs.revive(dead)
        else:
            fields: dict[Any, Any] = {"call_id": call_id, "folder": folder}
            await redis.xadd(STREAM, fields)
        return call_id
