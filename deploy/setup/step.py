"""What a step is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from deploy.setup.place import Place
from deploy.setup.plan import Due
from deploy.setup.process import Commands
from deploy.setup.stamps import Stamps


@dataclass(frozen=True, slots=True)
class Task:
    """One run of one step: where, why, and how it runs commands."""

    place: Place
    due: Due
    commands: Commands
    stamps: Stamps
    name: str

    @property
    def interrupted(self) -> bool:
        """Whether an earlier run left half of something."""
        return self.stamps.begun(self.name)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that set-up makes. All functions take the place it works on.

    `what`: for a person, as it stands after "[1/6]". `inputs`: named contents that decide what comes out.
    `missing`: what of the product is not there, "" when all is. `work`: makes it; raises StepFailed or OSError;
    may be killed at any point and be repeated.
    """

    name: str
    what: str
    inputs: Callable[[Place], Iterable[tuple[str, bytes]]]
    missing: Callable[[Place], str]
    work: Callable[[Task], None]
