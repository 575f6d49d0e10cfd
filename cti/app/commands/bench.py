"""`yht bench`: measures beside app_queue on the same Asterisk in the same run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cti.app.bench.calls import Plan, cost, idle
from cti.app.bench.figures import Figure, Growth, Invalid, Outcome, figure_row
from cti.app.bench.report import figures_table, save, show
from cti.app.bench.rig import Rig, running
from cti.app.bench.sipp import SippMissing
from cti.app.commands.common import BAD, JsonOption, fail, show_json, where

app = typer.Typer(help="Measure, side by side with app_queue on the same Asterisk.", no_args_is_help=True)

Measurement = Callable[[Rig, Plan, Path, Callable[[str], None]], Awaitable[Outcome]]
MEASUREMENTS: dict[str, tuple[str, Measurement]] = {
    "cost": ("CPU a call, answer to hangup, 200 seats", cost),
    "idle": ("how long a freed agent stands idle while citizens wait", idle),
}


@app.command("list")
def list_measurements() -> None:
    """Say what can be measured."""
    for name, (what, _) in MEASUREMENTS.items():
        sys.stdout.write(f"{name:8} {what}\n")


@app.command("run")
def run_measurements(
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="What to measure; all if none is named.")] = None,
    seconds: Annotated[float, typer.Option(help="Length of a load, seconds.", min=5, max=3600)] = 60.0,
    rate: Annotated[float, typer.Option(help="Calls a second.", min=1, max=200)] = 20.0,
    seats: Annotated[int, typer.Option(help="Agents at their seats.", min=20, max=1000)] = 200,
    rounds: Annotated[int, typer.Option(help="How often each side is measured.", min=1, max=20)] = 1,
    as_json: JsonOption = False,
) -> None:
    """Measure; writes latest.json into the home's bench folder. Exit code 1 if a limit is not kept."""
    chosen = names or list(MEASUREMENTS)
    if unknown := [name for name in chosen if name not in MEASUREMENTS]:
        fail(f"there is no measurement {unknown[0]!r}; there are {', '.join(MEASUREMENTS)}", 2)
    plan = Plan(seats=seats, rate=rate, seconds=seconds, rounds=rounds)
    console = Console(stderr=True)
    folder = where(ctx).paths.bench
    try:
        outcomes = asyncio.run(_measure(chosen, plan, folder / "run", console))
    except (Invalid, SippMissing) as error:
        fail(str(error))
    figures: list[Figure] = [figure for outcome in outcomes for figure in outcome.figures]
    growths: list[Growth] = [growth for outcome in outcomes for growth in outcome.growths]
    written = save(folder, "latest", figures, growths)
    if as_json:
        show_json([figure_row(figure) for figure in figures])
    else:
        out = Console(width=None if sys.stdout.isatty() else 160)
        for outcome in outcomes:
            show(out, outcome)
        out.print(figures_table(figures))
        out.print(f"Written: {', '.join(map(str, written))}", highlight=False, soft_wrap=True)
    if any(figure.held is False for figure in figures):
        raise typer.Exit(BAD)


async def _measure(names: list[str], plan: Plan, folder: Path, console: Console) -> list[Outcome]:
    outcomes = []
    console.print(f"Starting a platform with {plan.seats} seats …", highlight=False)
    async with running(folder, plan.seats, sorted({plan.seats, plan.gap_seats})) as rig:
        logs = folder / "sipp"
        logs.mkdir()
        for name in names:
            _, measure = MEASUREMENTS[name]
            outcomes.append(await measure(rig, plan, logs, lambda text: console.print(text, highlight=False)))
    return outcomes
