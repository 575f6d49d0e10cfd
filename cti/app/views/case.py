"""Cases as they are shown: the newest, and one whole with its history and what it is linked to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from caselink import loop
from caselink.tables import CaseEventRow, CaseLimitRow, CaseNoticeRow, CaseRow
from cti.app.views.case_work import limit_json, notice_json, step_sentence
from cti.app.views.recordings import recording_json, transcript_json
from cti.app.views.words import Names, mask
from recorder import store
from recorder.tables import RecordingRow
from recorder.transcript import Transcript


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are listed; `since` in microseconds since the epoch, "" and 0 choose all."""

    hotline: str = ""
    state: str = ""
    unit: str = ""
    since: int = 0
    limit: int = 20


@dataclass(frozen=True, slots=True)
class WholeCase:
    """All that is known of one case; None where there is none (yet)."""

    case: CaseRow
    history: tuple[CaseEventRow, ...]
    recording: RecordingRow | None
    transcript: Transcript | None
    limits: tuple[CaseLimitRow, ...] = ()
    notices: tuple[CaseNoticeRow, ...] = ()


async def newest(session: AsyncSession, wanted: CaseFilter) -> tuple[CaseRow, ...]:
    """Return the cases that a filter chooses, newest first."""
    query = select(CaseRow)
    if wanted.hotline:
        query = query.where(CaseRow.hotline == wanted.hotline)
    if wanted.state:
        query = query.where(CaseRow.state == wanted.state)
    if wanted.unit:
        query = query.where(CaseRow.unit == wanted.unit)
    if wanted.since:
        query = query.where(CaseRow.opened_at >= wanted.since)
    query = query.order_by(CaseRow.opened_at.desc(), CaseRow.id.desc()).limit(wanted.limit)
    return tuple(await session.scalars(query))


async def whole(session: AsyncSession, number: str) -> WholeCase:
    """Return one case. Raises LookupError for a number that no case has."""
    case = await session.scalar(select(CaseRow).where(CaseRow.number == number))
    if case is None:
        raise LookupError(number)
    history = select(CaseEventRow).where(CaseEventRow.case_id == case.id)
    return WholeCase(
        case=case,
        history=tuple(await session.scalars(history.order_by(CaseEventRow.at, CaseEventRow.id))),
        recording=await store.recording(session, case.call_id),
        transcript=await store.transcript(session, case.call_id),
        limits=tuple(await session.scalars(_of(CaseLimitRow, case).order_by(CaseLimitRow.place))),
        notices=tuple(await session.scalars(_of(CaseNoticeRow, case).order_by(CaseNoticeRow.id))),
    )


def _of(table: Any, case: CaseRow) -> Any:
    return select(table).where(table.case_id == case.id)


def event_sentence(event: CaseEventRow, names: Names) -> str:
    """Return one step of the history as a person understands it."""
    if event.role:
        return step_sentence(event, names)
    seat = str(event.data.get("seat") or "")
    who = f"agent {names.agent(event.actor)}" if event.actor else f"seat {seat}" if seat else "nobody"
    said = {
        "open": "opened by a callback request"
        if event.data.get("channel") == "callback"
        else "opened by a telephone call",
        "answer": f"{who} takes the call" + (f" at seat {seat}" if seat and event.actor else ""),
        "request_callback": "the citizen asks to be called back",
    }
    return said.get(event.action, f"{event.action.replace('_', ' ')} by {who}")


def case_json(case: CaseRow, names: Names, full: bool) -> dict[str, Any]:
    """Return one case as `yht case list --json` prints it.

    Keys: number, state, channel (phone, callback), hotline, dialed_number, caller_number and contact_number
    (masked unless `full`), backend (platform, external, tenant), unit (null: the centre chooses), request_type
    (null until an agent says so), agent, call_id, opened_at (ISO 8601), version, urgency ("" until it is
    registered), co_units, parent (the number of the case that it repeats, ""), repeat, repeats, card ("", warned,
    yellow_card, red_card), is_supervised.
    """
    return {
        "number": case.number,
        "state": case.state,
        "channel": case.channel,
        "hotline": case.hotline,
        "dialed_number": case.dialed_number,
        "caller_number": mask(case.caller_number, full),
        "contact_number": mask(case.contact_number, full),
        "backend": case.backend,
        "unit": case.unit,
        "request_type": case.request_type,
        "agent": case.agent,
        "call_id": case.call_id,
        "opened_at": names.iso(case.opened_at),
        "version": case.version,
        "urgency": case.urgency,
        "co_units": case.co_units.split(",") if case.co_units else [],
        "parent": case.parent,
        "repeat": case.repeat,
        "repeats": case.repeats,
        "card": case.card,
        "is_supervised": case.is_supervised,
    }


def whole_json(found: WholeCase, names: Names, full: bool, now: int) -> dict[str, Any]:
    """Return one case as `yht case show --json` prints it.

    The keys of `case_json`, and: check_code (only if `full`, else null); recording: see
    `recordings.recording_json`, or null; transcript: see `recordings.transcript_json`, or null;
    topic, text, address, grid: as registered; limits: see `case_work.limit_json`; notices: see
    `case_work.notice_json`; possible: actions that people can take now; history: at (ISO 8601), action, state
    (after it), role ("" for what a call told), actor, version, text (English), data.
    """
    return {
        **case_json(found.case, names, full),
        "check_code": found.case.check_code if full else None,
        "recording": recording_json(found.recording, names) if found.recording else None,
        "transcript": transcript_json(found.transcript, names) if found.transcript else None,
        "topic": found.case.topic,
        "text": found.case.text,
        "address": found.case.address,
        "grid": found.case.grid,
        "limits": [limit_json(limit, names, now) for limit in found.limits],
        "notices": [notice_json(notice, names) for notice in found.notices],
        "possible": list(loop.actions(found.case.state)),
        "history": [
            {
                "at": names.iso(event.at),
                "action": event.action,
                "state": event.state,
                "role": event.role,
                "actor": event.actor,
                "version": event.version,
                "text": event_sentence(event, names),
                "data": dict(event.data),
            }
            for event in found.history
        ],
    }
