"""python3 -m deploy.setup GOAL: does what GOAL needs and is not done yet.

Exit codes: 0 all is there, 1 a step failed (its remedy is the last line), 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deploy.setup import plan
from deploy.setup.asterisk import ASTERISK
from deploy.setup.console import Console, last_lines
from deploy.setup.environment import ENVIRONMENT
from deploy.setup.failure import StepFailed
from deploy.setup.place import Place
from deploy.setup.process import Commands
from deploy.setup.sounds import MUSIC, PROMPTS, VOSK_TESTS, WHISPER
from deploy.setup.stamps import Stamps
from deploy.setup.step import Step, Task
from deploy.setup.system import SYSTEM, SYSTEM_TESTS

_ALL = (SYSTEM, SYSTEM_TESTS, ENVIRONMENT, ASTERISK, WHISPER, MUSIC, PROMPTS, VOSK_TESTS)
STEPS = {step.name: step for step in _ALL}
GOOD, BAD, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
SHOWN_LINES = 15


class SetUp:
    """Runs steps one after another, each if it is due."""

    def __init__(self, place: Place, console: Console, lock: int) -> None:
        self._place = place
        self._console = console
        self._lock = lock
        self._stamps = Stamps(place.stamps)

    def run(self, steps: Sequence[Step]) -> None:
        """Do what is due. Raises StepFailed or OSError; what was done stays done."""
        started = time.monotonic()
        done = [self._step(step, f"[{number}/{len(steps)}]") for number, step in enumerate(steps, start=1)]
        spent = time.monotonic() - started
        self._console.say(
            f"Set-up is complete ({spent:.0f} s)." if any(done) else "Set-up: everything is there already."
        )

    def _step(self, step: Step, number: str) -> bool:
        """Do one step if it is due, and tell whether it was."""
        digest = plan.digest(step.inputs(self._place))
        due = plan.decide(self._stamps.read(step.name), digest, step.missing(self._place))
        if due is None:
            return False
        started = time.monotonic()
        log = self._stamps.log(step.name)
        log.unlink(missing_ok=True)
        self._console.say(f"{number} {step.what}: {due.why}")
        self._console.begin()
        commands = Commands(log, self._console, self._lock, self._place.checkout)
        step.work(Task(self._place, due, commands, self._stamps, step.name))
        self._stamps.write(step.name, digest)
        self._console.say(f"      done in {time.monotonic() - started:.0f} s")
        return True


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(arguments: Sequence[str]) -> int:
    """Set up for one goal and return the exit code."""
    names = [goal.value for goal in plan.Goal]
    if len(arguments) != 1 or arguments[0] not in names:
        sys.stderr.write(f"set-up: say for what: one of {', '.join(names)}\n")
        return WRONG_USE
    signal.signal(signal.SIGTERM, _terminated)
    checkout = Path(__file__).resolve().parents[2]
    place = Place.find(checkout, os.environ)
    stamps, console = Stamps(place.stamps), Console()
    steps = [STEPS[name] for name in plan.STEPS[plan.Goal(arguments[0])]]
    try:
        with stamps.held(lambda: console.say("Another set-up is at work here; waiting for it.")) as lock:
            SetUp(place, console, lock).run(steps)
    except StepFailed as error:
        if error.log is not None:
            console.say("      its last lines:")
            for line in last_lines(error.log, SHOWN_LINES):
                console.say(f"      | {line}")
            console.say(f"      all of them: {error.log}")
        console.say("")
        sys.stderr.write(f"set-up: {error}\n")
        return BAD
    except OSError as error:
        console.say("")
        sys.stderr.write(f"set-up: {error.strerror}: {error.filename}; mend that and run this again\n")
        return BAD
    except KeyboardInterrupt:
        console.say("")
        sys.stderr.write("set-up: interrupted; run the same again to go on from here\n")
        return INTERRUPTED
    return GOOD


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
