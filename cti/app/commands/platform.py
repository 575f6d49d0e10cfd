"""`yht up` and `yht down`: start the platform and stop it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from typing import Annotated, Any

import typer

from cti.app.commands.common import BAD, Where, fail, show_table, where

DETACHED_SECONDS = 90.0
"""How long `--detach` waits for the supervisor's word; above what a start may take."""


def up(
    ctx: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when the platform is ready.")
    ] = False,
    report: Annotated[int, typer.Option(hidden=True, help="Where to write the outcome.")] = -1,
) -> None:
    """Start the platform; it runs until Ctrl-C, or with --detach until `yht down`."""
    place = where(ctx)
    if detach:
        _detached(place)
        return
    from cti import log
    from cti.app.supervisor.outcome import Outcome
    from cti.app.supervisor.run import run

    began = time.monotonic()
    city = place.city()
    try:
        watched = report < 0
        log.set_up(
            "supervisor", place.paths.log, node=city.platform.node, foreground=watched, least="warning"
        )
    except OSError as error:
        fail(f"{error.filename}: {error.strerror} - name another home with --home")

    def tell(outcome: Outcome) -> None:
        _say(outcome.running, outcome.lines, place, time.monotonic() - began, report)

    if not run(city, place.paths, tell):
        raise typer.Exit(BAD)
    if watched:
        sys.stdout.write("Everything has stopped.\n")


def _say(running: bool, lines: tuple[str, ...], place: Where, seconds: float, report: int) -> None:
    """Tell the outcome to the process that waits for it, else to the person at the terminal."""
    if report < 0:
        _show(running, lines, place, seconds)
        sys.stdout.flush()
        return
    with os.fdopen(report, "w", encoding="utf-8") as out:
        json.dump({"running": running, "lines": lines, "seconds": seconds}, out)


def _show(running: bool, lines: tuple[str, ...], place: Where, seconds: float) -> None:
    for line in lines:
        sys.stderr.write(f"yht: {line}\n")
    if not running:
        return
    from cti.app.supervisor import state

    paths, platform = place.paths, place.city().platform
    known = state.read(paths.supervisor_state)
    rows = [(name, part.state, part.pid or "") for name, part in known.processes.items()] if known else []
    show_table(("process", "state", "pid"), rows, title=f"{platform.city}: up in {seconds:.1f} s")
    looks = (
        ("phones", f"SIP on {platform.sip.bind}:{platform.sip.port} (UDP)"),
        ("page", f"http://{platform.http.bind}:{platform.http.port}/"),
        ("logs", str(paths.log)),
        ("recordings", str(paths.recordings)),
        ("more", "yht status, yht call list, yht line list; stop with yht down"),
    )
    sys.stdout.write("".join(f"  {name:<11} {what}\n" for name, what in looks))


def _detached(place: Where) -> None:
    """Start a supervisor of its own session and wait for its word."""
    place.city()  # a wrong configuration is told here, where somebody reads it
    from cti.app.supervisor.parts import yht_command

    place.paths.log.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    listening, telling = os.pipe()
    with (place.paths.log / "supervisor.out").open("wb") as output:
        supervisor = subprocess.Popen(
            yht_command(place.paths, "up", "--report", str(telling)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(telling,),
            start_new_session=True,
            cwd="/",
        )
    os.close(telling)
    told = _hear(listening, DETACHED_SECONDS)
    if told is None:
        said = (place.paths.log / "supervisor.out").read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line for line in reversed(said) if line.strip()), f"see {place.paths.log}")
        fail(
            f"the supervisor (pid {supervisor.pid}) has not started the platform: {last.removeprefix('yht: ')}"
        )
    lines = tuple(told["lines"])
    if not told["running"]:
        with contextlib.suppress(subprocess.TimeoutExpired):  # it is putting its things away
            supervisor.wait(DETACHED_SECONDS)
    _show(told["running"], lines, place, time.monotonic() - began)
    if lines or not told["running"]:
        raise typer.Exit(BAD)


def _hear(descriptor: int, within: float) -> dict[str, Any] | None:
    """Read the outcome; None where the supervisor ended, or said nothing in time."""
    heard = b""
    deadline = time.monotonic() + within
    with os.fdopen(descriptor, "rb", buffering=0) as source:
        while True:
            ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
            chunk = source.read(65536) if ready else b""
            if not chunk:
                break
            heard += chunk
    try:
        outcome = json.loads(heard)
    except ValueError:
        return None
    return outcome if isinstance(outcome, dict) else None


def down(ctx: typer.Context) -> None:
    """Stop the platform: its calls end, nothing of it is left running."""
    from cti.app.supervisor.down import NotStopped
    from cti.app.supervisor.down import down as stop

    paths = where(ctx).paths
    if not paths.run.is_dir():
        sys.stdout.write(f"Nothing runs in {paths.home}.\n")
        return
    try:
        done = stop(paths)
    except NotStopped as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    for sentence in done or [f"nothing ran in {paths.home}"]:
        sys.stdout.write(f"{sentence[:1].upper()}{sentence[1:]}.\n")
