"""The music that a waiting citizen hears, composed here so that nobody's rights come with it.

A slow pentatonic tune (宫商角徵羽 on C) over open fifths, plucked softly, 64 s long, looped by Asterisk. A city
that has music of its own puts it beside or in place of the file (`opt/music`, docs/seams.md).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

RATE = 8000
BEAT_SECONDS = 0.5
PEAK = 0.25
"""Of full scale: music lies well under the voice of a prompt, about -12 dB."""

_C4 = 261.63
_SCALE = {name: _C4 * 2 ** (step / 12) for name, step in zip("CDEGA", (0, 2, 4, 7, 9), strict=True)}
_SCALE |= {name.lower(): pitch * 2 for name, pitch in _SCALE.items()}

# One letter a beat, lower case an octave up, "-" holds, "." rests; four phrases: call, answer, turn, home.
_TUNE = (
    "E-G-A-c-A-G-E---D-E-G-E-D-C-D---"
    "E-G-A-c-d-c-A---G-A-c-A-G-E-D---"
    "c-d-e-d-c-A-G---A-c-A-G-E-D-E---"
    "G-E-D-C-D-E-G---E-D-C-A-C---....-"
)
_BASS = "C---G---A---E---D---G---C---G---" * 4

Samples = npt.NDArray[np.float64]


def _pluck(pitch: float, seconds: float, brightness: float) -> Samples:
    """One note of a plucked string: few overtones, the higher the sooner gone."""
    time = np.arange(int(RATE * seconds)) / RATE
    tone = np.zeros_like(time)
    for overtone, level in enumerate((1.0, 0.5 * brightness, 0.25 * brightness, 0.1 * brightness), start=1):
        if pitch * overtone < RATE / 2:
            tone += level * np.sin(2 * np.pi * pitch * overtone * time) * np.exp(-time * 1.6 * overtone)
    attack = np.minimum(time / 0.008, 1.0)
    release = np.minimum((seconds - time) / 0.05, 1.0)
    played: Samples = tone * attack * release
    return played


def _play(score: str, brightness: float, octave: float, target: Samples) -> None:
    for beat, letter in enumerate(score):
        if letter in "-.":
            continue
        held = len(score[beat + 1 :]) - len(score[beat + 1 :].lstrip("-")) + 1
        note = _pluck(_SCALE[letter] * octave, (held + 1.5) * BEAT_SECONDS, brightness)
        start = int(beat * BEAT_SECONDS * RATE)
        note = note[: len(target) - start]
        target[start : start + len(note)] += note


def compose() -> Samples:
    """Return the tune as 8 kHz mono samples between -PEAK and PEAK; the same on every machine."""
    length = int(max(len(_TUNE), len(_BASS)) * BEAT_SECONDS * RATE)
    tune, bass = np.zeros(length), np.zeros(length)
    _play(_TUNE, 0.8, 1.0, tune)
    _play(_BASS, 0.3, 0.5, bass)
    mixed: Samples = tune + 0.6 * bass
    return mixed * (PEAK / float(np.max(np.abs(mixed))))


def build(folder: Path) -> Path:
    """Write the tune into `folder` as A-law (what trunks speak, so that playing it costs no transcoding).

    Does nothing when it is there. Returns the file. Raises OSError where the folder can not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "waiting.alaw"
    if not target.exists():
        fresh = folder / f".waiting.{os.getpid()}"
        soundfile.write(fresh, compose(), RATE, format="RAW", subtype="ALAW")
        fresh.replace(target)
    return target
