"""`yht queue`: shows the queues as they are now."""

from __future__ import annotations

import typer

from config import City
from config.paths import Paths
from cti.app.commands.common import JsonOption, run, show_json, show_table, where
from cti.app.commands.reading import living
from cti.app.views import queues as view
from cti.app.views.words import length
from cti.clock import now_us

app = typer.Typer(help="Queues: who waits, and for how long.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `list` a command of its own: typer would make a lone command the group itself."""


@app.command("list")
def list_queues(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """List the queues: citizens who wait, the longest wait, agents who could answer."""
    place = where(ctx)
    city = place.in_force().city()
    found = run(_queues(city, place.paths))
    if as_json:
        show_json([view.as_json(queue) for queue in found])
        return
    show_table(
        ("queue", "name", "waiting", "being offered", "longest wait", "ready", "talking", "not ready"),
        [
            (
                queue.id,
                queue.name if queue.known else "not in the configuration",
                queue.waiting,
                queue.offered,
                length(queue.longest_wait_ms) if queue.waiting or queue.offered else "",
                queue.ready,
                queue.talking,
                queue.not_ready,
            )
            for queue in found
        ],
        empty="The city has no queues.",
    )


async def _queues(city: City, paths: Paths) -> tuple[view.QueueView, ...]:
    async with living(city, paths) as redis:
        return await view.queues(redis, city, now_us())
