"""Closes a recording after its call: mends headers, hashes, writes the index, takes write permission away.

Every step can be repeated: a recording that was sealed is only checked, one that was left half-way is sealed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cti import files
from cti.facts import Fact
from recorder import wav
from recorder.recording import SPEAKERS, Part, Recording, Side, Speaker, decode, encode, parts, started_at

INDEX = "index.json"
PUT_AWAY = "archive.json"
"""Is there once the recording is in the vault (recorder.vault), which then answers for its sound."""
SEALED_MODE = 0o440
_BLOCK = 1024 * 1024
_QUIET = 60
"""Largest sample, of 32767, on a line where nobody speaks; A-law's idle codes stay below."""


class AlteredError(Exception):
    """A sealed recording is no longer what was sealed; the message says which file and how."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sealed recording is still what was sealed; `faults` says what is not."""

    folder: Path
    faults: tuple[str, ...]


def is_open(folder: Path) -> bool:
    """Whether a side is there whose writer has not closed it (it still writes, or was killed)."""
    return any(_is_open(folder / f"{speaker}.wav") for speaker in SPEAKERS)


def _is_open(file: Path) -> bool:
    try:
        return not _header(file).closed
    except (OSError, wav.WavError):
        return False


def _header(file: Path) -> wav.Header:
    with file.open("rb") as reader:
        return wav.read(reader.read(wav.HEAD_BYTES), os.fstat(reader.fileno()).st_size)


def newest_write(folder: Path) -> float:
    """When a side was last written to, seconds since the epoch; 0 where there is none."""
    files = (folder / f"{speaker}.wav" for speaker in SPEAKERS)
    return max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)


def seal(root: Path, folder: str, call_id: str, facts: Iterable[Fact], now: int) -> Recording:
    """Seal the recording in `root / folder` and return it; one sealed or put away before is returned as it was.

    `facts` are those of the call, `now` in microseconds. Raises AlteredError when a sealed recording has
    changed, OSError when the disk refuses.
    """
    place = root / folder
    index = place / INDEX
    if index.is_file():
        if (place / PUT_AWAY).is_file():
            return decode(index.read_text(encoding="utf-8"))
        if faults := verify(place).faults:
            raise AlteredError("; ".join(faults))
        return decode(index.read_text(encoding="utf-8"))
    known = tuple(facts)
    sides = tuple(_close(place, speaker) for speaker in SPEAKERS)
    longest = max(side.duration_ms for side in sides)
    began = started_at(known)
    if began is None:
        began = (int(newest_write(place) * 1000) - longest) * 1000 if place.is_dir() else now
    who: tuple[Part, ...] = parts(known, began, longest)
    recording = Recording(call_id, folder, began, now, sides, who)
    place.mkdir(parents=True, exist_ok=True)
    files.replace(index, encode(recording), SEALED_MODE, durable=True)
    return recording


def _close(place: Path, speaker: Speaker) -> Side:
    file = place / f"{speaker}.wav"
    if not file.is_file():
        return Side(speaker, "missing", "the file is not there")
    if file.stat().st_size == 0:
        file.chmod(SEALED_MODE)
        return Side(speaker, "empty", "the file is empty", _sha256(file))
    note, repaired = "", False
    try:
        header = _header(file)
        if patches := wav.repairs(header):
            file.chmod(0o640)
            with file.open("r+b") as writer:
                for at, data in patches:
                    writer.seek(at)
                    writer.write(data)
                os.fsync(writer.fileno())
            note = "its writer never closed it; the sizes in its header were mended"
            repaired = True
            header = _header(file)
    except wav.WavError as error:
        file.chmod(SEALED_MODE)
        return Side(speaker, "damaged", str(error), _sha256(file), file.stat().st_size)
    silent = header.present > 0 and _is_silent(file, header)
    if header.present == 0:
        note = "holds no samples"
    elif silent:
        note = "; ".join(filter(None, (note, "silent throughout")))
    file.chmod(SEALED_MODE)
    return Side(
        speaker,
        "empty" if header.present == 0 else "repaired" if repaired else "sealed",
        note,
        _sha256(file),
        file.stat().st_size,
        header.duration_ms,
        header.rate,
        silent,
    )


def _is_silent(file: Path, header: wav.Header) -> bool:
    """Whether nothing moves in it; a constant offset (a faulty line) is no sound."""
    highest, lowest = -(2**15), 2**15
    with file.open("rb") as reader:
        reader.seek(header.data_at)
        left = header.present
        while left > 0:
            block = reader.read(min(_BLOCK, left))
            left -= len(block)
            samples = np.frombuffer(block[: len(block) // 2 * 2], dtype="<i2")
            if not len(samples):
                break
            highest, lowest = max(highest, int(samples.max())), min(lowest, int(samples.min()))
            if highest - lowest > 2 * _QUIET:
                return False
    return True


def _sha256(file: Path) -> str:
    with file.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").hexdigest()


def verify(folder: Path) -> Verdict:
    """Compare a sealed recording with its index. Never raises for what it finds; it tells."""
    try:
        recording = decode((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Verdict(folder, ("not sealed: there is no index.json",))
    except (OSError, ValueError) as error:
        return Verdict(folder, (str(error),))
    faults = []
    for side in recording.sides:
        file = folder / side.file
        if side.state == "missing":
            if file.exists():
                faults.append(f"{side.file} has appeared since it was sealed")
        elif not file.is_file():
            faults.append(f"{side.file} is gone")
        else:
            try:
                found = _sha256(file)
            except OSError as error:
                faults.append(f"{side.file} can not be read: {error.strerror}")
                continue
            if found != side.sha256:
                faults.append(f"{side.file} has changed: SHA-256 {found[:12]}…, sealed {side.sha256[:12]}…")
    return Verdict(folder, tuple(faults))
