"""Recordings and transcripts as they are shown."""

from __future__ import annotations

from typing import Any

from cti.app.views.words import Names
from recorder.recording import SPEAKERS
from recorder.tables import RecordingRow
from recorder.transcript import Transcript
from recorder.vault.store import HOME


def files(recording: RecordingRow) -> tuple[tuple[str, str], ...]:
    """Return the files of a recording, relative to the folder of recordings, each with its SHA-256 ("" if none)."""
    hashes = {"citizen": recording.sha256_citizen, "agent": recording.sha256_agent}
    return tuple((f"{recording.folder}/{speaker}.wav", hashes[speaker]) for speaker in SPEAKERS)


def kept(recording: RecordingRow, names: Names) -> tuple[str, ...]:
    """Return where a recording is and what holds it, a sentence each."""
    if recording.deleted_at is not None:
        return (f"deleted {names.moment(recording.deleted_at)}; the manifest of its day says why",)
    listen = f"yht recording export {recording.call_id} FOLDER"
    if recording.store == HOME:
        said = f"kept encrypted; to listen: {listen}"
    elif recording.store:
        said = f"kept encrypted in {recording.store}; to listen: {listen}"
    else:
        said = "not put away yet"
    return (said, f"held: {recording.hold}") if recording.hold else (said,)


def recording_json(recording: RecordingRow, names: Names) -> dict[str, Any]:
    """Return a recording as programs are shown it.

    Keys: call_id, folder, state (sealed, repaired, empty, missing, damaged), note, started_at, sealed_at
    (ISO 8601), duration_ms, sample_rate, store ("" not put away yet, "home", or a URL), hold ("" or why it must
    not be deleted), deleted_at (ISO 8601 or null), files: list of file, sha256 (as they were sealed, and as
    `yht recording export` gives them back).
    """
    return {
        "call_id": recording.call_id,
        "folder": recording.folder,
        "state": recording.state,
        "note": recording.note,
        "started_at": names.iso(recording.started_at),
        "sealed_at": names.iso(recording.sealed_at),
        "duration_ms": recording.duration_ms,
        "sample_rate": recording.sample_rate,
        "store": recording.store,
        "hold": recording.hold,
        "deleted_at": names.iso(recording.deleted_at),
        "files": [{"file": file, "sha256": sha256} for file, sha256 in files(recording)],
    }


def transcript_json(transcript: Transcript, names: Names) -> dict[str, Any]:
    """Return a transcript as programs are shown it.

    Keys: call_id, state (done, failed), language, engine, model, why, note, created_at (ISO 8601), audio_ms,
    took_ms, lines: list of speaker (citizen, agent), start_ms, end_ms (from the start of the recording), text,
    confidence (0 to 1).
    """
    return {
        "call_id": transcript.call_id,
        "state": transcript.state,
        "language": transcript.language,
        "engine": transcript.engine,
        "model": transcript.model,
        "why": transcript.why,
        "note": transcript.note,
        "created_at": names.iso(transcript.created_at),
        "audio_ms": transcript.audio_ms,
        "took_ms": transcript.took_ms,
        "lines": [
            {
                "speaker": line.speaker,
                "start_ms": line.segment.start_ms,
                "end_ms": line.segment.end_ms,
                "text": line.segment.text,
                "confidence": line.segment.confidence,
            }
            for line in transcript.lines
        ],
    }
