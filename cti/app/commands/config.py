"""`yht config check`: says whether a city is right, else everything that is wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from config import City, ConfigError, Problem, load
from cti.app.commands.common import BAD, WRONG_USE, JsonOption, fail, show_json, where
from ivr.prompts.texts import TextError, speakable

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


def unspeakable(city: City) -> tuple[Problem, ...]:
    """Return the prompts and demo lines that no voice can say, and why."""
    texts = [
        (f"prompt.{name}.{language}", f"prompts.{name}.{language}", language, prompt.text(language))
        for name, prompt in city.prompts.items()
        for language in ("zh", "en")
    ]
    texts += [(f"demo.{line.id}.text", f"lines.{line.id}.text", "zh", line.text) for line in city.demo]
    found = []
    for key, path, language, text in texts:
        try:
            speakable(text, language)
        except TextError as error:
            what, _, remedy = str(error).partition(": ")
            file, _, line = city.places.get(key, "prompts.yaml:0").rpartition(":")
            found.append(Problem(file, int(line), path, what, remedy or "write words that can be spoken"))
    return tuple(found)


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
