"""Plays the dialplan: citizens wait, a redirect rings a seat, and what happens then is drawn by lot.

Engines connect to a unix socket and speak JSON lines: what the manager link is in the platform. Whatever must
never happen on a real Asterisk is written down in `faults`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cti.signals import Answered, Channel, Gone, SeatState, Signal, Waiting

NODE = "n1"
OUTCOMES: Mapping[str, float] = {
    "answer": 74,
    "no_answer": 7,
    "busy": 3,
    "unavailable": 3,
    "answered_and_gone": 5,
    "caller_gone": 8,
}


@dataclass
class Citizen:
    """One call in the house."""

    call_id: str
    channel: str
    queue: str
    priority: int
    queued_at: int
    state: str = "waiting"
    offer: str = ""
    agent: str = ""
    seat: str = ""
    leg: str = ""
    talks: bool = False
    offers: int = 0
    work: asyncio.Task[None] | None = field(default=None, repr=False)


class FakeAsterisk:
    """One node. `patience` scales every time that a person takes."""

    def __init__(self, socket: Path, rng: random.Random, *, outcomes: Mapping[str, float] = OUTCOMES) -> None:
        self.socket = socket
        self.rng = rng
        self.outcomes = dict(outcomes)
        self.citizens: dict[str, Citizen] = {}
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.served: list[str] = []
        """Calls in the order of their first offers."""
        self.talk_seconds = (0.02, 0.2)
        self.told_at: dict[str, float] = {}
        """When an engine could know that a call waits."""
        self.delays: list[float] = []
        """From there to the redirect, in seconds, where somebody was ready."""
        self._phones: dict[str, str] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._number = 0

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._engine, self.socket, limit=1 << 22)

    async def stop(self) -> None:
        for citizen in list(self.citizens.values()):
            self._stop_work(citizen)
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        if self._serving:
            await asyncio.wait(self._serving, timeout=5)

    @property
    def engines(self) -> int:
        """How many engines are connected."""
        return len(self._writers)

    # What people do

    def call(self, queue: str, priority: int = 0) -> Citizen:
        """A citizen calls and enters the waiting room."""
        self._number += 1
        call_id = f"{NODE}-{self._number}.1"
        citizen = Citizen(call_id, f"PJSIP/trunk-a-{self._number}", queue, priority, time.time_ns() // 1000)
        self.citizens[call_id] = citizen
        self._wait(citizen, "", "")
        return citizen

    def hang_up(self, citizen: Citizen) -> None:
        """The citizen is gone, at whatever point."""
        if self.citizens.pop(citizen.call_id, None) is None:
            return
        self.counts[f"gone_{citizen.state}"] += 1
        self._stop_work(citizen)
        self._drop_leg(citizen)
        self._tell(Gone(citizen.call_id, citizen.channel, True, "", 16))

    def agent_hangs_up(self, citizen: Citizen) -> None:
        """The agent ends the talk; the citizen hears the goodbye."""
        self._drop_leg(citizen)
        citizen.state, citizen.talks = "after", False
        self._go(citizen, self._goodbye(citizen))

    async def _goodbye(self, citizen: Citizen) -> None:
        await asyncio.sleep(0.03)
        self.hang_up(citizen)

    # The dialplan

    def _wait(self, citizen: Citizen, returned: str, offer: str) -> None:
        citizen.state, citizen.offer, citizen.agent, citizen.talks = "waiting", "", "", False
        self.told_at[citizen.call_id] = time.monotonic()
        self._tell(
            Waiting(
                citizen.call_id,
                citizen.channel,
                NODE,
                "12345",
                citizen.queue,
                citizen.priority,
                citizen.queued_at,
                "13800000000",
                returned,
                offer,
            )
        )

    def _redirect(self, channel: str, exten: str) -> str:
        citizen = next((one for one in self.citizens.values() if one.channel == channel), None)
        if citizen is None:
            return "Channel does not exist"
        seat, offer, agent = exten.split("*")
        if citizen.talks:
            self.faults.append(f"{citizen.call_id} was torn out of a talk by offer {offer}")
        elif citizen.state == "offered":
            self.faults.append(f"{citizen.call_id} was offered anew while {citizen.seat} rang")
        elif citizen.state == "after":
            self.faults.append(f"{citizen.call_id} was offered after its talk")
        if not citizen.offers:
            self.served.append(citizen.call_id)
            self.delays.append(time.monotonic() - self.told_at[citizen.call_id])
        citizen.offers += 1
        self._stop_work(citizen)
        self._drop_leg(citizen)
        citizen.state, citizen.seat, citizen.offer, citizen.agent = "offered", seat, offer, agent
        self._go(citizen, self._dial(citizen))
        return ""

    async def _dial(self, citizen: Citizen) -> None:
        seat, offer = citizen.seat, citizen.offer
        if seat in self._phones:
            self.faults.append(
                f"seat {seat} was rung for {citizen.call_id} while it had {self._phones[seat]}"
            )
        outcome = self.rng.choices(list(self.outcomes), list(self.outcomes.values()))[0]
        self.counts[outcome] += 1
        if outcome in ("busy", "unavailable"):
            await asyncio.sleep(0.002)
            self._wait(citizen, "BUSY" if outcome == "busy" else "CHANUNAVAIL", offer)
            return
        self._number += 1
        citizen.leg = f"PJSIP/{seat}-{self._number}"
        self._phones[seat] = citizen.leg
        self._tell(SeatState(seat, "RINGING"))
        await asyncio.sleep(self.rng.uniform(0.005, 0.04))
        if outcome == "caller_gone":
            citizen.work = None
            self.hang_up(citizen)
        elif outcome == "no_answer":
            await asyncio.sleep(0.05)
            self._drop_leg(citizen)
            self._wait(citizen, "NOANSWER", offer)
        else:
            await self._talk(citizen, gone_at_once=outcome == "answered_and_gone")

    async def _talk(self, citizen: Citizen, *, gone_at_once: bool) -> None:
        citizen.talks = True
        self._tell(SeatState(citizen.seat, "INUSE"))
        self._tell(Answered(citizen.call_id, citizen.offer, citizen.agent, citizen.seat, citizen.leg))
        if gone_at_once:
            await asyncio.sleep(0.003)
            self._drop_leg(citizen)
            self._wait(citizen, "ANSWER", citizen.offer)
            return
        await asyncio.sleep(self.rng.uniform(*self.talk_seconds))
        citizen.work = None
        if self.rng.random() < 0.5:
            self.agent_hangs_up(citizen)
        else:
            self.hang_up(citizen)

    def _drop_leg(self, citizen: Citizen) -> None:
        if citizen.leg:
            del self._phones[citizen.seat]
            leg, citizen.leg = citizen.leg, ""
            self._tell(Gone(citizen.call_id, leg, False, citizen.seat, 16))
            self._tell(SeatState(citizen.seat, "NOT_INUSE"))

    def _go(self, citizen: Citizen, work: Any) -> None:
        citizen.work = asyncio.create_task(work)

    def _stop_work(self, citizen: Citizen) -> None:
        if citizen.work is not None:
            citizen.work.cancel()
            citizen.work = None

    # The manager

    def _tell(self, signal: Signal) -> None:
        line = json.dumps({"signal": type(signal).__name__, "fields": asdict(signal)}).encode() + b"\n"
        for writer in self._writers:
            writer.write(line)

    def _look(self) -> dict[str, Any]:
        channels = []
        for citizen in self.citizens.values():
            variables = {
                "YHT_STATE": citizen.state,
                "YHT_HOTLINE": "12345",
                "YHT_QUEUE": citizen.queue,
                "YHT_PRIORITY": str(citizen.priority),
                "YHT_QUEUED_AT": str(citizen.queued_at),
                "YHT_OFFER": citizen.offer,
                "YHT_AGENT": citizen.agent,
                "YHT_SEAT": citizen.seat,
                "YHT_DIALED": "12345",
            }
            bridge = "b" if citizen.talks else ""
            call_id = citizen.call_id
            channels.append(
                Channel(citizen.channel, call_id, call_id, NODE, True, "", "", "", bridge, "138", variables)
            )
            if citizen.leg:
                leg = f"{citizen.leg.rpartition('-')[2]}.2"
                channels.append(
                    Channel(citizen.leg, leg, call_id, NODE, False, citizen.seat, "", "", bridge, "", {})
                )
        return {
            "channels": [asdict(channel) for channel in channels],
            "seats": [{"seat": seat, "state": "INUSE"} for seat in self._phones],
        }

    async def _engine(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                asked = json.loads(line)
                answer = {"id": asked["id"]}
                if asked["do"] == "look":
                    answer |= self._look()
                else:
                    answer["error"] = self._redirect(asked["channel"], asked["exten"])
                writer.write(json.dumps(answer).encode() + b"\n")
        self._writers.discard(writer)
        writer.close()
