"""`yht run NAME`: one process of the platform in the foreground, as `yht up` and systemd start it."""

from __future__ import annotations

import importlib
import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cti.app.commands.common import fail, where


class Name(StrEnum):
    """The processes there are."""

    redis = "redis"
    asterisk = "asterisk"
    ledger = "ledger"
    engine = "engine"
    transcriber = "transcriber"
    desk = "desk"


MODULES: Final = {
    Name.ledger: "cti.app.ledger",
    Name.engine: "cti.app.engine",
    Name.transcriber: "cti.app.transcriber",
    Name.desk: "cti.app.desk",
}


def run(
    ctx: typer.Context, name: Annotated[Name, typer.Argument(help="Which one.", show_default=False)]
) -> None:
    """Run one process of the platform until it is told to stop (SIGTERM, Ctrl-C)."""
    place = where(ctx)
    if name in MODULES:
        from cti.app.process import serve

        serve(name.value, place.in_force(), importlib.import_module(MODULES[name]).main)
        return
    from cti.app.supervisor.parts import asterisk_command, redis_command
    from cti.asterisk import AsteriskMissing

    socket_of = {Name.redis: place.paths.redis_socket, Name.asterisk: place.paths.run / "asterisk.ctl"}
    if _answers(socket_of[name]):
        # A second Redis would take the first one's socket away and write into its files.
        fail(f"{name} runs in {place.paths.home} already; see: yht status")
    try:
        command = redis_command(place.paths) if name is Name.redis else asterisk_command(place.paths)
    except AsteriskMissing as error:
        fail(str(error))
    try:
        os.execvp(command[0], command)  # noqa: S606 - an argument list of our own, no shell
    except OSError as error:
        fail(f"{command[0]} can not be started ({error.strerror}); run 'make setup'")


def _answers(path: Path) -> bool:
    """Whether somebody listens at a unix socket."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(1.0)
        try:
            caller.connect(str(path))
        except OSError as error:
            return isinstance(error, TimeoutError)
    return True
