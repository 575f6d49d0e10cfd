"""What all commands share: where the platform is, how a failure is said, tables and JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from config import City, ConfigError, load
from config.paths import Paths
from cti import files, inforce

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

T = TypeVar("T")

GOOD, BAD, WRONG_USE = 0, 1, 2
"""Exit codes: all is well; the thing asked about is bad; the command was used wrongly."""


@dataclass(frozen=True)
class Where:
    """The platform that a command is about; the root command puts it into `ctx.obj`."""

    paths: Paths
    city_folder: Path | None = None
    """Where the city is read from; None means `paths.config_dir`."""

    @classmethod
    def of(cls, home: Path | None, config_dir: Path | None) -> Where:
        """Return the platform that the options `--home` and `--config` name."""
        return cls(Paths.find(home, config_dir))

    def in_force(self) -> Where:
        """Return the same platform with the city that is in force there; with its own where none is yet."""
        return Where(self.paths, inforce.folder(self.paths))

    @property
    def generation(self) -> str:
        """The name of the city that is in force here; "" where the city is read from its own folder."""
        return self.city_folder.name if self.city_folder else ""

    def city(self) -> City:
        """Return the city's configuration; a wrong one ends the command, every problem on a line of its own.

        It is read once: what a command or a process does, it does on one configuration.
        """
        return self._city

    @cached_property
    def _city(self) -> City:
        try:
            return load(self.city_folder or self.paths.config_dir)
        except ConfigError as error:
            for problem in error.problems:
                sys.stderr.write(f"{problem}\n")
            raise typer.Exit(BAD) from None


def where(ctx: typer.Context) -> Where:
    """Return the platform that this command is about."""
    found = ctx.find_object(Where)
    return found if found is not None else Where.of(None, None)


def fail(sentence: str, code: int = BAD) -> NoReturn:
    """Say what is wrong in one line and end the command."""
    sys.stderr.write(f"yht: {' '.join(sentence.split())}\n")
    raise typer.Exit(code)


@contextmanager
def alone(paths: Paths, command: str) -> Iterator[None]:
    """Be the only `command` on this platform; two at once would take each other's seats. Another ends the command."""
    if not paths.run.is_dir():
        fail(f"no platform has run in {paths.home}; start it: yht up")

    def busy() -> NoReturn:
        fail(f"another 'yht {command}' is at work on this platform; wait until it is done")

    with files.held(paths.run / f"{command.split()[0]}.lock", busy):
        yield


def show_json(value: Any) -> None:
    """Print a value as JSON that a person can read too."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def show_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "", empty: str = "Nothing yet."
) -> None:
    """Print rows under headings, or a sentence where there are none. Columns are never cut off in a pipe."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    listed = [[str(cell) for cell in row] for row in rows]
    if not listed:
        console.print(empty, highlight=False)
        return
    table = Table(title=title or None, title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in listed:
        table.add_row(*row)
    console.print(table, highlight=False, markup=False)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end; Ctrl-C ends the command quietly."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
