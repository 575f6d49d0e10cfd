"""The command line `yht`: the table of its commands, and the promise that no traceback reaches a user.

A command's module is imported when the command is used, so that `yht --help` and a mistyped name are answered
at once.
"""

from __future__ import annotations

import importlib
import itertools
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

DEBUG: Final = "YHT_DEBUG"
BAD, WRONG_USE, INTERRUPTED = 1, 2, 130


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: where it is written (`module:name`, a typer app or a function) and what it does."""

    name: str
    source: str
    help: str
    panel: str

    def stand_in(self) -> TyperCommand:
        """Return enough of the command to list it."""
        return TyperCommand(self.name, help=self.help, rich_help_panel=self.panel)

    def load(self) -> Any:
        """Import the command and return it as the group or command that typer runs."""
        module, _, attribute = self.source.partition(":")
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            app.command(self.name)(found)
            found = app
        found._add_completion = False
        command = typer.main.get_command(found)
        command.name = self.name
        return command


_HERE = "cti.app.commands"
_PLATFORM, _WORK, _CONFIG, _TEST = "Platform", "Calls and people", "Configuration", "Trying and measuring"
ENTRIES: Final = (
    Entry("up", f"{_HERE}.platform:up", "Start the platform and keep it running.", _PLATFORM),
    Entry("down", f"{_HERE}.platform:down", "Stop the platform.", _PLATFORM),
    Entry("status", f"{_HERE}.status:status", "Show what runs and how it is.", _PLATFORM),
    Entry(
        "run", f"{_HERE}.run:run", "Run one process of the platform, for systemd and for tests.", _PLATFORM
    ),
    Entry("call", f"{_HERE}.call:app", "Citizens' calls: what happened on each.", _WORK),
    Entry("case", f"{_HERE}.case:app", "Cases: show them, work on them, see what is due.", _WORK),
    Entry("unit", f"{_HERE}.unit:app", "Departments: who is on duty, what lies with each.", _WORK),
    Entry("report", f"{_HERE}.report:app", "Figures of a period, with the cases behind each.", _WORK),
    Entry("agent", f"{_HERE}.agent:app", "Agents: who is signed in, ready, talking.", _WORK),
    Entry("queue", f"{_HERE}.queue:app", "Queues: who waits, and for how long.", _WORK),
    Entry(
        "recording", f"{_HERE}.recording:app", "Recordings of calls: find them, check they are whole.", _WORK
    ),
    Entry("transcript", f"{_HERE}.transcript:app", "Transcripts of recordings.", _WORK),
    Entry("config", f"{_HERE}.config:app", "The city's configuration: check it, put it into force.", _CONFIG),
    Entry("line", f"{_HERE}.line:app", "Hotlines: list them, explain what a caller hears.", _CONFIG),
    Entry("batch", f"{_HERE}.batch:app", "Batches of numbers that join 12345 on one day.", _CONFIG),
    Entry("prompts", f"{_HERE}.prompts:app", "What the platform says: build it, check it.", _CONFIG),
    Entry("demo", f"{_HERE}.demo:demo", "Play one citizen's call from ring to case.", _TEST),
    Entry("robot", f"{_HERE}.robot:robot", "Play a scripted citizen or agent with real sound.", _TEST),
    Entry("sipp", f"{_HERE}.sipp:app", "SIPp scenarios against the running platform.", _TEST),
    Entry("bench", f"{_HERE}.bench:app", "Measure the platform beside its peers.", _TEST),
)


class LazyGroup(TyperGroup):
    """A group that lists its commands from the table and imports the one that is used."""

    def __init__(self, **settings: Any) -> None:
        listed = {entry.name: entry.stand_in() for entry in ENTRIES}
        super().__init__(**{**settings, "commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is meant, imported now."""
        name, found, rest = super().resolve_command(ctx, args)
        for entry in ENTRIES:
            if found is not None and entry.name == name:
                found = entry.load()
        return name, found, rest


app = typer.Typer(
    cls=LazyGroup,
    name="yht",
    help="Yihaotong (一号通): the contact-center engine of a city's 12345 hotline.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        try:
            number = version("yihaotong")
        except PackageNotFoundError:
            number = "(run from a checkout that is not installed)"
        sys.stdout.write(f"yht {number}\n")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            "--home", metavar="H", help="State of the platform. Else $YHT_HOME, else var/ in the checkout."
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="C", help="The city. Else $YHT_CONFIG, else the sample city."),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Note which platform the command is about."""
    from cti.app.commands.common import Where

    ctx.obj = Where.of(home, config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 good, 1 bad, 2 wrong use, 130 interrupted."""
    command = typer.main.get_command(app)
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = command.main(given, prog_name="yht", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        return _wrong_use(error)
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD
    except Exception as error:  # the one place that turns a bug into a line a person can act on
        if os.environ.get(DEBUG) == "1":
            raise
        return _bug(error, given)
    return code if isinstance(code, int) else 0


def _wrong_use(error: typer.TyperException) -> int:
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if not message:  # the help was shown instead
        return WRONG_USE
    command = context.command_path if context is not None else "yht"
    sentence = " ".join(message.split()).rstrip(".")
    sys.stderr.write(f"yht: {sentence}. See '{command} --help'.\n")
    return error.exit_code


def _bug(error: Exception, given: Sequence[str]) -> int:
    """Say in one line that something went wrong that nobody foresaw; the traceback goes to a file."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    try:
        where = _note(error, given)
    except OSError as unwritable:
        where = f"nowhere, its log can not be written ({unwritable.strerror})"
    sys.stderr.write(f"yht: unexpected {what} - the details are in {where}; {DEBUG}=1 shows them\n")
    return BAD


def _note(error: Exception, given: Sequence[str]) -> str:
    from cti import log
    from cti.app.commands.common import Where

    options = {name: Path(value) for name, value in itertools.pairwise(given) if name.startswith("--")}
    folder = Where.of(options.get("--home"), options.get("--config")).paths.log
    path = log.set_up("yht", folder, foreground=False)
    trace = "".join(traceback.format_exception(error))
    logging.getLogger("yht").error("unexpected", extra={"command": given[:2], "exception": trace})
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
