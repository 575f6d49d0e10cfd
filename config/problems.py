"""What is wrong with a configuration, said so that a person can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong, and where.

    `file` is relative to the city's folder, `line` counts from 1 (0: the file as a whole), `path` names the
    place inside the document ("agents[2].queues"), `remedy` says what would be right.
    """

    file: str
    line: int
    path: str
    what: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        inside = f"{self.path}: " if self.path else ""
        return f"{place}: {inside}{self.what} — {self.remedy}"


class ConfigError(Exception):
    """A configuration that must not take effect; `problems` holds everything found, in reading order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
