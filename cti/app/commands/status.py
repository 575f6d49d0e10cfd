"""`yht status`: what runs and how it is."""

from __future__ import annotations

import sys

import typer

from cti.app.commands.common import BAD, JsonOption, run, show_json, show_table, where


def status(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show every process, link, queue and what is wrong; exit code 0 if all is up, 1 if not."""
    from cti.app.status import model, text
    from cti.app.status.gather import gather

    place = where(ctx)
    found = run(gather(place.in_force().city(), place.paths))
    if as_json:
        show_json(model.as_json(found))
    else:
        if found.running:
            show_table(text.HEADINGS, text.rows(found), title=f"{found.city} - {found.home}")
        sys.stdout.write("".join(f"{line}\n" for line in text.lines(found)))
    if not found.good:
        raise typer.Exit(BAD)
