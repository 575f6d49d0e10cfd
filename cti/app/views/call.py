"""Calls as they are shown: the newest, and one whole with its facts, legs, recording, transcript and case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from caselink.tables import CaseRow
from cti.app.views.recordings import recording_json, transcript_json
from cti.app.views.timeline import masked, timeline, why
from cti.app.views.words import Names, mask
from cti.facts import Fact
from cti.ledger import facts_of
from cti.tables import CallRow, LegRow
from recorder import store
from recorder.tables import RecordingRow
from recorder.transcript import Transcript

OUTCOMES = {
    "answered": "answered",
    "abandoned": "gave up waiting",
    "hung_up": "hung up before waiting",
    "forwarded": "forwarded outside",
    "prompt": "told by a prompt",
    "rejected": "rejected",
    "callback": "callback requested",
    "lost": "cut off by a restart of Asterisk",
}
"""What became of a call, for a person."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which calls are listed; `since` in microseconds since the epoch, "" and 0 choose all."""

    hotline: str = ""
    agent: str = ""
    since: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One call of a list; `case` is the number of its case, "" if it has none."""

    call: CallRow
    case: str


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is known of one call; None where there is none (yet)."""

    call: CallRow
    legs: tuple[LegRow, ...]
    facts: tuple[Fact, ...]
    recording: RecordingRow | None
    transcript: Transcript | None
    case: CaseRow | None


async def newest(session: AsyncSession, wanted: Filter) -> tuple[Listed, ...]:
    """Return the calls that a filter chooses, newest first."""
    query = select(CallRow, CaseRow.number).join(CaseRow, CaseRow.call_id == CallRow.call_id, isouter=True)
    if wanted.hotline:
        query = query.where(CallRow.hotline == wanted.hotline)
    if wanted.agent:
        query = query.where(CallRow.agent == wanted.agent)
    if wanted.since:
        query = query.where(CallRow.arrived_at >= wanted.since)
    query = query.order_by(CallRow.arrived_at.desc(), CallRow.call_id.desc()).limit(wanted.limit)
    return tuple(Listed(call, number or "") for call, number in await session.execute(query))


async def whole(session: AsyncSession, call_id: str) -> Whole:
    """Return one call. Raises LookupError for an id that no call has."""
    call = await session.get(CallRow, call_id)
    if call is None:
        raise LookupError(call_id)
    legs = select(LegRow).where(LegRow.call_id == call_id).order_by(LegRow.started_at, LegRow.leg)
    return Whole(
        call=call,
        legs=tuple(await session.scalars(legs)),
        facts=await facts_of(session, [call_id]),
        recording=await store.recording(session, call_id),
        transcript=await store.transcript(session, call_id),
        case=await session.scalar(select(CaseRow).where(CaseRow.call_id == call_id)),
    )


def state(call: CallRow) -> str:
    """Return what a call is doing (arriving, waiting, talking), or what became of it."""
    if call.ended_at is not None:
        return call.outcome or "ended"
    if call.answered_at is not None:
        return "talking"
    return "arriving" if call.queued_at is None else "waiting"


def waited_ms(call: CallRow, now: int) -> int | None:
    """Return how long the citizen waited, until now if waiting still; None where nothing was waited for."""
    if call.wait_ms is None and call.queued_at is not None and call.ended_at is None:
        return max(now - call.queued_at, 0) // 1000
    return call.wait_ms


def listed_json(listed: Listed, names: Names, full: bool, now: int) -> dict[str, Any]:
    """Return one call as `yht call list --json` prints it.

    Keys: call_id, node, hotline, dialed_number, caller_number (masked unless `full`), queue, state (arriving,
    waiting, talking, or the outcome: answered, abandoned, hung_up, prompt, rejected, callback, lost), arrived_at,
    answered_at, ended_at (ISO 8601 or null), wait_ms (null), talk_ms, agent, seat, case (number, or null).
    """
    call = listed.call
    return {
        "call_id": call.call_id,
        "node": call.node,
        "hotline": call.hotline,
        "dialed_number": call.dialed_number,
        "caller_number": mask(call.caller_number, full),
        "queue": call.queue,
        "state": state(call),
        "arrived_at": names.iso(call.arrived_at),
        "answered_at": names.iso(call.answered_at),
        "ended_at": names.iso(call.ended_at),
        "wait_ms": waited_ms(call, now),
        "talk_ms": call.talk_ms,
        "agent": call.agent,
        "seat": call.seat,
        "case": listed.case or None,
    }


def whole_json(found: Whole, names: Names, full: bool, now: int) -> dict[str, Any]:
    """Return one call as `yht call show --json` prints it.

    The keys of `listed_json`, and:
    timeline: at (ISO 8601), offset_ms (from the call's arrival), kind, text (English), fact_id, data;
    legs: leg, channel, seat, started_at, answered_at, ended_at, cause (Q.850);
    offers: offer, agent, seat, queue, at, waited_ms, why (list of phrases);
    recording: see `recordings.recording_json`, null if none is sealed; folder: where it is or will be, or null;
    transcript: see `recordings.transcript_json`, null if there is none.
    """
    moments = timeline(found.facts, names, full=full)
    return {
        **listed_json(Listed(found.call, found.case.number if found.case else ""), names, full, now),
        "timeline": [
            {
                "at": names.iso(moment.at),
                "offset_ms": moment.offset_ms,
                "kind": moment.kind,
                "text": moment.text,
                "fact_id": moment.fact_id,
                "data": dict(moment.data),
            }
            for moment in moments
        ],
        "legs": [_leg_json(leg, names) for leg in found.legs],
        "offers": [_offer_json(fact, names) for fact in offers(found.facts)],
        "folder": found.call.folder or None,
        "recording": recording_json(found.recording, names) if found.recording else None,
        "transcript": transcript_json(found.transcript, names) if found.transcript else None,
    }


def offers(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """Return the offers of a call in the order of time."""
    return tuple(sorted((fact for fact in facts if fact.kind == "offered"), key=lambda fact: fact.at))


def _offer_json(fact: Fact, names: Names) -> dict[str, Any]:
    data = masked(fact.data, full=False)
    told = {name: data.get(name) for name in ("offer", "agent", "seat", "queue", "waited_ms")}
    return {**told, "at": names.iso(fact.at), "why": list(why(fact))}


def _leg_json(leg: LegRow, names: Names) -> dict[str, Any]:
    return {
        "leg": leg.leg,
        "channel": leg.channel,
        "seat": leg.seat,
        "started_at": names.iso(leg.started_at),
        "answered_at": names.iso(leg.answered_at),
        "ended_at": names.iso(leg.ended_at),
        "cause": leg.cause,
    }
