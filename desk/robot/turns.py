"""Takes a robot through its script: pure. What happened and the time go in, what to do now comes out.

The shell (actor.py) tells everything that the telephone, the ear and the platform tell, and wakes the play
when it asks for it. A step begins when the one before it is done; it is done by what happens, or it fails when
its deadline passes or the other side hangs up in the middle of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from desk.robot.happenings import (
    Action,
    CallChanged,
    Commanded,
    Cued,
    Do,
    Finish,
    Happening,
    LineUp,
    Recognised,
    SaidAll,
    Started,
    Voice,
    Woke,
)
from desk.robot.script import Script
from desk.robot.steps import (
    Answer,
    Answered,
    Cue,
    Dial,
    Ended,
    HangUp,
    Hear,
    NotReady,
    Press,
    Ready,
    Ring,
    Say,
    SignIn,
    SignOut,
    Step,
    Wait,
    WrapUp,
)

_COMMANDS = (SignIn, Ready, NotReady, WrapUp, SignOut)


@dataclass(frozen=True)
class Play:
    """How far a robot is. Times in seconds on any one clock."""

    script: Script
    at: int = -1
    since: float = 0.0
    """When the step began."""
    done: bool = False
    """Whether the step's deed was carried out, or it has none."""
    over: bool = False

    call: Literal["none", "dialing", "ringing", "up", "over"] = "none"
    why: str = ""
    line: Literal["unknown", "up", "refused"] = "unknown"
    refusal: str = ""
    cues: frozenset[str] = frozenset()
    speaking: bool = False
    heard: bool = False
    """Whether the other side spoke in its present turn."""
    old: bool = False
    """Whether the sound that goes on now began before a sign or ends a clip that was heard: no new speech."""
    quiet_since: float = 0.0

    @property
    def step(self) -> Step:
        """The step that the play is at."""
        return self.script.steps[self.at]

    @property
    def wake_at(self) -> float:
        """When `Woke` must be told if nothing else happens before; infinity when the play is over."""
        if self.over:
            return float("inf")
        due = self.since + _delay(self.step)
        times = [self.since + self.step.deadline]
        if not self.done and due > self.since:
            times.append(due)
        if isinstance(self.step, Wait):
            times.append(self.since + self.step.wait)
        if isinstance(self.step, Press):
            times.append(self.since + self.step.seconds)
        if isinstance(self.step, Hear) and not self.speaking:
            if self.step.hear == "silence":
                times.append(max(self.quiet_since, self.since) + self.step.pause)
            if self.step.hear == "turn" and self.heard:
                times.append(self.quiet_since + self.step.pause)
        return min(times)


def advance(play: Play, happened: Happening, now: float) -> tuple[Play, tuple[Action, ...]]:
    """Take in what happened at `now`; return the play as it is then, and what to do, in order."""
    if play.over:
        return play, ()
    play = _note(play, happened, now)
    actions: list[Action] = []
    if isinstance(happened, Started):
        play = _enter(play, now)
    while not play.over:
        failure = _failure(play, happened)
        if failure:
            return replace(play, over=True), (
                *actions,
                Finish(f"step {play.at + 1} ({play.step}): {failure}"),
            )
        if not play.done and _may_do(play, now):
            play = replace(play, done=True, call="dialing" if isinstance(play.step, Dial) else play.call)
            actions.append(Do(play.step))
        if not _is_done(play, happened, now):
            if now >= play.since + play.step.deadline:
                if not (isinstance(play.step, Hear) and play.step.go_on):
                    late = f"not within {play.step.deadline:g} s: {_missing(play)}"
                    actions.append(Finish(f"step {play.at + 1} ({play.step}): {late}"))
                    play = replace(play, over=True)
                    break
            else:
                break
        happened = Woke()
        play = _leave(play, now)
        if play.at + 1 == len(play.script.steps):
            play = replace(play, over=True)
            actions.append(Finish())
        else:
            play = _enter(play, now)
    return play, tuple(actions)


def _note(play: Play, happened: Happening, now: float) -> Play:
    """Remember what any later step may ask for."""
    match happened:
        case CallChanged(state, why):
            play = replace(play, call=state, why=why)
            if state == "ringing":
                play = replace(play, speaking=False, heard=False, quiet_since=now)
        case Voice(speaking):
            play = replace(play, speaking=speaking, heard=play.heard or speaking, old=False)
            if not speaking:
                play = replace(play, quiet_since=now)
        case LineUp(refusal):
            play = replace(play, line="refused" if refusal else "up", refusal=refusal)
        case Cued(name):
            play = replace(play, cues=play.cues | {name})
        case _:
            pass
    return play


def _enter(play: Play, now: float) -> Play:
    play = replace(play, at=play.at + 1, since=now)
    if isinstance(play.step, Say):
        # What was said before our turn is no answer to it.
        play = replace(play, heard=play.speaking and not play.old)
    return replace(play, done=isinstance(play.step, Wait | Cue | Ended | Answered | Ring))


def _leave(play: Play, now: float) -> Play:
    """Forget what the step has used up."""
    match play.step:
        case HangUp() | Ended():
            return replace(play, call="none", why="", speaking=False, heard=False)
        case Cue(cue=name):
            # Whatever was heard until now was heard before the sign: music, an announcement.
            return replace(play, cues=play.cues - {name}, heard=False, old=play.speaking)
        case Hear() if play.step.clip:
            # The ear takes a moment to find that the clip is over.
            return replace(play, heard=False, old=play.speaking)
        case Hear():
            return replace(play, heard=play.speaking and not play.old)
        case _:
            return play


def _delay(step: Step) -> float:
    if isinstance(step, Answer):
        return step.answer
    return step.wrap_up if isinstance(step, WrapUp) else 0.0


def _may_do(play: Play, now: float) -> bool:
    if isinstance(play.step, SignIn) and play.line != "up":
        return False
    return now >= play.since + _delay(play.step)


def _failure(play: Play, happened: Happening) -> str:
    step = play.step
    if isinstance(step, SignIn) and play.line == "refused":
        return f"the seat's telephone is not let in: {play.refusal}"
    if isinstance(happened, Commanded) and happened.refusal and isinstance(step, _COMMANDS):
        return happened.refusal
    if play.call == "over" and step.in_call and not (isinstance(step, HangUp) and play.done):
        return f"the other side ended the call ({play.why})"
    if play.call == "none" and step.in_call:
        return "there is no call"
    return ""


def _is_done(play: Play, happened: Happening, now: float) -> bool:
    if not play.done:
        return False
    match play.step:
        case Answered() | Answer():
            return play.call == "up"
        case Ring():
            return play.call in ("ringing", "up")
        case Say():
            return isinstance(happened, SaidAll)
        case Hear():
            return _heard(play, play.step, happened, now)
        case Press() | Wait():
            return now >= play.since + (play.step.seconds if isinstance(play.step, Press) else play.step.wait)
        case Cue(cue=name):
            return name in play.cues
        case HangUp() | Ended():
            return play.call in ("over", "none")
        case SignIn() | Ready() | NotReady() | WrapUp() | SignOut():
            return isinstance(happened, Commanded)
        case _:
            return True


def _heard(play: Play, step: Hear, happened: Happening, now: float) -> bool:
    if step.clip:
        return isinstance(happened, Recognised)
    if step.hear == "speech":
        return play.heard
    if play.speaking:
        return False
    if step.hear == "silence":
        return now >= max(play.quiet_since, play.since) + step.pause
    return play.heard and now >= play.quiet_since + step.pause


def _missing(play: Play) -> str:
    """Say what the step waited for in vain."""
    match play.step:
        case Answered():
            return "nobody answered" if play.call == "ringing" else "no answer to the call at all"
        case Ring():
            return "the telephone did not ring"
        case Hear() if play.step.clip:
            return f"{play.step.clip} was not heard to its end"
        case Hear():
            if play.speaking:
                return "the other side did not stop speaking"
            return (
                "the other side fell silent too late"
                if play.heard
                else "nothing was heard from the other side"
            )
        case Ended() | HangUp():
            return "the call did not end"
        case SignIn() if play.line == "unknown":
            return "the registrar did not answer"
        case SignIn() | Ready() | NotReady() | WrapUp() | SignOut():
            return "no engine answered the command"
        case Cue():
            return "no sign came"
        case _:
            return "it did not come to its end"
