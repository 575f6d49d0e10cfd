"""`yht config`: says whether a city is right, puts it into force on the running platform."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from config import City, ConfigError, Problem, load
from cti.app.commands.common import BAD, WRONG_USE, JsonOption, Where, fail, run, show_json, where
from ivr.prompts.of_city import unspeakable

app = typer.Typer(help="The city's configuration.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The city's configuration."""


@app.command()
def check(
    ctx: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="The city's folder; else the platform's.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every file of a city; each problem is a line with its file, its line and what would be right."""
    looked_at = folder or where(ctx).paths.config_dir
    if not looked_at.is_dir():
        fail(f"there is no folder {looked_at}", WRONG_USE)
    try:
        city = load(looked_at)
        problems = unspeakable(city)
    except ConfigError as error:
        city, problems = None, error.problems
    if as_json:
        show_json({"right": not problems, "problems": [_row(problem) for problem in problems]})
    elif city is not None and not problems:
        sys.stdout.write(f"{looked_at} is right: {counted(city)}\n")
    else:
        for problem in problems:
            sys.stderr.write(f"{problem}\n")
    if problems:
        raise typer.Exit(BAD)


@app.command("apply")
def apply_config(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Put the city into force on the running platform: no restart, no call disturbed; wrong, nothing changes."""
    put_into_force(where(ctx), as_json)


def put_into_force(place: Where, as_json: bool) -> None:
    """Apply the platform's city and say what changed; what is wrong ends the command."""
    from cti.app.apply import NotApplied, apply

    try:
        done = run(apply(place.paths))
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        fail("nothing was changed; what was in force stays")
    except NotApplied as error:
        for line in error.lines:
            sys.stderr.write(f"yht: {line}\n")
        raise typer.Exit(BAD) from None
    if as_json:
        show_json({"changes": [asdict(change) for change in done.changes], "has_it": done.has_it})
        return
    for change in done.changes:
        sys.stdout.write(f"{change}\n")
    by = ", ".join(done.has_it) or "nobody yet: no engine is up, the next one starts with it"
    no_difference = "" if done.changes else "no difference; "
    sys.stdout.write(f"in force: {counted(done.city)}; {no_difference}taken by {by}\n")


def counted(city: City) -> str:
    """Return how much of everything a city has: "4 hotlines, 1 queue, …"."""
    counts = {
        "hotline": city.hotlines,
        "number": [number for hotline in city.hotlines for number in hotline.numbers],
        "queue": city.queues,
        "agent": city.agents,
        "seat": city.seats,
        "trunk": city.trunks,
        "unit": city.units,
        "prompt": city.prompts,
    }
    return ", ".join(f"{len(of)} {name}{'' if len(of) == 1 else 's'}" for name, of in counts.items())


def _row(problem: Problem) -> dict[str, str | int]:
    return {
        "file": problem.file,
        "line": problem.line,
        "path": problem.path,
        "what": problem.what,
        "remedy": problem.remedy,
    }
