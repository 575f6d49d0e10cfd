"""Plays the demo call: two robots on the running platform, watched through the hall's live events."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from acd.rows import OFFERED, TALKING, WAITING, Change, LiveId
from acd.store import Store
from config import City
from config.paths import Paths
from cti.app.robots.casting import Cast
from cti.app.robots.conversation import DIAL, OURS, TALK, WAITS, agent_script, citizen_script, words
from cti.app.robots.process import RobotProcess
from cti.app.views.words import Names

PLAY_SECONDS = 420.0
"""The longest that a demo call may take, greeting and waiting included."""
START_SECONDS = 30.0
HEARD_SHARE = 0.75
"""How much of what one robot said the other must have heard."""

Tell = Callable[[str, str], None]
"""Says to a person who did what."""


class DemoFailed(Exception):
    """The call did not go as it should; the text says where."""


@dataclass
class Played:
    """What came of the call so far."""

    call_id: str = ""
    answered_by: str = ""
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)


class Demo:
    """One demo call with the line and the agents that were chosen for it."""

    def __init__(self, city: City, paths: Paths, cast: Cast, caller: str, store: Store, tell: Tell) -> None:
        self._city = city
        self._paths = paths
        self._cast = cast
        self._caller = caller
        self._store = store
        self._tell = tell
        self._names = Names.of(city)
        self._words = words(city.demo)
        self._ours = ""
        self._state = ""
        self._robots: dict[str, RobotProcess] = {}
        self._signed_in = asyncio.Event()
        self.played = Played()

    async def play(self, since: LiveId) -> Played:
        """Play the call; `since` is the last live event that was before it. Raises DemoFailed."""
        with tempfile.TemporaryDirectory(prefix="yht-demo-") as folder:
            watching = asyncio.create_task(self._watch(since))
            try:
                async with asyncio.timeout(PLAY_SECONDS):
                    await self._begin(Path(folder))
                    await self._to_the_end(watching)
            except TimeoutError as error:
                raise DemoFailed(f"the call was not over within {PLAY_SECONDS:g} s") from error
            finally:
                watching.cancel()
                await asyncio.gather(*(robot.stop() for robot in self._robots.values()))
        return self.played

    # The robots

    async def _begin(self, folder: Path) -> None:
        """Sign an agent in at the first seat that takes one, then let the citizen dial."""
        greeting = self._cast.hotline.greeting or ""
        script = citizen_script(self._city.demo, self._cast.number, greeting, self._caller)
        self._robots["citizen"] = await self._start(folder, "citizen", script)
        refusal = ""
        for agent in self._cast.agents:
            refusal = await self._sign_in(folder, agent)
            if not refusal:
                break
            self._tell("agent", f"{self._names.agent(agent)}: {refusal}")
        else:
            raise DemoFailed(f"no agent could sign in: {refusal}")
        self._cue("citizen", DIAL)

    async def _sign_in(self, folder: Path, agent: str) -> str:
        """Return "" once the agent is signed in, else why that failed."""
        self._ours = agent
        robot = await self._start(folder, "agent", agent_script(self._city.demo, agent))
        signed_in = asyncio.create_task(self._signed_in.wait())
        await asyncio.wait(
            (signed_in, robot.over), timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        signed_in.cancel()
        if self._signed_in.is_set():
            self._robots["agent"] = robot
            self._tell("agent", f"{self._names.agent(agent)} is signed in at seat {agent}")
            return ""
        if not robot.over.done():
            await robot.stop()
        return str((await robot.report())["failure"])

    async def _start(self, folder: Path, who: str, script: str) -> RobotProcess:
        file = folder / f"{who}.yaml"
        await asyncio.to_thread(file.write_text, script, encoding="utf-8")
        return await RobotProcess.start(self._paths, file, partial(self._on_robot, who))

    async def _to_the_end(self, watching: asyncio.Task[None]) -> None:
        """Wait for the citizen's robot, and for the agent's if it was the one who talked."""
        citizen, agent = self._robots["citizen"], self._robots["agent"]
        waited = {citizen.over, agent.over, watching}
        while not citizen.over.done():
            done, waited = await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if agent.over in done and not (report := agent.over.result())["ok"]:
                raise DemoFailed(f"agent: {report['failure']}")
            if watching in done:
                watching.result()
                raise DemoFailed("the hall's live events ended")
        self.played.reports["citizen"] = citizen.over.result()
        if self.played.answered_by not in ("", self._ours):
            return  # A person talks as a person does; what the platform kept of it is shown all the same.
        # The citizen's end of the story comes first: it names the cause, the agent's only waits.
        if not (report := citizen.over.result())["ok"]:
            raise DemoFailed(f"citizen: {report['failure']}")
        self.played.reports["agent"] = report = await agent.report()
        if not report["ok"]:
            raise DemoFailed(f"agent: {report['failure']}")
        self._heard_each_other()

    def _heard_each_other(self) -> None:
        reports = self.played.reports
        for who, other in (("citizen", "agent"), ("agent", "citizen")):
            heard, said = reports[who]["heard"]["sound_ms"], reports[other]["said"]["sound_ms"]
            if heard < HEARD_SHARE * said:
                raise DemoFailed(
                    f"the {who} heard {heard / 1000:.1f} s of sound, the {other} said {said / 1000:.1f} s"
                )

    # What happens

    def _on_robot(self, who: str, event: str, detail: str) -> None:
        if event == "step":
            self._on_step(who, detail)
        elif event == "invited":
            self._on_invited(detail)
        elif event == "ended":
            self._tell(who, "the call is over")
        elif event == "recognised":
            self._tell(who, "has heard the greeting to its end")

    def _on_step(self, who: str, step: str) -> None:
        verb, _, what = step.partition(" ")
        if verb == "cue" and what == WAITS:
            self._signed_in.set()
        elif verb == "dial":
            self._tell(who, f"{self._caller} dials {what}")
        elif verb == "say":
            self._tell(who, "".join(self._words.get(clip, clip) for clip in what.split()))
        elif verb == "hang_up":
            self._tell(who, "hangs up")
        elif verb == "sign_out":
            self._tell(who, "signs out")

    def _on_invited(self, call_id: str) -> None:
        """The seat's telephone rings: only the demo's own citizen may meet a robot."""
        if call_id == self.played.call_id:
            self._robots["agent"].cue(OURS)
        else:
            self._tell(
                "agent", "another citizen's call rings here: it is left alone and goes back to its place"
            )

    async def _watch(self, since: LiveId) -> None:
        """Follow the demo's call through the hall."""
        async for changes in self._store.live(since):
            for change in changes:
                if change.call is not None and change.call.caller == self._caller:
                    self._on_call(change)

    def _on_call(self, change: Change) -> None:
        call = change.call
        assert call is not None  # noqa: S101 (asked by the caller)
        self.played.call_id = call.id
        if call.state == self._state:
            return
        self._state = call.state
        if call.state == WAITING:
            self._tell("citizen", f"waits in queue {self._names.queue(call.queue)}")
            self._cue("agent", WAITS)
        elif call.state == OFFERED:
            self._tell("platform", f"offers the call to agent {self._names.agent(call.agent)}")
        elif call.state == TALKING:
            self.played.answered_by = call.agent
            self._tell("agent", f"{self._names.agent(call.agent)} answers")
            if call.agent != self._ours:
                self._tell("agent", "who is no robot: the citizen's robot talks, pausing for answers")
            self._cue("citizen", TALK)

    def _cue(self, who: str, name: str) -> None:
        if who in self._robots:
            self._robots[who].cue(name)


async def until(look: Callable[[], Coroutine[Any, Any, bool]], within: float, every: float = 0.25) -> bool:
    """Return whether `look` became true within so many seconds."""
    until_when = time.monotonic() + within
    for _ in range(round(within / every)):
        if await look():
            return True
        if time.monotonic() > until_when:
            break
        await asyncio.sleep(every)
    return False
