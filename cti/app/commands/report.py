"""`yht report`: figures of a period, each of which opens the cases behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer

from caselink.report import KPIS, By, Figure, Kpi, Line, Period, cases_behind, figures
from config import City
from config.paths import Paths
from cti.app.commands.common import WRONG_USE, JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import LimitOption, now_us, reading
from cti.app.views.words import Names, since

app = typer.Typer(help="Figures of a period, each of which opens the cases behind it.", no_args_is_help=True)

_DAY = 86_400_000_000


@app.callback()
def _group() -> None:
    """Keep `cases` a command of its own, beside those to come."""


@app.command("cases")
def report_cases(
    ctx: typer.Context,
    start: Annotated[
        str, typer.Option("--from", metavar="WHEN", help="From then on: 30d, 2026-11-01.")
    ] = "30d",
    end: Annotated[
        str,
        typer.Option("--to", metavar="WHEN", help="Until then; a day counts whole. Without it until now."),
    ] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="unit|hotline", help="Each unit or hotline by itself too.")
    ] = "",
    listed: Annotated[
        str,
        typer.Option(
            "--list", metavar="FIGURE", help="The cases behind one figure, those that miss it first."
        ),
    ] = "",
    limit: LimitOption = 100,
    as_json: JsonOption = False,
) -> None:
    """Show how cases went: signed for, answered and closed in time, followed up, solved, satisfied, repeated."""
    place = where(ctx)
    city = place.in_force().city()
    if by not in ("", "unit", "hotline"):
        fail(f"--by {by[:40]!r}: write unit or hotline", WRONG_USE)
    group = cast(By, by)
    period = _period(start, end, city)
    names = Names.of(city)
    if listed:
        _list(city, place.paths, _kpi(listed), period, group, limit, as_json)
        return
    found = run(_figures(city, place.paths, period, group))
    if as_json:
        show_json([_figure_json(figure) for figure in found])
        return
    name = {"unit": names.unit, "hotline": names.hotline}.get(group, str)
    show_table(
        ("figure", "", *((group,) if group else ()), "percent", "of", "formula"),
        [
            (
                figure.kpi.name,
                figure.kpi.chinese,
                *((name(figure.group) if figure.group else "all",) if group else ()),
                "–" if figure.percent is None else f"{figure.percent:.2f}",
                f"{figure.good}/{figure.among}",
                figure.kpi.formula if not figure.group else "",
            )
            for figure in found
        ],
        title=f"{names.moment(period.start)} to {names.moment(period.end)}; --list FIGURE opens the cases",
    )


def _list(city: City, paths: Paths, kpi: Kpi, period: Period, by: By, limit: int, as_json: bool) -> None:
    lines, names = run(_lines(city, paths, kpi, period, by, limit)), Names.of(city)
    if as_json:
        show_json(
            [
                {
                    "case": line.number,
                    "counts": line.is_good,
                    "group": line.group,
                    "at": names.iso(line.at),
                    "state": line.state,
                }
                for line in lines
            ]
        )
        return
    show_table(
        ("case", "counts", by or "", "at", "state"),
        [
            (line.number, "yes" if line.is_good else "no", line.group, names.moment(line.at), line.state)
            for line in lines
        ],
        title=f"{kpi.chinese}: {kpi.formula}",
        empty="No case of the period counts for it.",
    )


def _kpi(name: str) -> Kpi:
    found = next((kpi for kpi in KPIS if name in (kpi.name, kpi.chinese)), None)
    if found is None:
        fail(f"there is no figure {name[:40]!r}; there are: {', '.join(kpi.name for kpi in KPIS)}", WRONG_USE)
    return found


def _period(start: str, end: str, city: City) -> Period:
    now = now_us()
    first = _moment(start, "--from", city)
    last = _moment(end, "--to", city) if end else now
    if re.fullmatch(r"\d{4}-\d\d-\d\d|today|yesterday", end.strip().lower()):
        last += _DAY
    if first >= last:
        fail("--from is not before --to", WRONG_USE)
    return Period(first, last, now)


def _moment(text: str, option: str, city: City) -> int:
    try:
        return since(text, now_us(), city.platform.timezone)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _figure_json(figure: Figure) -> dict[str, Any]:
    """Keys: figure, chinese, formula, group ("": all), good, among, percent (null where nothing is divided by)."""
    return {
        "figure": figure.kpi.name,
        "chinese": figure.kpi.chinese,
        "formula": figure.kpi.formula,
        "group": figure.group,
        "good": figure.good,
        "among": figure.among,
        "percent": None if figure.percent is None else round(figure.percent, 4),
    }


async def _figures(city: City, paths: Paths, period: Period, by: By) -> Sequence[Figure]:
    async with reading(city, paths) as session:
        return await figures(session, period, by)


async def _lines(city: City, paths: Paths, kpi: Kpi, period: Period, by: By, limit: int) -> Sequence[Line]:
    async with reading(city, paths) as session:
        return await cases_behind(session, kpi, period, by, limit)
