"""`yht sipp`: lists and runs SIPp scenarios against the running platform, one verdict each."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from redis.exceptions import RedisError

from acd.commands import CommandClient
from acd.store import StoreError
from config import City, ConfigError
from config.paths import Paths
from cti import live, secrets
from cti.app.commands.common import BAD, WRONG_USE, JsonOption, alone, fail, run, show_json, show_table, where
from cti.app.sipp.load import Loaded, load, names
from cti.app.sipp.runner import Runner, Verdict
from cti.app.sipp.setting import Desk, Setting, own_address, sip_address
from cti.app.sipp.watch import WatchError, watching

app = typer.Typer(help="SIPp scenarios against the running platform.", no_args_is_help=True)

ALL = "all"
ScenariosOption = Annotated[
    Path | None,
    typer.Option("--scenarios", help="Folder of scenarios; the checkout's sipp_scenarios by default."),
]


def _folder(ctx: typer.Context, scenarios: Path | None) -> Path:
    folder = scenarios or where(ctx).paths.checkout / "sipp_scenarios"
    if not names(folder):
        fail(
            f"{folder} holds no scenario; a scenario is a folder with a scenario.yaml (docs/sipp.md)",
            WRONG_USE,
        )
    return folder


def _read(folder: Path, name: str) -> Loaded | ConfigError:
    try:
        return load(folder, name)
    except ConfigError as error:
        return error


@app.command("list")
def list_scenarios(
    ctx: typer.Context, scenarios: ScenariosOption = None, as_json: JsonOption = False
) -> None:
    """List every scenario and what it shows. Exit code 1 if one can not be read."""
    folder = _folder(ctx, scenarios)
    found = [(name, _read(folder, name)) for name in names(folder)]
    good = [(name, loaded.scenario) for name, loaded in found if isinstance(loaded, Loaded)]
    if as_json:
        show_json(
            [
                {
                    "name": name,
                    "title": scenario.title.model_dump(),
                    "shows": scenario.shows,
                    "lines": scenario.lines,
                }
                for name, scenario in good
            ]
        )
    else:
        rows = [
            (name, f"{scenario.title.zh}\n{scenario.title.en}", scenario.shows) for name, scenario in good
        ]
        show_table(("name", "title", "shows"), rows)
    broken = [loaded for _, loaded in found if isinstance(loaded, ConfigError)]
    for error in broken:
        sys.stderr.write(f"{error}\n")
    if broken:
        raise typer.Exit(BAD)


@app.command("run")
def run_scenarios(
    ctx: typer.Context,
    chosen: Annotated[list[str], typer.Argument(metavar="NAME...", help="Names of scenarios, or: all.")],
    scenarios: ScenariosOption = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the logs of those that pass, too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run scenarios against the running platform. Exit code 1 if one fails; one that is skipped has not failed."""
    folder = _folder(ctx, scenarios)
    known = names(folder)
    if unknown := [name for name in chosen if name not in (*known, ALL)]:
        fail(f"there is no scenario {unknown[0]!r}; yht sipp list shows those there are", WRONG_USE)
    wanted = known if ALL in chosen else tuple(dict.fromkeys(chosen))
    place = where(ctx)
    city = place.in_force().city()
    with alone(place.paths, "sipp run"):
        try:
            verdicts = run(_play(city, place.paths, folder, wanted, keep))
        except secrets.SecretsError as error:
            fail(str(error))
        except (WatchError, StoreError) as error:
            fail(f"{error}; is the platform up? yht status")
        except RedisError as error:
            fail(f"Redis does not answer ({type(error).__name__}); is the platform up? yht status")
    if as_json:
        show_json([asdict(verdict) for verdict in verdicts])
    else:
        show_table(("name", "verdict", "s", "reason"), [_row(verdict) for verdict in verdicts])
    if any(verdict.verdict == "failed" for verdict in verdicts):
        raise typer.Exit(BAD)


def _row(verdict: Verdict) -> tuple[str, ...]:
    reasons = [*verdict.reasons, *([f"logs: {verdict.logs}"] if verdict.logs else [])]
    return verdict.name, verdict.verdict, f"{verdict.seconds:.1f}", "\n".join(reasons)


def _tell(verdict: Verdict) -> None:
    sys.stderr.write(f"{verdict.verdict:8} {verdict.name} ({verdict.seconds:.1f} s)\n")


async def _play(city: City, paths: Paths, folder: Path, wanted: tuple[str, ...], keep: bool) -> list[Verdict]:
    loaded = [await asyncio.to_thread(_read, folder, name) for name in wanted]
    async with live.connect(city, paths) as redis, watching(city, paths, redis) as watch:
        await watch.snapshot()
        await watch.asterisk("core show uptime")
        setting = Setting(
            city=city,
            paths=paths,
            secrets=secrets.load(paths.secrets),
            watch=watch,
            desk=Desk(CommandClient(redis)),
            platform=sip_address(city),
            citizens_at=own_address(city.trunks, rehearsal=False),
            rehearsals_at=own_address(city.trunks, rehearsal=True),
        )
        return await Runner(setting, _tell, keep=keep).run(loaded, wanted)
