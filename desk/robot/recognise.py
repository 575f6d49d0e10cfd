"""Recognises a known clip in what a call brings: pure, by comparing waves.

What is compared is the end of the clip, in WINDOWS pieces of WINDOW_MS each: a busy machine loses or repeats
20 ms here and there, which no longer piece would outlive. A piece that was heard is like itself to a hundredth,
A-law and all; another voice, or the same one with other words, is not. Most pieces at the right distances are
the clip, and the last of them is its end. The last TAIL_MS may be missing: who plays a clip and hangs up takes
what is on its way with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from desk.phone.sound import FRAME_BYTES, RATE, SoundError, level_db

Wave = npt.NDArray[np.float64]

WINDOW_MS: Final = 120
WINDOWS: Final = 8
TAIL_MS: Final = 120
ALIKE: Final = 0.9
"""The least normalised correlation at which a piece counts as heard; chance reaches 0.75."""
SHARE: Final = 0.6
"""How many of the pieces must be heard."""
SLIP_MS: Final = 200
"""How far the pieces may have moved against each other."""
EVERY_FRAMES: Final = 8
"""How often the newest sound is compared, in frames."""
PATIENCE: Final = 3
"""How many comparisons the last piece is waited for, once there are enough of the others."""
QUIET_DB: Final = -45.0


def _samples(milliseconds: int) -> int:
    return milliseconds * RATE // 1000


def key_of(clip: bytes) -> tuple[Wave, ...]:
    """Return the pieces by which the end of a clip is known. Raises SoundError for a clip with nothing to hear."""
    end = len(clip) - len(clip) % FRAME_BYTES
    while end > 0 and level_db(clip[end - FRAME_BYTES : end]) < QUIET_DB:
        end -= FRAME_BYTES
    wave = np.frombuffer(clip[:end], dtype=np.int16).astype(np.float64)
    size = _samples(WINDOW_MS)
    if wave.size > WINDOWS * size + _samples(TAIL_MS):
        wave = wave[: -_samples(TAIL_MS)]
    wave = wave[-WINDOWS * size :]
    pieces = tuple(wave[at : at + size] for at in range(wave.size % size, wave.size, size))
    if not pieces:
        raise SoundError("the clip holds no sound that could be recognised")
    return pieces


@dataclass(frozen=True, slots=True)
class Found:
    """How much of a clip's end was heard: the share of its pieces, and whether the last is among them."""

    share: float = 0.0
    last: bool = False


def compare(key: tuple[Wave, ...], heard: bytes) -> Found:
    """Return how much of a clip's end is in `heard`."""
    sound = np.frombuffer(heard, dtype=np.int16).astype(np.float64)
    size = key[0].size
    if sound.size < size:
        return Found()
    length = 1 << (sound.size + size - 1).bit_length()
    spectrum = np.fft.rfft(sound, length)
    sums = np.concatenate(([0.0], np.cumsum(sound**2)))
    energy = sums[size:] - sums[:-size]
    quiet = size * (32768.0 * 10 ** (QUIET_DB / 20)) ** 2
    loud = [at for at, piece in enumerate(key) if float(np.dot(piece, piece)) > quiet]
    moved: dict[int, int] = {}
    for at in loud:
        piece = key[at]
        products = np.fft.irfft(spectrum * np.conj(np.fft.rfft(piece, length)), length)[: energy.size]
        # Where it was all but silent, a chance likeness of a few bits would count as much as a word.
        alike = products / np.sqrt(np.maximum(energy, quiet / 100)) / float(np.linalg.norm(piece))
        best = int(np.argmax(alike))
        if alike[best] >= ALIKE:
            moved[at] = best - at * size
    if not moved:
        return Found()
    middle = float(np.median(list(moved.values())))
    together = [at for at, by in moved.items() if abs(by - middle) <= _samples(SLIP_MS)]
    return Found(len(together) / len(loud), loud[-1] in together)


@dataclass(frozen=True)
class Recogniser:
    """Listens for one clip. Give it each frame with `hear`."""

    key: tuple[Wave, ...]
    recent: bytes = b""
    unread: int = 0
    almost: int = 0
    """How many comparisons ago enough of the clip was heard for the first time."""

    @classmethod
    def of(cls, clip: bytes) -> Recogniser:
        """Return one that listens for a clip. Raises SoundError."""
        return cls(key_of(clip))

    def hear(self, frame: bytes) -> tuple[Recogniser, bool]:
        """Take a frame; return the new state, and whether the clip was heard to its end."""
        longest = 2 * (len(self.key) * _samples(WINDOW_MS) + _samples(SLIP_MS)) + EVERY_FRAMES * FRAME_BYTES
        recent = (self.recent + frame)[-longest:]
        if self.unread + 1 < EVERY_FRAMES:
            return Recogniser(self.key, recent, self.unread + 1, self.almost), False
        found = compare(self.key, recent)
        enough = found.share >= SHARE
        almost = self.almost + 1 if enough or self.almost else 0
        return Recogniser(self.key, recent, 0, almost), (enough and found.last) or almost > PATIENCE

    def last(self) -> bool:
        """Return whether the clip was heard, when nothing more will come."""
        return self.almost > 0 or compare(self.key, self.recent).share >= SHARE
