"""The two measurements of issue-to-answer: what a call costs, and how long a freed agent stands idle.

Both sides in one run on the same Asterisk, in turn, so that a machine that is busy is busy for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from cti.app.bench import accounting, sipp
from cti.app.bench.figures import Figure, Invalid, Outcome, Table, median, quantile
from cti.app.bench.rig import CITIZENS_AT, NUMBER, PEERS_AT, Rig, free_port
from cti.app.bench.seats import Gap, Seats
from cti.app.bench.wire import open_wire

Say = Callable[[str], None]

OURS, PEER = "ours", "app_queue"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. `rate` in calls a second, times in seconds."""

    seats: int = 200
    rate: float = 20.0
    seconds: float = 60.0
    talk_seconds: float = 2.0
    rounds: int = 1
    gap_seats: int = 20
    gap_waiting: int = 100
    gap_seconds: float = 20.0
    gap_talk_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Round:
    """One side's part of one round."""

    calls: int
    cpu_seconds: dict[str, float]
    gaps: tuple[Gap, ...]
    counts: dict[str, int]

    @property
    def ms_a_call(self) -> float:
        """CPU milliseconds of everything that took part, a call."""
        return 1000 * sum(self.cpu_seconds.values()) / self.calls


async def _round(
    rig: Rig, folder: Path, name: str, side: str, size: int, load: sipp.Load, talk: float
) -> Round:
    """Play one load and read what it cost. Raises Invalid if a call failed."""
    seats = Seats(rig.telephone, lambda: talk, mark=token_hex(4))
    wire = await open_wire(seats, rig.telephone)
    mark = str(rig.paths.home)
    try:
        before = accounting.usage(mark)
        async with sipp.started(load, folder, name) as process:
            counted = await process.finished()
        after = accounting.usage(mark)
    finally:
        await wire.close()
    counted.check(f"{side}, {size} seats")
    if seats.counts["doubled"] or seats.counts["lost"]:
        raise Invalid(f"{side}: {seats.counts['doubled']} seats rung twice, {seats.counts['lost']} lost")
    spent = accounting.spent(before, after)
    if side == PEER:
        # Our own processes have no part in app_queue's calls; that they read its journal is not its cost.
        spent = {role: seconds for role, seconds in spent.items() if role == "asterisk"}
    return Round(counted.good, spent, tuple(seats.gaps), dict(seats.counts))


def _load(rig: Rig, side: str, size: int, *, rate: float, calls: int, limit: int, within: float) -> sipp.Load:
    host = CITIZENS_AT if side == OURS else PEERS_AT
    return sipp.Load(
        "caller",
        local=(host, free_port(host)),
        media_port=free_port(host),
        within=within,
        remote=("127.0.0.1", rig.sip_port),
        number=NUMBER if side == OURS else str(size),
        rate=rate,
        calls=calls,
        limit=limit,
    )


async def cost(rig: Rig, plan: Plan, folder: Path, say: Say) -> Outcome:
    """Answer → queue → agent answers → hang up: CPU a call of everything together, beside app_queue's."""
    await rig.staff(plan.seats)
    rounds: dict[str, list[Round]] = {OURS: [], PEER: []}
    calls = int(plan.rate * plan.seconds)
    for number, side in itertools.product(range(1, plan.rounds + 1), (PEER, OURS)):
        say(
            f"{side}: {calls} calls at {plan.rate:g} a second, {plan.seats} seats (round {number} of {plan.rounds})"
        )
        load = _load(
            rig, side, plan.seats, rate=plan.rate, calls=calls, limit=10_000, within=plan.seconds + 60
        )
        name = f"cost-{side}-{number}"
        rounds[side].append(await _round(rig, folder, name, side, plan.seats, load, plan.talk_seconds))
    ours = median([one.ms_a_call for one in rounds[OURS]])
    peer = median([one.ms_a_call for one in rounds[PEER]])
    roles = sorted({role for one in rounds[OURS] for role in one.cpu_seconds})
    rows = tuple(
        (
            role,
            *(
                f"{median([1000 * one.cpu_seconds.get(role, 0.0) / one.calls for one in rounds[side]]):.2f}"
                for side in (OURS, PEER)
            ),
        )
        for role in roles
    )
    figure = Figure("cpu_per_call", "ms", ours, peer, calls * plan.rounds, limit=2.0)
    table = Table("CPU a call, ms, by process", ("process", OURS, PEER), rows)
    note = "Asterisk writes its channel events for the peer's calls too: that cost is in app_queue's column as well."
    return Outcome((figure,), (table,), notes=(note,))


async def idle(rig: Rig, plan: Plan, folder: Path, say: Say) -> Outcome:
    """Agent free → INVITE to the agent with callers waiting, beside app_queue's."""
    await rig.staff(plan.gap_seats)
    gaps: dict[str, list[float]] = {OURS: [], PEER: []}
    calls = int(plan.gap_seats / plan.gap_talk_seconds * plan.gap_seconds)
    for number, side in itertools.product(range(1, plan.rounds + 1), (PEER, OURS)):
        say(
            f"{side}: {plan.gap_seats} seats, {plan.gap_waiting} citizens at once (round {number} of {plan.rounds})"
        )
        load = _load(
            rig,
            side,
            plan.gap_seats,
            rate=50,
            calls=calls,
            limit=plan.gap_waiting,
            within=plan.gap_seconds * 4 + 60,
        )
        name = f"idle-{side}-{number}"
        one = await _round(rig, folder, name, side, plan.gap_seats, load, plan.gap_talk_seconds)
        gaps[side] += _while_all_wait(one.gaps, plan)
    figures = []
    for share, label, limit in ((0.5, "p50", None), (0.95, "p95", 50.0), (0.99, "p99", None)):
        ours, peer = (1000 * quantile(gaps[side], share) for side in (OURS, PEER))
        figures.append(
            Figure(f"free_to_invite_{label}", "ms", ours, peer, len(gaps[OURS]), limit=limit, limit_on="ours")
        )
    return Outcome(tuple(figures))


def _while_all_wait(gaps: tuple[Gap, ...], plan: Plan) -> list[float]:
    """Leave out the end, when nobody waits any more and a seat is idle for want of calls."""
    if not gaps:
        raise Invalid("no seat was ever freed")
    last = max(gap.invited_at for gap in gaps)
    kept = [gap.seconds for gap in gaps if gap.freed_at < last - 2 * plan.gap_talk_seconds]
    if not kept:
        raise Invalid("too few calls to say how long a seat stands idle")
    return kept
