"""`yht agent`: shows agents as they are now, signs them in and out, makes them ready or not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from acd.commands import CommandClient, NoEngineError, Reply
from config import City
from config.paths import Paths
from cti.app.commands.common import JsonOption, fail, run, show_json, show_table, where
from cti.app.commands.reading import living
from cti.app.views import agents as view
from cti.app.views.words import Names, length
from cti.clock import now_us

app = typer.Typer(help="Agents: who is signed in, ready, talking.", no_args_is_help=True)

AgentArgument = Annotated[str, typer.Argument(metavar="ID", help="The agent's id (工号).")]


@app.command("list")
def list_agents(
    ctx: typer.Context,
    everybody: Annotated[
        bool,
        typer.Option("--all/--signed-in", help="Also those who are not signed in, or only those who are."),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """List the agents: state, since when, seat and call. The busiest come first."""
    place = where(ctx)
    city = place.in_force().city()
    people = run(_agents(city, place.paths))
    found = [agent for agent in people if everybody or agent.state != "signed_out"]
    names, now = Names.of(city), now_us()
    if as_json:
        show_json([view.as_json(agent, names.iso, now) for agent in found])
        return
    show_table(
        ("agent", "name", "state", "for", "since", "seat", "call", "queues"),
        [
            (
                agent.id,
                agent.name if agent.known else "not in the configuration",
                _state(agent),
                "" if agent.since is None else length(max(now - agent.since, 0) // 1000),
                names.moment(agent.since),
                agent.seat,
                agent.call,
                ", ".join(agent.queues),
            )
            for agent in found
        ],
        empty="Nobody is signed in. Sign an agent in with: yht agent sign-in ID"
        if people
        else "The city has no agents; they are written in agents.yaml.",
    )


@app.command("sign-in")
def sign_in(
    ctx: typer.Context,
    agent: AgentArgument,
    seat: Annotated[
        str,
        typer.Option("--seat", metavar="EXT", help="Where the agent sits. Else the seat of the same number."),
    ] = "",
    ready: Annotated[bool, typer.Option("--ready", help="Be ready for calls at once.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign an agent in at a seat; not ready yet unless --ready."""
    steps: list[tuple[str, dict[str, Any]]] = [
        ("sign_in", {"agent": agent, **({"seat": seat} if seat else {})})
    ]
    if ready:
        steps.append(("ready", {"agent": agent}))
    _do(ctx, steps, as_json)


@app.command("sign-out")
def sign_out(
    ctx: typer.Context,
    agent: AgentArgument,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the record.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Sign an agent out; one who has a call finishes it first."""
    _do(ctx, [("sign_out", {"agent": agent, "reason": reason})], as_json)


@app.command("ready")
def make_ready(ctx: typer.Context, agent: AgentArgument, as_json: JsonOption = False) -> None:
    """Make an agent ready for calls (示闲)."""
    _do(ctx, [("ready", {"agent": agent})], as_json)


@app.command("not-ready")
def make_not_ready(
    ctx: typer.Context,
    agent: AgentArgument,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why: lunch, training, break …")
    ] = "break",
    as_json: JsonOption = False,
) -> None:
    """Give an agent no calls for a while (示忙)."""
    _do(ctx, [("not_ready", {"agent": agent, "reason": reason})], as_json)


def _do(ctx: typer.Context, steps: list[tuple[str, dict[str, Any]]], as_json: bool) -> None:
    place = where(ctx)
    city = place.in_force().city()
    reply = run(_ask(city, place.paths, steps))
    if not reply.ok:
        fail(reply.error)
    if as_json:
        show_json(dict(reply.data))
        return
    data = {name: str(value) for name, value in reply.data.items()}
    state, reason = data.get("state", "").replace("_", " "), data.get("reason", "").replace("_", " ")
    at = f" at seat {data['seat']}" if data.get("seat") and data.get("state") != "signed_out" else ""
    who = Names.of(city).agent(data.get("agent", ""))
    if steps[-1][0] == "ready" and data.get("reason") == "seat_unreachable":
        typer.echo(f"agent {who} is ready as soon as the phone of seat {data.get('seat')} can be reached")
        return
    typer.echo(f"agent {who} is {state}{f' ({reason})' if reason else ''}{at}")


async def _ask(city: City, paths: Paths, steps: list[tuple[str, dict[str, Any]]]) -> Reply:
    async with living(city, paths) as redis:
        client = CommandClient(redis)
        reply = Reply(ok=True)
        for name, args in steps:
            try:
                reply = await client.call(name, **args)
            except NoEngineError as error:
                fail(str(error))
            if not reply.ok:
                break
        return reply


async def _agents(city: City, paths: Paths) -> tuple[view.AgentView, ...]:
    async with living(city, paths) as redis:
        return await view.agents(redis, city)


def _state(agent: view.AgentView) -> str:
    reason = agent.reason.replace("_", " ")
    return agent.state.replace("_", " ") + (f" ({reason})" if reason and agent.state != "signed_out" else "")
