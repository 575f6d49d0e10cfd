"""One run of one scenario: telephones registered and signed in, steps taken, what was seen judged, all put back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from cti.app.sipp.actors import Dialed, calls_of, rubbish
from cti.app.sipp.booking import Booking, is_rehearsal
from cti.app.sipp.judge import judge
from cti.app.sipp.load import Loaded
from cti.app.sipp.model import Actor, Scalar, Step, WaitFor
from cti.app.sipp.observed import AgentEnd, Observed
from cti.app.sipp.process import SippFailed
from cti.app.sipp.setting import Setting, booking_values, city_values
from cti.app.sipp.speech import NoSpeech, find_clip
from cti.app.sipp.telephones import Failed, Telephones, fresh
from cti.app.sipp.values import resolve
from cti.clock import now_us

DRAIN_SECONDS = 10.0
SETTLE_SECONDS = 10.0
"""How long after the last telephone's end what was expected may still be stored."""
STEADY_SECONDS = 0.4
"""How long a good verdict must hold, so that nothing too much is stored a moment later."""
PUT_BACK_SECONDS = 8.0
LOOK_SECONDS = 0.1
NOT_YET_READY = (("signed_out", ""), ("not_ready", "signed_in"), ("not_ready", "seat_unreachable"))
"""An agent whose telephone Asterisk has not found yet."""


class Run:
    """One run of `loaded` with what is booked for it; its files lie in `folder`."""

    def __init__(self, loaded: Loaded, booking: Booking, setting: Setting, folder: Path) -> None:
        self.loaded = loaded
        self.scenario = loaded.scenario
        self.booking = booking
        self.setting = setting
        self.folder = folder
        self.values: dict[str, Scalar] = {
            **city_values(setting.city),
            **booking_values(setting.city, booking),
        }
        self.dialed: dict[str, Dialed] = {}
        self.calls: dict[str, str] = {}
        self.signed_in: list[str] = []
        self.since = now_us()
        self.deadline = time.monotonic() + loaded.scenario.within_seconds

    async def played(self) -> tuple[str, ...]:
        """Play it; returns why it has failed, nothing if it has passed. Everything is put back as it was."""
        fresh(self.folder)
        reasons: tuple[str, ...] = ()
        async with AsyncExitStack() as stack:
            phones = Telephones(self.loaded, self.folder, self.setting.platform, self.setting.secrets, stack)
            try:
                agents = self.scenario.named("agent")
                for name in agents:
                    await self._serve(name, phones)
                self.deadline = time.monotonic() + self.scenario.within_seconds
                for step in self.scenario.steps:
                    await self._take(step, phones)
                await self._telephones_end(phones)
                reasons = await self._judged(phones)
            except (Failed, SippFailed, NoSpeech) as error:
                reasons = (str(error),)
            finally:
                await stack.aclose()
                left = await self._put_back(phones)
        return (*reasons, *left)

    async def _serve(self, name: str, phones: Telephones) -> None:
        """Set an agent's telephone up and sign the agent in."""
        actor, agent = self.scenario.actors[name], self.booking.agents[name]
        await phones.serve(name, actor, agent, self._settings(actor), self._clip(actor))
        await self.setting.desk.sign_in(agent, agent)
        self.signed_in.append(name)

    async def _start(self, name: str, phones: Telephones) -> None:
        """Start a citizen or a phone: its one call."""
        actor = self.scenario.actors[name]
        settings = self._settings(actor)
        if actor.role != "citizen":
            await phones.run(name, actor, self.booking.agents[name], settings)
            return
        area = self.setting.city.platform.area_code
        number = actor.dials if actor.dials is not None else str(self.values["line.number"])
        number = number.replace("{area_code}", area).replace("{area}", area.removeprefix("0"))
        caller = f"139{secrets.randbelow(10**8):08}"
        told = actor.caller if actor.caller is not None else caller
        told = rubbish(actor.rubbish) if actor.rubbish else told
        asks = "[$caller]" in self.loaded.xml(actor.does).read_text(encoding="utf-8")
        self.values[f"caller.{name}"] = told
        self.dialed[name] = Dialed(number, caller if asks and told == caller else "", now_us() - 1000)
        if asks:
            settings["caller"] = told
        await phones.call(name, actor, number, self._address(actor), settings, self._clip(actor))

    def _settings(self, actor: Actor) -> dict[str, Scalar]:
        return {name: resolve(value, self.values) for name, value in actor.settings.items()}

    def _clip(self, actor: Actor) -> Path | None:
        return (
            find_clip(self.setting.city, self.setting.paths, actor.says) if actor.says is not None else None
        )

    def _address(self, actor: Actor) -> str:
        """Return where a citizen calls from: the scenario's address, else a trunk's."""
        rehearsal = bool(self.booking.lines) and all(is_rehearsal(line) for line in self.booking.lines)
        address = actor.address or (self.setting.rehearsals_at if rehearsal else self.setting.citizens_at)
        if not address:
            raise Failed("no trunk of this city sends from an address of this machine (127.0.0.0/8)")
        return address

    # Steps

    async def _take(self, step: Step, phones: Telephones) -> None:
        if step.ready is not None:
            await self.setting.desk.ready(self.booking.agents[step.ready])
            await self._poll(
                partial(self._may_be_rung, step.ready), f"{step.ready} did not become ready", phones
            )
        elif step.not_ready is not None:
            await self.setting.desk.not_ready(self.booking.agents[step.not_ready])
        elif step.dial is not None:
            await self._start(step.dial, phones)
        elif step.run is not None:
            await self._start(step.run, phones)
        elif step.wait_for is not None:
            await self._until(step.wait_for, phones)
        elif step.pause_ms is not None:
            await asyncio.sleep(step.pause_ms / 1000)

    async def _may_be_rung(self, name: str) -> bool:
        """Tell whether an agent who was let take calls does so; a call may be over before we look."""
        agent = (await self._agents())[name]
        return (agent.state, agent.reason) not in NOT_YET_READY

    async def _until(self, wait: WaitFor, phones: Telephones) -> None:
        async def call_is_there() -> bool:
            await self._find_calls()
            call_id = self.calls.get(wait.call or "")
            facts = await self.setting.watch.facts([call_id], self.since) if call_id else ()
            kinds = [fact.kind for fact in facts if fact.call_id == call_id]
            return kinds.count(wait.fact or "") >= wait.count

        async def agent_is_there() -> bool:
            return (await self._agents()).get(wait.agent or "", AgentEnd("", "")).state == wait.state

        if wait.call is not None:
            times = f" {wait.count} times" if wait.count > 1 else ""
            await self._poll(
                call_is_there, f"{wait.call}: waited for {wait.fact}{times}, it did not come", phones
            )
        else:
            await self._poll(
                agent_is_there, f"{wait.agent}: waited for the state {wait.state}, it did not come", phones
            )

    async def _poll(self, look: Callable[[], Awaitable[bool]], what: str, phones: Telephones) -> None:
        while not await look():
            for name, said in phones.trouble().items():
                if self.scenario.expect.sipp.get(name, "good") == "good":
                    raise Failed(f"{name}: its SIPp has ended: {said}")
            if time.monotonic() > self.deadline:
                raise Failed(f"{what} within {self.scenario.within_seconds} s")
            await asyncio.sleep(LOOK_SECONDS)

    async def _telephones_end(self, phones: Telephones) -> None:
        """Wait for the citizens and phones; then the agents' telephones end the calls they have and take no more."""
        for name in (*self.scenario.named("citizen"), *self.scenario.named("phone")):
            await phones.ended(name, max(1.0, self.deadline - time.monotonic()))
        for name in self.scenario.named("agent"):
            await phones.drained(name, DRAIN_SECONDS)

    # What was seen

    async def _find_calls(self) -> None:
        if len(self.calls) < len(self.dialed):
            self.calls = calls_of(self.dialed, await self.setting.watch.arrived(self.since - 1_000_000))
            self.values.update({f"call.{name}": call_id for name, call_id in self.calls.items()})

    async def _agents(self) -> dict[str, AgentEnd]:
        """Return the agents by the actors' names; one that the hall does not list is signed out."""
        there = {agent.id: agent for agent in (await self.setting.watch.snapshot()).agents}
        return {
            name: AgentEnd(there[agent].state, there[agent].reason)
            if agent in there
            else AgentEnd("signed_out", "")
            for name, agent in self.booking.agents.items()
        }

    async def _observed(self, phones: Telephones) -> Observed:
        await self._find_calls()
        return Observed(
            messages=phones.messages(),
            counted=phones.counted,
            calls=self.calls,
            facts=await self.setting.watch.facts(self.calls.values(), self.since),
            rows=await self.setting.watch.rows(self.calls),
            agents=await self._agents(),
        )

    async def _judged(self, phones: Telephones) -> tuple[str, ...]:
        """Judge until the verdict is good and stays so, or the time for that is over."""
        deadline = time.monotonic() + SETTLE_SECONDS
        good_since: float | None = None
        while True:
            observed = await self._observed(phones)
            values = {**{f"call.{name}": "" for name in self.dialed}, **self.values}
            reasons = (*judge(self.scenario.expect, observed, values), *_open_calls(observed))
            now = time.monotonic()
            if reasons:
                good_since = None
                if now > deadline:
                    return reasons
            elif good_since is None:
                good_since = now
            elif now - good_since >= STEADY_SECONDS:
                return ()
            await asyncio.sleep(LOOK_SECONDS)

    # Putting back

    async def _put_back(self, phones: Telephones) -> tuple[str, ...]:
        """Leave the platform as it was; returns what could not be put back."""
        seats = {name: self.booking.agents[name] for name in self.scenario.named("agent")}
        watch = self.setting.watch
        deadline = time.monotonic() + PUT_BACK_SECONDS
        left: tuple[str, ...] = ()
        hung_up: set[str] = set()
        while True:
            for name in tuple(self.signed_in):
                with contextlib.suppress(Failed):  # a call is not over yet; who stays signed in is told below
                    await self.setting.desk.sign_out(seats[name])
                    self.signed_in.remove(name)
            now = await watch.snapshot()
            ours = set(self.calls.values())
            channels = await watch.channels(seats.values(), ours)
            left = (
                *(
                    f"agent {agent.id} is still signed in"
                    for agent in now.agents
                    if agent.id in seats.values()
                ),
                *(f"call {call.id} is still in Redis" for call in now.calls if call.id in ours),
                *(f"channel {channel} is still in Asterisk" for channel in channels),
            )
            if not left or time.monotonic() > deadline:
                break
            if time.monotonic() > deadline - PUT_BACK_SECONDS / 2:
                for channel in channels:
                    hung_up.add(channel)
                    await watch.hang_up(channel)
            await asyncio.sleep(LOOK_SECONDS)
        for name in seats:
            try:
                await phones.leave(name)
            except (Failed, SippFailed) as error:
                left = (*left, str(error))
        return (
            *(f"channel {channel} was left over and had to be hung up" for channel in sorted(hung_up)),
            *left,
        )


def _open_calls(observed: Observed) -> tuple[str, ...]:
    return tuple(
        f"{citizen}: the call has no end in the ledger"
        for citizen in observed.calls
        if not any(fact.kind == "call_ended" for fact in observed.of_call(citizen))
    )
