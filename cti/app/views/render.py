"""Pages for a terminal: one call, one case, one transcript, one recording, as lines of rich text. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group
from rich.text import Text

from caselink.tables import CaseRow
from cti.app.views.call import OUTCOMES, Whole, offers, state, waited_ms
from cti.app.views.case import WholeCase, event_sentence
from cti.app.views.case_work import Reach, limit_lines, notice_lines, possible_lines
from cti.app.views.recordings import files, kept
from cti.app.views.timeline import timeline, why
from cti.app.views.words import Names, length, mask, offset
from cti.tables import CallRow, LegRow
from recorder.tables import RecordingRow
from recorder.transcript import Transcript

Lines = Iterator[Text]
_LABEL = 10


def call_page(found: Whole, names: Names, *, full: bool, now: int, with_why: bool = False) -> Group:
    """Return a call's page: head, timeline, legs, recording, transcript, case; numbers masked unless `full`."""
    return Group(*_call(found, names, full, now, with_why))


def case_page(found: WholeCase, names: Names, reach: Reach, *, full: bool, now: int) -> Group:
    """Return a case's page: head, limits, what is possible, history, notices, recording, transcript.

    Numbers are masked unless `full`.
    """
    return Group(*_case(found, names, reach, full, now))


def transcript_page(transcript: Transcript) -> Group:
    """Return a transcript's page: how it was made, then what both sides said."""
    return Group(_title(f"Transcript of call {transcript.call_id}"), *_transcript(transcript))


def recording_page(recording: RecordingRow, names: Names) -> Group:
    """Return a recording's page: its state and its files."""
    return Group(_title(f"Recording of call {recording.call_id}"), *_recording(recording, names))


def call_state(call: CallRow, names: Names) -> str:
    """Return what a call is doing or what became of it, with the agent if there is one."""
    now = state(call)
    said = OUTCOMES.get(now, now)
    if now not in ("answered", "talking") or not (call.agent or call.seat):
        return said
    who = f"agent {names.agent(call.agent)}" if call.agent else f"seat {call.seat}"
    seat = f" (seat {call.seat})" if call.agent and call.seat else ""
    return f"{said} {'by' if now == 'answered' else 'with'} {who}{seat}"


def _call(found: Whole, names: Names, full: bool, now: int, with_why: bool) -> Lines:
    call = found.call
    yield _title(f"Call {call.call_id}")
    yield _field("hotline", names.hotline(call.hotline) if call.hotline else "not known")
    yield _field("dialed", call.dialed_number or "nothing")
    yield _field("caller", mask(call.caller_number, full) or "withheld")
    yield _field("arrived", f"{names.moment(call.arrived_at)} ({names.timezone})")
    yield _field("state", call_state(call, names) + ("" if call.ended_at else ", the call goes on"))
    waited = waited_ms(call, now)
    yield _field("waited", "not at all" if waited is None else length(waited))
    if call.talk_ms:
        yield _field("talked", length(call.talk_ms))
    yield _heading("Timeline")
    for moment in timeline(found.facts, names, full=full):
        clock = names.local(moment.at).strftime("%H:%M:%S")
        yield Text.assemble("  ", (clock, "dim"), f"  {offset(moment.offset_ms):>7}  {moment.text}")
    if with_why:
        yield from _offers(found, names)
    if found.legs:
        yield _heading("Legs")
        yield from (_leg(leg, names) for leg in found.legs)
    yield _heading("Recording")
    if found.recording is not None:
        yield from _recording(found.recording, names)
    else:
        yield _line(_no_recording(call))
    yield _heading("Transcript")
    if found.transcript is not None:
        yield from _transcript(found.transcript)
    else:
        yield _line(_no_transcript(call))
    yield _heading("Case")
    if found.case is not None:
        yield from _case_head(found.case, names, full)
    else:
        yield _line("none: nobody has answered" if call.answered_at is None else "not opened yet")


def _offers(found: Whole, names: Names) -> Lines:
    yield _heading("Why these agents")
    told = offers(found.facts)
    if not told:
        yield _line("the call was never offered to an agent")
    for fact in told:
        agent, queue = str(fact.data.get("agent") or ""), str(fact.data.get("queue") or "")
        yield _line(
            f"agent {names.agent(agent)} of queue {names.queue(queue)}, offer {fact.data.get('offer')}"
        )
        yield from (_line(f"  {phrase}") for phrase in why(fact))


def _no_recording(call: CallRow) -> str:
    if not call.folder:
        return "none was made" if call.ended_at else "none yet"
    return f"{call.folder}: " + ("it waits to be sealed" if call.ended_at else "being written")


def _no_transcript(call: CallRow) -> str:
    if not call.ended_at:
        return "written after the call"
    return "not written yet" if call.folder else "none: nothing was recorded"


def _leg(leg: LegRow, names: Names) -> Text:
    def clock(at: int | None) -> str:
        return names.local(at).strftime("%H:%M:%S") if at else "…"

    who = f"seat {leg.seat}" if leg.seat else "citizen"
    answered = f", answered {clock(leg.answered_at)}" if leg.answered_at else ", not answered"
    cause = f", cause {leg.cause}" if leg.cause else ""
    return _line(
        f"{who:<10} {clock(leg.started_at)} to {clock(leg.ended_at)}{answered}{cause}  {leg.channel}"
    )


def _recording(recording: RecordingRow, names: Names) -> Lines:
    rate = f", {recording.sample_rate} Hz" if recording.sample_rate else ""
    yield _line(f"{recording.state}, {length(recording.duration_ms)}{rate}")
    yield _line(f"begun {names.moment(recording.started_at)}, sealed {names.moment(recording.sealed_at)}")
    for file, sha256 in files(recording):
        yield _line(file + (f"  sha256 {sha256}" if sha256 else "  (no file)"))
    yield from (_line(said) for said in kept(recording, names))
    if recording.note:
        yield _line(recording.note)


def _transcript(transcript: Transcript) -> Lines:
    if transcript.state == "failed":
        yield _line(f"failed: {transcript.note or 'no reason was noted'}")
        yield _line(f"try again with: yht transcript redo {transcript.call_id}")
        return
    took = f", {length(transcript.audio_ms)} of speech in {length(transcript.took_ms)}"
    yield _line(f"by {transcript.engine} ({transcript.model}){took}")
    yield from (_line(note) for note in (transcript.why, transcript.note) if note)
    if not transcript.lines:
        yield _line("nobody said anything that could be understood")
    for line in transcript.lines:
        style = "cyan" if line.speaker == "citizen" else "green"
        yield Text.assemble(
            f"  {offset(line.segment.start_ms):>7}  ", (f"{line.speaker:<7}", style), f"  {line.segment.text}"
        )


def _case(found: WholeCase, names: Names, reach: Reach, full: bool, now: int) -> Lines:
    case = found.case
    yield _title(f"Case {case.number}")
    yield from _case_head(case, names, full, alone=True)
    if found.limits:
        yield _heading("Limits")
        yield from map(_line, limit_lines(found.limits, names, now))
    yield _heading("Possible now")
    yield from map(_line, possible_lines(case.state))
    yield _heading("History")
    width = max(9, *(len(event.state) for event in found.history), 0)
    for event in found.history:
        clock = names.moment(event.at)
        yield Text.assemble("  ", (clock, "dim"), f"  {event.state:<{width}}  {event_sentence(event, names)}")
    if found.notices:
        yield _heading("Notices")
        yield from map(_line, notice_lines(found.notices, names, reach))
    yield _heading("Recording")
    if found.recording is not None:
        yield from _recording(found.recording, names)
    else:
        yield _line("none yet")
    yield _heading("Transcript")
    if found.transcript is not None:
        yield from _transcript(found.transcript)
    else:
        yield _line("none yet")


def _case_head(case: CaseRow, names: Names, full: bool, *, alone: bool = False) -> Lines:
    if not alone:
        yield _field("number", case.number)
    yield _field("state", case.state)
    yield _field("opened", f"{names.moment(case.opened_at)} by {case.channel}")
    yield _field(
        "goes to", f"{names.unit(case.unit) if case.unit else 'the centre chooses'} ({case.backend})"
    )
    yield _field("type", case.request_type or "not said yet")
    if case.urgency:
        yield _field("urgency", case.urgency)
    if case.co_units:
        yield _field("co-units", ", ".join(map(names.unit, case.co_units.split(","))))
    if case.card or case.is_supervised:
        yield _field("card", " and ".join(filter(None, (case.card, "supervised" * case.is_supervised))))
    if case.parent:
        yield _field("repeats", f"{case.parent}, its repeat {case.repeat}")
    if case.repeats:
        yield _field("repeated", f"{case.repeats} times")
    if case.contact_number:
        yield _field("call back", mask(case.contact_number, full))
    if not alone:
        return
    for label, said in (("topic", case.topic), ("request", case.text), ("address", case.address)):
        if said:
            yield _field(label, said)
    if case.version:
        yield _field("version", str(case.version))
    yield _field("hotline", names.hotline(case.hotline) if case.hotline else "not known")
    yield _field("citizen", mask(case.caller_number, full) or "number withheld")
    yield _field("agent", names.agent(case.agent) if case.agent else "none")
    yield _field("call", case.call_id)
    yield _field("check code", case.check_code if full else "shown with --full")


def _title(text: str) -> Text:
    return Text(text, "bold")


def _heading(text: str) -> Text:
    return Text(f"\n{text}", "bold")


def _line(text: str) -> Text:
    return Text(f"  {text}")


def _field(label: str, value: str) -> Text:
    return Text.assemble("  ", (f"{label:<{_LABEL}}", "dim"), f"  {value}")
