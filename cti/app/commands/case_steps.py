"""`yht case step` and its short names: takes steps of cases; `yht case due`: whose time runs out."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from sqlalchemy import select

from caselink.loop import ACTIONS, Action
from caselink.tables import CaseLimitRow, CaseRow
from caselink.work import Done, NoCaseError
from config import City
from config.paths import Paths
from config.sentences import did_you_mean
from cti.app.commands.common import WRONG_USE, JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import LimitOption, known, now_us, reading
from cti.app.commands.working import actor, casework, data, working
from cti.app.views.case_work import left, limit_json
from cti.app.views.finding import NotFoundError, find_case
from cti.app.views.words import Names

_PANEL: Final = "Steps"
_SHORT: Final[dict[str, tuple[Action, str]]] = {
    "register": (
        "register",
        "Register what the citizen asks for; an agent's. Repeats are found by themselves.",
    ),
    "dispatch": ("dispatch", "Send it to the unit in charge; the centre's."),
    "acknowledge": ("acknowledge", "Sign for it; the lead unit's."),
    "return": ("request_return", "Ask to be rid of it, with the reason; the lead unit's."),
    "extend": ("request_extension", "Ask for more time, with the reason; the lead unit's."),
    "contact": ("contact_citizen", "Note the contact with the citizen; the lead unit's."),
    "reply": ("reply", "Tell the result and the evidence; the lead unit's."),
    "review": ("review", "Take the reply as good; the centre's."),
    "rework": ("rework", "Send it back to the unit, with the reason; the centre's."),
    "follow-up": ("follow_up", "Note a try to ask the citizen; an agent's."),
    "rate": ("rate", "Note the citizen's own rating."),
    "close": ("close", "Close it by a rule that says why it may be; the centre's."),
    "publish": ("publish", "Publish a text, its personal data masked; the centre's."),
    "remind": ("remind", "Remind who has it."),
}
"""Short names of the commonest actions."""

CaseArgument = Annotated[
    str,
    typer.Argument(
        metavar="CASE", help="The case's number, an end of it that fits one case, its call, or `last`."
    ),
]
PairsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="What the step tells, such as reason=不属本单位."),
]
AsOption = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="ROLE:WHO",
        help="Who acts: agent:1001, centre:1001, unit:ID, co_unit:ID, supervisor:1, citizen.",
    ),
]
DataOption = Annotated[
    list[str] | None, typer.Option("--data", metavar="KEY=VALUE", help="The same as a KEY=VALUE argument.")
]
VersionOption = Annotated[
    int | None,
    typer.Option("--version", min=0, metavar="N", help="Act only if the case is still at this version."),
]


def add_to(app: typer.Typer) -> None:
    """Give a group the commands of this module."""
    app.command("step", rich_help_panel=_PANEL)(step)
    app.command("due")(due)
    for name, (action, help_) in _SHORT.items():
        app.command(name, help=help_, rich_help_panel=_PANEL)(_short(action))


def step(
    ctx: typer.Context,
    case: CaseArgument,
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="What is done; yht case show tells what can be.")
    ],
    pairs: PairsArgument = None,
    as_: AsOption = "",
    more: DataOption = None,
    version: VersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take any step of the case loop. docs/case-loop.md lists them, who may take them and what they need."""
    if action not in ACTIONS:
        plain = action.replace("-", "_")
        if plain not in ACTIONS:
            fail(
                f"there is no action {action[:40]!r}; {did_you_mean(plain, ACTIONS)}see docs/case-loop.md",
                WRONG_USE,
            )
        action = plain
    _take(ctx, case, action, [*(pairs or ()), *(more or ())], as_, version, as_json)


def _short(action: Action) -> Any:
    def command(
        ctx: typer.Context,
        case: CaseArgument,
        pairs: PairsArgument = None,
        as_: AsOption = "",
        more: DataOption = None,
        version: VersionOption = None,
        as_json: JsonOption = False,
    ) -> None:
        _take(ctx, case, action, [*(pairs or ()), *(more or ())], as_, version, as_json)

    return command


def _take(
    ctx: typer.Context,
    case: str,
    action: Action,
    pairs: list[str],
    as_: str,
    version: int | None,
    as_json: bool,
) -> None:
    place = where(ctx)
    city = place.in_force().city()
    if not as_:
        fail(
            "say who acts: --as agent:1001, centre:1001, unit:ID, co_unit:ID, supervisor:1 or citizen",
            WRONG_USE,
        )
    role, who = actor(as_, city)
    told = data(pairs, city.platform.timezone)

    async def work() -> Done:
        async with working(city, place.paths) as (made, book):
            try:
                async with made() as session:
                    number = await find_case(session, case)
                return await casework(made, book).step(number, action, role, who, told, now_us(), version)
            except NoCaseError as error:
                fail(f"there is no case {error}")
            except NotFoundError as error:
                fail(str(error))
            except ValueError as error:  # StepError and TransitionError say what would be right
                fail(str(error))

    done = run(work())
    if as_json:
        show_json(_done_json(done, Names.of(city)))
    else:
        typer.echo(_sentence(done, Names.of(city)))


def _sentence(done: Done, names: Names) -> str:
    case = done.case
    now = [limit for limit in case.limits if limit.ended_at is None]
    limits = ", ".join(f"{limit.stage} until {names.moment(limit.due_at)}" for limit in now)
    repeat = (
        f"; repeat {case.repeat} of {case.parent}" if done.step.action == "register" and case.parent else ""
    )
    told = f"; {len(done.notices)} notice{'' if len(done.notices) == 1 else 's'}" if done.notices else ""
    lead = f" with {names.unit(case.unit)}" if case.unit else ""
    return f"{done.number} {case.state}{lead}, version {case.version}{f'; {limits}' if limits else ''}{repeat}{told}"


def _done_json(done: Done, names: Names) -> dict[str, Any]:
    """Keys: number, state, version, unit, parent, repeat, limits (stage → end, ISO 8601), notices (how many)."""
    case = done.case
    return {
        "number": done.number,
        "state": case.state,
        "version": case.version,
        "unit": case.unit,
        "parent": case.parent,
        "repeat": case.repeat,
        "limits": {limit.stage: names.iso(limit.due_at) for limit in case.limits if limit.ended_at is None},
        "notices": len(done.notices),
    }


def due(
    ctx: typer.Context,
    unit: Annotated[
        str, typer.Option("--unit", metavar="ID", help="Only this unit's; `centre` for the centre's.")
    ] = "",
    hours: Annotated[
        float | None,
        typer.Option("--hours", min=0, help="Only what is over within so many hours, or already."),
    ] = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
) -> None:
    """List the limits that run, the first to be over first."""
    place = where(ctx)
    city = place.in_force().city()
    known("unit", unit if unit != "centre" else "", city.unit)
    found, now, names = run(_due(city, place.paths, unit, hours, limit)), now_us(), Names.of(city)
    if as_json:
        show_json(
            [{"case": row.number, "card": row.card, **limit_json(one, names, now)} for one, row in found]
        )
        return
    show_table(
        ("over at", "left", "stage", "whose", "case", "state", "card"),
        [
            (
                names.moment(one.due_at),
                left(one, now),
                one.stage,
                _whose(one, city, names),
                row.number,
                row.state,
                row.card,
            )
            for one, row in found
        ],
        empty="No limit runs." if hours is None else "No limit is over by then.",
    )


def _whose(limit: CaseLimitRow, city: City, names: Names) -> str:
    if not limit.unit:
        return "the centre"
    gone = "" if limit.unit in city.unit else " (is no unit any more: reassign it)"
    return names.unit(limit.unit) + gone


async def _due(
    city: City, paths: Paths, unit: str, hours: float | None, most: int
) -> list[tuple[CaseLimitRow, CaseRow]]:
    query = select(CaseLimitRow, CaseRow).join(CaseRow, CaseRow.id == CaseLimitRow.case_id)
    query = query.where(CaseLimitRow.ended_at.is_(None))
    if unit:
        query = query.where(CaseLimitRow.unit == ("" if unit == "centre" else unit))
    if hours is not None:
        query = query.where(CaseLimitRow.due_at <= now_us() + int(hours * 3_600_000_000))
    async with reading(city, paths) as session:
        rows = await session.execute(query.order_by(CaseLimitRow.due_at, CaseLimitRow.case_id).limit(most))
        return [(one, row) for one, row in rows]
