"""Carries out a robot's script on a real telephone: the shell around turns.py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path

from desk.phone import (
    Answered,
    Digit,
    Ended,
    Event,
    Heard,
    Incoming,
    Line,
    Phone,
    PhoneError,
    Registered,
    Ringing,
    Said,
    Settings,
    Vad,
    level_db,
)
from desk.phone.sound import frames
from desk.robot import happenings, steps, turns
from desk.robot.place import Command, Place, RobotError, Watcher
from desk.robot.recognise import Recogniser
from desk.robot.report import AUDIBLE_DB, Meter, Report, StepTime
from desk.robot.script import Script

POLL_SECONDS = 0.01
SIGN_OUT_AGAIN_SECONDS = 0.25
TIDY_SECONDS = 5.0
"""How long a robot that gave up tries to hang up and to sign out."""


async def _no_platform(name: str, _: Mapping[str, str]) -> str:
    return f"{name}: this robot is connected to no platform"


def _ignore(at_ms: int, event: str, detail: str) -> None:
    """Watch nothing."""


async def play(
    script: Script,
    place: Place,
    *,
    command: Command = _no_platform,
    cues: asyncio.Queue[str] | None = None,
    watch: Watcher = _ignore,
) -> Report:
    """Play a script to its end and return what came of it. Raises RobotError where it can not begin.

    Cancelled, it hangs up and signs its agent out before it goes.
    """
    phone = Phone(Settings(place.address, place.port, calls=1))
    try:
        phone.open()
        return await _Robot(script, place, phone, command, cues or asyncio.Queue(), watch).run()
    except PhoneError as error:
        raise RobotError(str(error)) from error
    finally:
        phone.close()


class _Robot:
    """One playing of a script."""

    def __init__(
        self,
        script: Script,
        place: Place,
        phone: Phone,
        command: Command,
        cues: asyncio.Queue[str],
        watch: Watcher,
    ) -> None:
        self.script = script
        self.place = place
        self.phone = phone
        self.command = command
        self.cues = cues
        self.watch = watch
        self.began = time.monotonic()
        self.play = turns.Play(script)
        self.vad = Vad()
        self.recogniser: Recogniser | None = None
        self.call = 0
        self.last_utterance = 0
        self.asked: asyncio.Task[str] | None = None
        self.signed_in = False
        self.failure: str | None = None
        self.timings: dict[str, int] = {}
        self.steps: list[StepTime] = []
        self.heard, self.said = Meter(), Meter()
        self.digits = ""
        self.invite: Incoming | None = None
        self.recordings: dict[str, Path] = {}

    async def run(self) -> Report:
        """Play; tidy up whatever happens."""
        try:
            self.phone.use(self._line())
            self._happened(happenings.Started())
            while not self.play.over:
                self._turn()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await self._tidy()
        return self._report()

    def _line(self) -> Line:
        if self.script.actor == "citizen":
            return Line(self.script.caller, self.place.address)
        host = self.place.platform.rpartition(":")[0] or self.place.address
        return Line(self.script.seat, host, self.place.platform, self.place.password)

    def _now_ms(self) -> int:
        return round((time.monotonic() - self.began) * 1000)

    def _turn(self) -> None:
        """Take in what has happened since the last time."""
        for event in self.phone.poll(0):
            self._on_phone(event)
        while not self.cues.empty():
            self._happened(happenings.Cued(self.cues.get_nowait()))
        if self.asked is not None and self.asked.done():
            refusal = self.asked.result()
            self.asked = None
            self._happened(happenings.Commanded(refusal))
        if time.monotonic() >= self.play.wake_at:
            self._happened(happenings.Woke())

    # What the telephone tells

    def _on_phone(self, event: Event) -> None:
        match event:
            case Heard(samples=samples):
                self._on_frame(samples)
            case Registered(ok, status, reason):
                self._happened(happenings.LineUp("" if ok else f"{status} {reason}"))
            case Incoming(call=call):
                self.call, self.invite = call, event
                self.watch(self._now_ms(), "invited", event.header("X-YHT-Call-ID"))
                self._mark("ringing")
                self._happened(happenings.CallChanged("ringing"))
            case Ringing():
                self._mark("ringing")
                self._happened(happenings.CallChanged("ringing"))
            case Answered(call=call):
                self._mark("answered")
                self._record(call)
                self._happened(happenings.CallChanged("up"))
            case Said(utterance=utterance):
                if utterance == self.last_utterance:
                    self._happened(happenings.SaidAll())
            case Digit(digit=digit):
                self.digits += digit
                self.watch(self._now_ms(), "digit", digit)
            case Ended(status=status, reason=reason):
                if self.recogniser is not None and self.recogniser.last():
                    self._recognised()
                self._mark("ended")
                self._happened(happenings.CallChanged("over", f"{status} {reason}"))
            case _:
                pass

    def _on_frame(self, samples: bytes) -> None:
        level = level_db(samples)
        self.heard.add(level)
        if level > AUDIBLE_DB:
            self._mark("first_audio")
        self.vad, changed = self.vad.hear(level)
        if changed:
            if changed == "started":
                self._mark("first_speech")
            self.watch(self._now_ms(), "speech", changed)
            self._happened(happenings.Voice(changed == "started"))
        if self.recogniser is not None:
            self.recogniser, heard = self.recogniser.hear(samples)
            if heard:
                self._recognised()

    def _recognised(self) -> None:
        self.recogniser = None
        self.watch(self._now_ms(), "recognised", "")
        self._happened(happenings.Recognised())

    def _mark(self, moment: str) -> None:
        if moment not in self.timings:
            self.timings[moment] = self._now_ms()
            self.watch(self.timings[moment], moment, "")

    # What the play wants

    def _happened(self, happening: happenings.Happening) -> None:
        before = self.play.at
        self.play, actions = turns.advance(self.play, happening, time.monotonic())
        if self.play.at != before:
            self._note_steps(before)
        for action in actions:
            if isinstance(action, happenings.Finish):
                self.failure = action.failure
                if not action.failure:
                    self._close_step()
            else:
                self._do(action.step)

    def _note_steps(self, before: int) -> None:
        now = self._now_ms()
        for at in range(before + 1, self.play.at + 1):
            self._close_step()
            text = str(self.script.steps[at])
            self.steps.append(StepTime(text, now, None))
            self.watch(now, "step", text)

    def _close_step(self) -> None:
        if self.steps and self.steps[-1].ended_ms is None:
            last = self.steps[-1]
            self.steps[-1] = StepTime(last.step, last.began_ms, self._now_ms())

    def _do(self, step: steps.Step) -> None:
        try:
            self._deed(step)
        except PhoneError as error:
            # The call went in the very moment; the play is told so and judges it.
            self.watch(self._now_ms(), "refused", str(error))
            self._happened(happenings.CallChanged("over", str(error)))

    def _deed(self, step: steps.Step) -> None:
        agent = self.script.agent
        match step:
            case steps.Dial(dial=number):
                self._mark("dialed")
                self.call = self.phone.call(number, self.place.platform)
            case steps.Answer():
                self.phone.answer(self.call)
            case steps.Say(say=names):
                for name in names:
                    samples = self.place.clips[name]
                    self.last_utterance = self.phone.say(self.call, samples)
                    for frame in frames(samples):
                        self.said.add(level_db(frame))
            case steps.Hear(clip=name):
                self.recogniser = Recogniser.of(self.place.clips[name]) if name else None
            case steps.Press(press=keys, way=way):
                self.phone.press(self.call, keys, way)
            case steps.Hold():
                self.phone.hold(self.call)
            case steps.Resume():
                self.phone.resume(self.call)
            case steps.HangUp():
                self.phone.hang_up(self.call)
            case steps.SignIn():
                self.signed_in = True
                self._ask("sign_in", {"agent": agent, "seat": self.script.seat})
            case steps.Ready() | steps.WrapUp():
                self._ask("ready", {"agent": agent})
            case steps.NotReady(not_ready=reason):
                self._ask("not_ready", {"agent": agent, "reason": reason})
            case steps.SignOut():
                self._ask("sign_out", {"agent": agent})
            case _:
                raise AssertionError(f"{step} has no deed")

    def _ask(self, name: str, arguments: Mapping[str, str]) -> None:
        async def ask() -> str:
            return await self.command(name, arguments)

        self.asked = asyncio.create_task(ask())
        if name == "sign_out":
            self.signed_in = False

    def _record(self, call: int) -> None:
        if self.script.record and self.place.recordings is not None:
            self.recordings = {
                side: self.place.recordings / f"{self.script.actor}_{side}.wav" for side in ("heard", "said")
            }
            self.phone.record(call, self.recordings["heard"], self.recordings["said"])

    # The end

    async def _tidy(self) -> None:
        """Leave no call up and no agent signed in."""
        if self.asked is not None:
            self.asked.cancel()
        if self.call and self.play.call not in ("none", "over"):
            self.phone.hang_up(self.call)
            for _ in range(round(TIDY_SECONDS / POLL_SECONDS)):
                if any(isinstance(event, Ended) for event in self.phone.poll(0)):
                    break
                await asyncio.sleep(POLL_SECONDS)
            self._mark("ended")
        if not self.signed_in or self.failure == "":
            return
        # The platform may take a moment to learn that the call is over.
        for _ in range(round(TIDY_SECONDS / SIGN_OUT_AGAIN_SECONDS)):
            if not await self.command("sign_out", {"agent": self.script.agent}):
                return
            await asyncio.sleep(SIGN_OUT_AGAIN_SECONDS)

    def _report(self) -> Report:
        invite = self.invite or Incoming(0, "")
        return Report(
            actor=self.script.actor,
            failure="the script was not played to its end" if self.failure is None else self.failure,
            timings_ms=dict(self.timings),
            heard=self.heard.amount(),
            said=self.said.amount(),
            steps=tuple(self.steps),
            digits=self.digits,
            call_id=invite.header("X-YHT-Call-ID"),
            hotline=invite.header("X-YHT-Hotline"),
            dialed_number=invite.header("X-YHT-Dialed-Number"),
            recordings=self.recordings,
        )
