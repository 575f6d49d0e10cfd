"""Recordings and transcripts as they are shown, and whether a recording is still what was sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cti.app.views.words import Names
from recorder import seal
from recorder.recording import SPEAKERS, decode
from recorder.tables import RecordingRow
from recorder.transcript import Transcript


def files(recording: RecordingRow) -> tuple[tuple[str, str], ...]:
    """Return the files of a recording, relative to the folder of recordings, each with its SHA-256 ("" if none)."""
    hashes = {"citizen": recording.sha256_citizen, "agent": recording.sha256_agent}
    return tuple((f"{recording.folder}/{speaker}.wav", hashes[speaker]) for speaker in SPEAKERS)


def faults(root: Path, recording: RecordingRow) -> tuple[str, ...]:
    """Return in what a recording is no longer what was sealed, a sentence each; () if it is whole.

    The files are compared with their index, and the index with the database, so that whoever changes both files
    and index is found out too. `root` is the folder of recordings.
    """
    folder = root / recording.folder
    found = seal.verify(folder).faults
    if found:
        return found
    index = decode((folder / seal.INDEX).read_text(encoding="utf-8"))
    stored = {"citizen": recording.sha256_citizen, "agent": recording.sha256_agent}
    return tuple(
        f"{side.file} and its index have changed: SHA-256 {side.sha256[:12]}…, "
        f"in the database {stored[side.speaker][:12]}…"
        for side in index.sides
        if side.sha256 != stored[side.speaker]
    )


def recording_json(recording: RecordingRow, names: Names) -> dict[str, Any]:
    """Return a recording as programs are shown it.

    Keys: call_id, folder, state (sealed, repaired, empty, missing, damaged), note, started_at, sealed_at
    (ISO 8601), duration_ms, sample_rate, files: list of file, sha256.
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
