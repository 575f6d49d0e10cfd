"""`yht case`: lists cases and shows one with its history and what it is linked to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from caselink import draw
from caselink.tables import CaseRow
from config import City
from config.paths import Paths
from cti.app.commands import case_steps
from cti.app.commands.common import JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import (
    FullOption,
    HotlineOption,
    LimitOption,
    SinceOption,
    known,
    moment,
    now_us,
    reading,
    show_page,
)
from cti.app.commands.working import rulebook
from cti.app.views import case as view
from cti.app.views.case_work import Reach
from cti.app.views.finding import NotFoundError, find_case
from cti.app.views.render import case_page
from cti.app.views.words import Names, mask

app = typer.Typer(
    help="Cases, from the citizen's words to the rating. Numbers are masked; --full shows them, and check codes.",
    no_args_is_help=True,
)
case_steps.add_to(app)


@app.command("list")
def list_cases(
    ctx: typer.Context,
    hotline: HotlineOption = "",
    state: Annotated[str, typer.Option("--state", metavar="STATE", help="Only those in this state.")] = "",
    unit: Annotated[str, typer.Option("--unit", metavar="ID", help="Only those that this unit leads.")] = "",
    since: SinceOption = "",
    limit: LimitOption = 20,
    full: FullOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the newest cases, the newest first."""
    place = where(ctx)
    city = place.in_force().city()
    wanted = view.CaseFilter(hotline=hotline, state=state, unit=unit, since=moment(since, city), limit=limit)
    found = run(_newest(city, place.paths, wanted))
    if not found:
        known("hotline", hotline, city.hotline)
        known("unit", unit, city.unit)
    names = Names.of(city)
    if as_json:
        show_json([view.case_json(one, names, full) for one in found])
        return
    show_table(
        ("opened", "case", "hotline", "citizen", "state", "goes to", "agent", "call"),
        [
            (
                names.moment(one.opened_at),
                one.number,
                names.hotline(one.hotline) if one.hotline else "",
                mask(one.contact_number or one.caller_number, full) or "withheld",
                one.state,
                f"{names.unit(one.unit) if one.unit else 'the centre'} ({one.backend})",
                names.agent(one.agent) if one.agent else one.channel,
                one.call_id,
            )
            for one in found
        ],
        empty="No cases fit."
        if wanted != view.CaseFilter(limit=limit)
        else "No cases yet. A case is opened when an agent answers a citizen.",
    )


@app.command("show")
def show_case(
    ctx: typer.Context,
    case: Annotated[
        str,
        typer.Argument(
            help="The case's number, a beginning or an end of it that fits one case, or the id of its call; "
            "`last` is the newest."
        ),
    ] = "last",
    full: FullOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one case: where it is and goes, the citizen, the call, recording, transcript and history."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_whole(city, place.paths, case))
    names = Names.of(city)
    if as_json:
        show_json(view.whole_json(found, names, full, now_us()))
    else:
        now = now_us()
        reach = Reach(city, rulebook(city).days, now)
        show_page(case_page(found, names, reach, full=full, now=now))


_WAYS: Final = "<!-- ways -->"
_END: Final = "<!-- end -->"


async def _newest(city: City, paths: Paths, wanted: view.CaseFilter) -> tuple[CaseRow, ...]:
    async with reading(city, paths) as session:
        return await view.newest(session, wanted)


async def _whole(city: City, paths: Paths, text: str) -> view.WholeCase:
    async with reading(city, paths) as session:
        try:
            number = await find_case(session, text)
        except NotFoundError as error:
            fail(str(error))
        return await view.whole(session, number)


@app.command("draw")
def draw_loop(
    folder: Annotated[Path, typer.Argument(help="Where case-loop.svg and case-loop.md lie.")] = Path("docs"),
) -> None:
    """Draw the case loop from its table into the documents: the picture, and the ways in case-loop.md."""
    page = folder / "case-loop.md"
    try:
        before, _, rest = page.read_text(encoding="utf-8").partition(_WAYS)
        _, ended, after = rest.partition(_END)
        if not ended:
            fail(f"{page} has no place for the ways: it needs the lines {_WAYS} and {_END}")
        page.write_text(f"{before}{_WAYS}\n{draw.markdown()}{_END}{after}", encoding="utf-8")
        (folder / "case-loop.svg").write_text(draw.svg(), encoding="utf-8")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    typer.echo(f"{folder / 'case-loop.svg'} and {page} say what the table says.")
