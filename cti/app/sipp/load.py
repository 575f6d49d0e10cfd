"""Reads scenarios from their folders; everything wrong with one is told at once, with file and line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.problems import ConfigError
from config.sentences import validated
from config.source import Unreadable, read
from cti.app.sipp.check import complaints
from cti.app.sipp.model import Scenario

FILE = "scenario.yaml"
COMMON = "common"


@dataclass(frozen=True)
class Loaded:
    """A scenario and the folder it came from, whose name is the scenario's."""

    name: str
    folder: Path
    scenario: Scenario

    def xml(self, does: str) -> Path:
        """Return the SIPp XML that an actor plays: the scenario's own, else the common one."""
        return find_xml(self.folder, does)


def find_xml(folder: Path, does: str) -> Path:
    """Return where an XML lies, or would lie among the common ones."""
    own = folder / f"{does}.xml"
    return own if own.is_file() else folder.parent / COMMON / f"{does}.xml"


def names(scenarios: Path) -> tuple[str, ...]:
    """Return the names of all scenarios in a folder, in the order of the alphabet."""
    if not scenarios.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in scenarios.iterdir() if (entry / FILE).is_file()))


def load(scenarios: Path, name: str) -> Loaded:
    """Read one scenario. Raises ConfigError with every problem found."""
    file = f"{name}/{FILE}"
    try:
        document = read(scenarios, file)
    except Unreadable as error:
        raise ConfigError((error.problem,)) from error
    scenario = validated(document, Scenario)
    if scenario is not None:
        for inside, what, remedy in complaints(scenario):
            document.problem(inside, what, remedy)
        for actor, spec in scenario.actors.items():
            if not find_xml(scenarios / name, spec.does).is_file():
                here = ("actors", actor, "does")
                there = ", ".join(sorted(path.stem for path in (scenarios / COMMON).glob("*.xml")))
                document.problem(here, f"there is no {spec.does}.xml", f"put one here or use one of: {there}")
    if document.problems or scenario is None:
        raise ConfigError(document.problems)
    return Loaded(name, scenarios / name, scenario)
