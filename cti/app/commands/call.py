"""`yht call`: lists citizens' calls and tells one whole."""

from __future__ import annotations

from typing import Annotated

import typer

from config import City
from config.paths import Paths
from cti.app.commands.common import JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import (
    FullOption,
    HotlineOption,
    LimitOption,
    SinceOption,
    known,
    moment,
    reading,
    show_page,
)
from cti.app.views import call as view
from cti.app.views.finding import NotFoundError, find_call
from cti.app.views.render import call_page, call_state
from cti.app.views.words import Names, length, mask
from cti.clock import now_us

app = typer.Typer(
    help="Citizens' calls: what happened on each. Numbers are masked; --full shows them.",
    no_args_is_help=True,
)


@app.command("list")
def list_calls(
    ctx: typer.Context,
    hotline: HotlineOption = "",
    agent: Annotated[str, typer.Option("--agent", metavar="ID", help="Only those this agent answered.")] = "",
    since: SinceOption = "",
    limit: LimitOption = 20,
    full: FullOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the newest calls, the newest first."""
    place = where(ctx)
    city = place.in_force().city()
    wanted = view.Filter(
        hotline=hotline,
        agent=agent,
        since=moment(since, city),
        limit=limit,
    )
    found = run(_newest(city, place.paths, wanted))
    if not found:
        known("hotline", hotline, city.hotline)
    names, now = Names.of(city), now_us()
    if as_json:
        show_json([view.listed_json(one, names, full, now) for one in found])
        return
    show_table(
        ("arrived", "call", "hotline", "caller", "state", "waited", "talked", "case"),
        [_row(one, names, full, now) for one in found],
        empty="No calls fit."
        if wanted != view.Filter(limit=limit)
        else "No calls yet. Play one with: yht demo",
    )


@app.command("show")
def show_call(
    ctx: typer.Context,
    call: Annotated[
        str,
        typer.Argument(
            help="The call's id, or a beginning or an end of it that fits one call; `last` is the newest."
        ),
    ] = "last",
    with_why: Annotated[
        bool, typer.Option("--why", help="Tell what is known of each offer: why this agent.")
    ] = False,
    full: FullOption = False,
    as_json: JsonOption = False,
) -> None:
    """Tell one call whole: its timeline, legs, recording, transcript and case."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_whole(city, place.paths, call))
    names = Names.of(city)
    if as_json:
        show_json(view.whole_json(found, names, full, now_us()))
    else:
        show_page(call_page(found, names, full=full, now=now_us(), with_why=with_why))


async def _newest(city: City, paths: Paths, wanted: view.Filter) -> tuple[view.Listed, ...]:
    async with reading(city, paths) as session:
        return await view.newest(session, wanted)


async def _whole(city: City, paths: Paths, text: str) -> view.Whole:
    async with reading(city, paths) as session:
        try:
            call_id = await find_call(session, text)
        except NotFoundError as error:
            fail(str(error))
        return await view.whole(session, call_id)


def _row(one: view.Listed, names: Names, full: bool, now: int) -> tuple[str, ...]:
    call = one.call
    waited = view.waited_ms(call, now)
    return (
        names.moment(call.arrived_at),
        call.call_id,
        names.hotline(call.hotline) if call.hotline else call.dialed_number,
        mask(call.caller_number, full) or "withheld",
        call_state(call, names),
        "" if waited is None else length(waited),
        length(call.talk_ms) if call.talk_ms else "",
        one.case,
    )
