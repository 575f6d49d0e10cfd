"""What a robot can be told to do: one model a step, known in the script by the name of its first field."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from config.schema.base import Id, Model, written
from desk.phone import DigitWay


def _as_tuple(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Seconds = Annotated[float, Field(ge=0, le=3600)]
Number = Annotated[str, written(r"\+?[0-9*#]{1,32}", 'write digits in quotes, such as "12319"')]
Keys = Annotated[str, written(r"[0-9A-D*#]{1,32}", 'write the keys in quotes, such as "1" or "12#"')]
Clip = Annotated[
    str,
    written(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}", "write the id of a prompt, or the path of a .wav file"),
]
Clips = Annotated[
    tuple[Clip, ...],
    Field(min_length=1, max_length=50),
    BeforeValidator(_as_tuple),
]
"""One clip, or a list of them."""

Actor = Literal["citizen", "agent"]
BOTH: tuple[Actor, ...] = ("citizen", "agent")


class Step(Model):
    """One step. `actors` may do it; with `in_call` the other side may not have hung up before its end.

    The field `timed_by` holds seconds that the step is given; `slack` are given to it beside.
    """

    actors: ClassVar[tuple[Actor, ...]] = BOTH
    in_call: ClassVar[bool] = False
    timed_by: ClassVar[str] = ""
    slack: ClassVar[float] = 10.0

    @property
    def deadline(self) -> float:
        """After how many seconds the step has failed."""
        given: float = getattr(self, self.timed_by) if self.timed_by else 0.0
        return given + self.slack

    def __str__(self) -> str:
        name, value = next(iter(self.model_dump().items()))
        shown = "" if value is None else f"{value:g}" if isinstance(value, float) else value
        shown = " ".join(shown) if isinstance(shown, tuple) else shown
        return f"{name} {shown}".strip()


class Dial(Step):
    """Call a number."""

    actors = ("citizen",)
    dial: Number


class Answered(Step):
    """Wait until the platform has answered, at most so many seconds."""

    actors = ("citizen",)
    in_call = True
    timed_by = "answered"
    slack = 0.0
    answered: Seconds = 15.0


class Ring(Step):
    """Wait until the telephone rings, at most so many seconds."""

    actors = ("agent",)
    timed_by = "ring"
    slack = 0.0
    ring: Seconds = 60.0


class Answer(Step):
    """Answer after so many seconds of ringing."""

    actors = ("agent",)
    in_call = True
    timed_by = "answer"
    answer: Seconds = 0.0


class Say(Step):
    """Speak prompts or WAV files, one after the other, to the end."""

    in_call = True
    slack = 600.0
    say: Clips


class Hear(Step):
    """Listen for `speech`, for `silence` of `pause` seconds, for a `turn` (speech, then silence), or for a clip.

    A clip is the id of a prompt or the path of a WAV file; it counts once its end was heard. With `go_on` the
    robot goes on when the time is over instead of giving up: a person may have nothing to say.
    """

    in_call = True
    timed_by = "within"
    slack = 0.0
    hear: Clip
    within: Seconds = 30.0
    pause: Annotated[float, Field(ge=0.1, le=30)] = 0.7
    go_on: bool = False

    @property
    def clip(self) -> str:
        """The clip to listen for, "" if any sound will do."""
        return "" if self.hear in ("speech", "silence", "turn") else self.hear


class Press(Step):
    """Press keys."""

    in_call = True
    press: Keys
    way: DigitWay = "rfc4733"

    @property
    def seconds(self) -> float:
        """How long it takes: pjsua2 sends a key for 200 ms and pauses for as long."""
        return 0.4 * len(self.press)

    @property
    def deadline(self) -> float:
        """After how many seconds the step has failed."""
        return self.seconds + self.slack


class Wait(Step):
    """Let so many seconds pass."""

    timed_by = "wait"
    slack = 1.0
    wait: Seconds


class Cue(Step):
    """Wait for a sign from whoever runs the robot: a line with this name on its standard input."""

    timed_by = "within"
    slack = 0.0
    cue: Id
    within: Seconds = 60.0


class Hold(Step):
    """Put the other side on hold."""

    in_call = True
    hold: None = None


class Resume(Step):
    """End the hold."""

    in_call = True
    resume: None = None


class HangUp(Step):
    """End the call; the other side must not have done so before."""

    in_call = True
    hang_up: None = None


class Ended(Step):
    """Wait until the other side has hung up, at most so many seconds."""

    timed_by = "ended"
    slack = 0.0
    ended: Seconds = 60.0


class SignIn(Step):
    """Sign the agent in at the seat, once its telephone is registered."""

    actors = ("agent",)
    slack = 20.0
    sign_in: None = None


class Ready(Step):
    """Take calls from now on."""

    actors = ("agent",)
    ready: None = None


class NotReady(Step):
    """Take no calls, for a reason."""

    actors = ("agent",)
    not_ready: Id = "pause"


class WrapUp(Step):
    """Work on after the call for so many seconds, then be ready."""

    actors = ("agent",)
    timed_by = "wrap_up"
    wrap_up: Seconds


class SignOut(Step):
    """Sign the agent out."""

    actors = ("agent",)
    sign_out: None = None


STEPS: tuple[type[Step], ...] = (
    Dial,
    Answered,
    Ring,
    Answer,
    Say,
    Hear,
    Press,
    Wait,
    Cue,
    Hold,
    Resume,
    HangUp,
    Ended,
    SignIn,
    Ready,
    NotReady,
    WrapUp,
    SignOut,
)
VERBS: dict[str, type[Step]] = {next(iter(step.model_fields)): step for step in STEPS}
"""Steps by the name that they have in a script."""
