"""Loads a city: every file read, every problem found, nothing taken unless all is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from config.city import City
from config.crosscheck import Parts, check
from config.places import places
from config.presets import whole
from config.problems import ConfigError, Problem
from config.schema.base import Model
from config.schema.batch import Batch
from config.schema.cases import Cases
from config.schema.demo import Demo
from config.schema.hotline import Hotline
from config.schema.people import Agents, Queues, Trunks, Units
from config.schema.platform import Platform
from config.schema.prompts import Prompts
from config.sentences import did_you_mean, one_of, validated
from config.source import Document, Unreadable, read

MAX_HOTLINES = 2000

FILES = ("platform.yaml", "queues.yaml", "agents.yaml", "trunks.yaml", "units.yaml", "prompts.yaml")
"""What every city has; demo.yaml, cases.yaml and the files in hotlines/ come beside them."""

M = TypeVar("M", bound=Model)


def load(folder: Path) -> City:
    """Return the city in `folder`. Changes nothing. Raises ConfigError with every problem of every file."""
    if not folder.is_dir():
        raise ConfigError(
            [Problem(str(folder), 0, "", "there is no such folder", "name a city's folder: --config FOLDER")]
        )
    return _Loading(folder).city()


class _Loading:
    """One reading of a city's folder; `problems` are those of files that could not be read at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.documents: dict[str, Document] = {}
        self.problems: list[Problem] = []

    def city(self) -> City:
        parts = Parts(
            self.documents,
            platform=self.read("platform.yaml", Platform),
            queues=self.read("queues.yaml", Queues),
            agents=self.read("agents.yaml", Agents),
            trunks=self.read("trunks.yaml", Trunks),
            units=self.read("units.yaml", Units),
            prompts=self.read("prompts.yaml", Prompts),
            demo=self.read("demo.yaml", Demo) if (self.folder / "demo.yaml").exists() else None,
            cases=self.read("cases.yaml", Cases) if (self.folder / "cases.yaml").exists() else None,
        )
        for file in self.hotline_files():
            hotline = self.read(file, Hotline)
            if hotline is not None:
                parts.hotlines.append((self.documents[file], hotline))
        for file in self.batch_files():
            batch = self.read(file, Batch)
            if batch is not None:
                parts.batches.append((self.documents[file], batch))
        self.strangers()
        check(parts)
        problems = [
            *self.problems,
            *(found for document in self.documents.values() for found in document.problems),
        ]
        if problems:
            raise ConfigError(problems)
        return _city(parts)

    def read(self, file: str, model: type[M]) -> M | None:
        """Return one file as a model, or None; then what is wrong has been noted."""
        try:
            document = read(self.folder, file)
        except Unreadable as error:
            self.problems.append(error.problem)
            return None
        self.documents[file] = document
        return validated(document, model)

    def hotline_files(self) -> list[str]:
        """Return the files of the hotlines in the order of their names."""
        names = sorted(self.names("hotlines"))
        found = [f"hotlines/{name}" for name in names if name.endswith(".yaml")]
        if not found:
            self.wrong("hotlines", "holds no hotline", "add a file such as hotlines/12345.yaml")
        if len(found) > MAX_HOTLINES:
            self.wrong("hotlines", f"holds {len(found)} files", f"a city has at most {MAX_HOTLINES} hotlines")
            return []
        return found

    def batch_files(self) -> list[str]:
        """Return the files of the batches; a city may have none."""
        if not (self.folder / "batches").is_dir():
            return []
        names = sorted(self.names("batches"))
        found = [f"batches/{name}" for name in names if name.endswith(".yaml")]
        if len(found) > MAX_HOTLINES:
            self.wrong("batches", f"holds {len(found)} files", f"a city has at most {MAX_HOTLINES} batches")
            return []
        return found

    def names(self, inside: str) -> Iterator[str]:
        """Yield the names in a folder of the city that are not hidden."""
        try:
            for entry in (self.folder / inside).iterdir():
                if not entry.name.startswith("."):
                    yield entry.name
                    if entry.name.endswith(".yml"):
                        self.wrong(
                            str(Path(inside) / entry.name),
                            "is not read: its name ends in .yml",
                            "rename it to .yaml",
                        )
        except OSError as error:
            self.wrong(inside, f"can not be read: {error.strerror}", "make a folder of that name")

    def strangers(self) -> None:
        """Note YAML files that are no part of a city: a name mistyped is a file that nobody reads."""
        known = (*FILES, "demo.yaml", "cases.yaml")
        for name in sorted(self.names(".")):
            if name.endswith(".yaml") and name not in known:
                self.wrong(
                    name, "is no file of a city", f"{did_you_mean(name, known)}there are {one_of(known)}"
                )

    def wrong(self, file: str, what: str, remedy: str) -> None:
        self.problems.append(Problem(file, 0, "", what, remedy))


def _city(parts: Parts) -> City:
    # Without a problem every part is there; the checks are for mypy.
    assert parts.platform  # noqa: S101
    assert parts.queues  # noqa: S101
    assert parts.agents  # noqa: S101
    assert parts.trunks  # noqa: S101
    assert parts.units  # noqa: S101
    assert parts.prompts  # noqa: S101
    return City(
        platform=parts.platform,
        hotlines=tuple(hotline for _, hotline in parts.hotlines),
        queues=parts.queues.queues,
        agents=parts.agents.agents,
        seats=parts.agents.seats,
        trunks=parts.trunks.trunks,
        units=parts.units.units,
        prompts=parts.prompts.prompts,
        batches=tuple(batch for _, batch in parts.batches),
        demo=parts.demo.lines if parts.demo else (),
        cases=whole(parts.cases or Cases()),
        places=places(parts),
    )
