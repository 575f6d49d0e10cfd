"""What a robot's play is told, and what it tells the shell to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from desk.robot.steps import Step

# What happened


@dataclass(frozen=True, slots=True)
class Started:
    """The robot is there; begin."""


@dataclass(frozen=True, slots=True)
class Woke:
    """The time that was asked for has come."""


@dataclass(frozen=True, slots=True)
class LineUp:
    """The registrar's answer: `refusal` is "" if it knows the telephone now."""

    refusal: str = ""


@dataclass(frozen=True, slots=True)
class CallChanged:
    """The one call of the robot rings, is up, or is over; `why` is SIP's word for its end."""

    state: Literal["ringing", "up", "over"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Voice:
    """The other side began to speak, or stopped."""

    speaking: bool


@dataclass(frozen=True, slots=True)
class Recognised:
    """The clip that is listened for was heard to its end."""


@dataclass(frozen=True, slots=True)
class SaidAll:
    """What the step had to say is said."""


@dataclass(frozen=True, slots=True)
class Cued:
    """A sign from whoever runs the robot."""

    name: str


@dataclass(frozen=True, slots=True)
class Commanded:
    """The platform's answer to what an agent asked for: `refusal` is "" if it was done."""

    refusal: str = ""


Happening = Started | Woke | LineUp | CallChanged | Voice | Recognised | SaidAll | Cued | Commanded

# What to do


@dataclass(frozen=True, slots=True)
class Do:
    """Carry out the step's own deed now."""

    step: Step


@dataclass(frozen=True, slots=True)
class Finish:
    """The script is over; `failure` is "" if it went as written."""

    failure: str = ""


Action = Do | Finish
