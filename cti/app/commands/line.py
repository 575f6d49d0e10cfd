"""`yht line`: lists the hotlines of the city and explains what a call to a number would be."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config import City
from cti.app.commands.common import WRONG_USE, JsonOption, fail, show_json, show_table, where
from ivr.directory import Directory
from ivr.explain import Explanation, explain

app = typer.Typer(help="Hotlines: list them, explain what a caller hears.", no_args_is_help=True)


@app.command("list")
def list_lines(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Lines for rehearsals and drills too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the city's hotlines with their numbers, who answers and where their cases go."""
    city = where(ctx).city()
    shown = [hotline for hotline in city.hotlines if everything or not hotline.rehearsal]
    if as_json:
        show_json([_row(city, city.hotlines.index(hotline)) for hotline in shown])
        return
    rows = []
    for hotline in shown:
        agents = sum(hotline.queue in agent.queues for agent in city.agents)
        unit = f" → {hotline.case.unit}" if hotline.case.unit else ""
        rows.append(
            (
                hotline.id,
                ", ".join(hotline.numbers[:5]) + (" …" if len(hotline.numbers) > 5 else ""),
                f"{hotline.name}\n{hotline.name_en}".strip(),
                hotline.merge_mode,
                f"{hotline.queue} ({agents})",
                hotline.case.backend + unit,
                hotline.valid_from or "",
            )
        )
    show_table(("hotline", "numbers", "name", "merge mode", "queue (agents)", "cases", "valid from"), rows)


@app.command("explain")
def explain_number(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="The number dialed, in any form a trunk delivers.")],
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="Local time of the city: 2026-10-01T09:00. Else now."),
    ] = None,
    caller: Annotated[str, typer.Option("--caller", metavar="N", help="The caller's number.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Say what a caller hears, who answers and where the case goes, and which line of which file says so.

    An unknown number is explained too: its callers hear a polite prompt. Exit code 0 in any case.
    """
    city = where(ctx).city()
    zone = ZoneInfo(city.platform.timezone)
    moment = _moment(at, zone) if at is not None else datetime.now(zone)
    told = explain(city, Directory(city), number, caller, moment)
    if as_json:
        show_json({"at": moment.isoformat(timespec="minutes"), **told.as_json()})
    else:
        _show(told, moment)


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        fail(f"--at {text[:40]!r} is no time: write it as 2026-10-01T09:00", WRONG_USE)
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _show(told: Explanation, moment: datetime) -> None:
    console = Console(width=None if sys.stdout.isatty() else 160)
    name = f"{told.name} {told.name_en}".strip() or "no hotline"
    asked = told.asked if len(told.asked) <= 40 else told.asked[:40] + "…"
    heading = f"{asked} at {moment:%Y-%m-%d %H:%M}: {name} [{told.plan.outcome}, {told.plan.reason}]"
    console.print(Text(heading, style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold", ratio=3)
    table.add_column(style="dim", overflow="fold", ratio=1)
    for step in told.steps:
        table.add_row(step.topic, Text(step.says), Text(_places(step.places)))
    console.print(table)


def _places(places: tuple[str, ...]) -> str:
    """Return places with a file named once: agents.yaml:3,4,5."""
    lines: dict[str, list[str]] = {}
    for place in places:
        file, colon, line = place.rpartition(":")
        lines.setdefault(file if colon else place, []).extend([line] if colon else [])
    return " ".join(f"{file}:{','.join(found)}" if found else file for file, found in lines.items())


def _row(city: City, position: int) -> dict[str, object]:
    hotline = city.hotlines[position]
    return {
        **hotline.model_dump(mode="json"),
        "agents": [agent.id for agent in city.agents if hotline.queue in agent.queues],
        "place": city.places.get(f"hotline.{hotline.id}", ""),
    }
