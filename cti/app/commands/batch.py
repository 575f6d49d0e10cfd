"""`yht batch`: lists batches of numbers, says what each changes, puts one into force and takes it back."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from config import City
from config.schema.batch import Batch
from cti import files, inforce
from cti.app.commands.common import WRONG_USE, JsonOption, Where, fail, show_json, show_table, where
from cti.app.commands.config import put_into_force
from ivr.batches import in_short, rows, state
from ivr.directory import Plan

app = typer.Typer(help="Batches of numbers that join 12345 on one day.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The id of the batch.", show_default=False)]

_APPLIED = re.compile(r"^applied:.*$", re.MULTILINE)


@app.command("list")
def list_batches(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List every batch with its day and where it stands."""
    city = where(ctx).city()
    now = _now(city)
    if as_json:
        show_json(
            [{**batch.model_dump(mode="json"), "state": state(batch, city, now)} for batch in city.batches]
        )
        return
    show_table(
        ("batch", "name", "day", "numbers", "state"),
        (
            (
                batch.id,
                batch.name,
                f"{batch.date:%Y-%m-%d %H:%M}",
                len(batch.numbers),
                state(batch, city, now),
            )
            for batch in sorted(city.batches, key=lambda batch: batch.date)
        ),
        empty="The city has no batches; each is a file in batches/.",
    )


@app.command("plan")
def plan_batch(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Say for each number what a caller gets now, on the batch's day, and when it is rolled back."""
    city = where(ctx).city()
    batch = _batch(city, name)
    found = rows(batch, city, _now(city))
    if as_json:
        show_json(
            [
                {
                    "number": row.number,
                    "hotline": row.hotline,
                    "now": _as_json(row.now),
                    "on_its_day": _as_json(row.then),
                    "rolled_back": _as_json(row.undone),
                }
                for row in found
            ]
        )
        return
    show_table(
        ("number", "hotline", "now", f"on {batch.date:%Y-%m-%d %H:%M}", "rolled back"),
        (
            (
                row.number,
                f"{row.hotline} {row.name}",
                in_short(row.now),
                in_short(row.then),
                in_short(row.undone),
            )
            for row in found
        ),
        title=f"{batch.id} {batch.name}: {state(batch, city, _now(city))}",
    )


@app.command("apply")
def apply_batch(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Put a batch into force: its numbers take effect on its day, no restart, no call disturbed."""
    _write(where(ctx), name, applied=True, as_json=as_json)


@app.command("rollback")
def roll_back(ctx: typer.Context, name: Name, as_json: JsonOption = False) -> None:
    """Take a batch back at once: its numbers are as before, calls that are under way go on."""
    _write(where(ctx), name, applied=False, as_json=as_json)


def _write(place: Where, name: str, *, applied: bool, as_json: bool) -> None:
    """Write into the batch's file whether it is applied, then apply the city; what is refused is undone."""
    city = place.city()
    batch = _batch(city, name)
    file: Path = place.paths.config_dir / city.places[f"batch.{batch.id}"].rpartition(":")[0]
    before, in_force = file.read_text(encoding="utf-8"), inforce.generation(place.paths)
    line = f"applied: {'true' if applied else 'false'}"
    after = _APPLIED.sub(line, before) if _APPLIED.search(before) else f"{before.rstrip()}\n{line}\n"
    try:
        files.replace(file, after, _mode(file))
    except OSError as error:
        fail(f"{file} can not be written ({error.strerror}): write {line} into it, then yht config apply")
    try:
        put_into_force(place, as_json)
    except typer.Exit:
        if inforce.generation(place.paths) == in_force:
            files.replace(file, before, _mode(file))
        raise
    if not as_json:
        now = state(batch.model_copy(update={"applied": applied}), city, _now(city))
        sys.stdout.write(f"batch {batch.id} {batch.name}: {now}\n")


def _mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def _batch(city: City, name: str) -> Batch:
    if name not in city.batch:
        there = ", ".join(city.batch) or "none"
        fail(f"there is no batch {name[:40]!r}; there are: {there}", WRONG_USE)
    return city.batch[name]


def _now(city: City) -> datetime:
    return datetime.now(ZoneInfo(city.platform.timezone))


def _as_json(plan: Plan) -> dict[str, str]:
    return {"outcome": plan.outcome, "reason": plan.reason, "in_short": in_short(plan), "place": plan.place}
