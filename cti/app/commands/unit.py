"""`yht unit`: the tree of departments, who is on duty, and what lies with each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Group
from rich.text import Text
from sqlalchemy import func, select

from caselink.duty import on_duty
from caselink.loop import AT_UNIT
from caselink.tables import CaseLimitRow, CaseNoticeRow, CaseRow
from config import City
from config.paths import Paths
from config.schema.people import Unit
from cti.app.commands.common import JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import known, now_us, reading, show_page
from cti.app.commands.working import rulebook
from cti.app.views.case_work import Reach, left, limit_json, notice_json, notice_lines
from cti.app.views.words import Names

app = typer.Typer(help="Departments: who is on duty, and which cases lie with them.", no_args_is_help=True)

_MOST_NOTICES = 20


@app.command("list")
def list_units(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show the tree of units, who is on duty now, and how many cases each has to work on."""
    place = where(ctx)
    city = place.in_force().city()
    open_, now = run(_open(city, place.paths)), now_us()
    tree = list(_tree(city.unit))
    if as_json:
        show_json(
            [
                {
                    "id": unit.id,
                    "name": unit.name,
                    "level": unit.level,
                    "parent": unit.parent,
                    "on_duty": _duty_json(city, unit.id, now),
                    "open_cases": open_.get(unit.id, 0),
                }
                for _, unit in tree
            ]
        )
        return
    show_table(
        ("unit", "name", "on duty now", "open cases"),
        [
            (
                "  " * depth + unit.id,
                unit.name,
                _duty(city, unit.id, now) or "nobody",
                open_.get(unit.id, 0) or "",
            )
            for depth, unit in tree
        ],
        empty="units.yaml names no unit.",
    )


@app.command("show")
def show_unit(
    ctx: typer.Context,
    unit: Annotated[str, typer.Argument(help="The unit's id.")],
    as_json: JsonOption = False,
) -> None:
    """Show one unit: whom it is told by, who is on duty, its inbox with the time left, its newest notices."""
    place = where(ctx)
    city = place.in_force().city()
    if not unit:
        fail("name a unit; yht unit list shows them")
    known("unit", unit, city.unit)
    (inbox, notices), now, names = run(_inbox(city, place.paths, unit)), now_us(), Names.of(city)
    one = city.unit[unit]
    if as_json:
        show_json(
            {
                "id": one.id,
                "name": one.name,
                "level": one.level,
                "parent": one.parent,
                "contacts": [person.model_dump() for person in one.contacts],
                "on_duty": _duty_json(city, unit, now),
                "inbox": [
                    {"case": row.number, "state": row.state, **limit_json(limit, names, now)}
                    for limit, row in inbox
                ],
                "notices": [notice_json(notice, names) for notice in notices],
            }
        )
        return
    lines = [Text(f"Unit {names.unit(unit)}", "bold")]
    lines.append(
        Text(f"  level {one.level}" + (f", belongs to {names.unit(one.parent)}" if one.parent else ""))
    )
    lines.append(
        Text(
            f"  on duty now: {_duty(city, unit, now) or 'nobody; its roster and those above it name no one'}"
        )
    )
    lines += [
        Text(f"  {person.role.replace('_', ' ')}: {person.name} {person.phone}") for person in one.contacts
    ]
    lines.append(Text("\nInbox", "bold"))
    lines += [
        Text(
            f"  {row.number}  {row.state:<19}  {limit.stage:<11}  {names.moment(limit.due_at)}  {left(limit, now)}"
        )
        for limit, row in inbox
    ] or [Text("  nothing")]
    if notices:
        lines.append(Text("\nNewest notices", "bold"))
        reach = Reach(city, rulebook(city).days, now)
        lines += [Text(f"  {line}") for line in notice_lines(notices, names, reach)]
    show_page(Group(*lines))


def _tree(units: Mapping[str, Unit], parent: str | None = None, depth: int = 0) -> Iterator[tuple[int, Unit]]:
    for unit in units.values():
        if unit.parent == parent:
            yield depth, unit
            yield from _tree(units, unit.id, depth + 1)


def _duty(city: City, unit: str, now: int) -> str:
    found = on_duty(city.unit, unit, now, ZoneInfo(city.platform.timezone), rulebook(city).days)
    if found is None:
        return ""
    of, turn = found
    return f"{turn.name} {turn.phone}" + (f" ({of.id})" if of.id != unit else "")


def _duty_json(city: City, unit: str, now: int) -> dict[str, str] | None:
    """Keys: unit (whose roster), name, phone; None where nobody is on duty."""
    found = on_duty(city.unit, unit, now, ZoneInfo(city.platform.timezone), rulebook(city).days)
    return None if found is None else {"unit": found[0].id, "name": found[1].name, "phone": found[1].phone}


async def _open(city: City, paths: Paths) -> dict[str, int]:
    query = (
        select(CaseRow.unit, func.count()).where(CaseRow.state.in_(sorted(AT_UNIT))).group_by(CaseRow.unit)
    )
    async with reading(city, paths) as session:
        return {str(unit): count for unit, count in await session.execute(query)}


async def _inbox(
    city: City, paths: Paths, unit: str
) -> tuple[list[tuple[CaseLimitRow, CaseRow]], list[CaseNoticeRow]]:
    running: Any = (
        select(CaseLimitRow, CaseRow)
        .join(CaseRow, CaseRow.id == CaseLimitRow.case_id)
        .where(CaseLimitRow.unit == unit, CaseLimitRow.ended_at.is_(None))
        .order_by(CaseLimitRow.due_at)
    )
    told = (
        select(CaseNoticeRow)
        .where(CaseNoticeRow.unit == unit)
        .order_by(CaseNoticeRow.id.desc())
        .limit(_MOST_NOTICES)
    )
    async with reading(city, paths) as session:
        inbox = [(limit, row) for limit, row in await session.execute(running)]
        return inbox, list(await session.scalars(told))
