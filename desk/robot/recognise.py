"""Recognises a known clip in what a call brings: pure, by comparing waves.

What is compared is the end of the clip, KEY_MS of it with a voice in them: when that was heard, the clip was
heard to its end. A-law costs little likeness; another voice, or the same one with other words, has next to
none. The last TAIL_MS may be missing: who plays a clip and hangs up takes what is on its way with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from desk.phone.sound import FRAME_BYTES, RATE, SoundError, level_db

Wave = npt.NDArray[np.float64]

KEY_MS: Final = 600
TAIL_MS: Final = 120
LIKE: Final = 0.7
"""The least likeness (normalised correlation, 0 to 1) that counts: half of the key was heard, or all of it with
a slip of the jitter buffer in its middle. Unrelated speech stays below 0.2."""
QUIET_DB: Final = -45.0
EVERY_FRAMES: Final = 8
"""How often the newest sound is compared, in frames."""


def _bytes(milliseconds: int) -> int:
    return milliseconds * RATE // 1000 * 2


def key_of(clip: bytes) -> bytes:
    """Return the part of a clip by which its end is known. Raises SoundError for a clip with nothing to hear."""
    end = len(clip) - len(clip) % FRAME_BYTES
    while end > 0 and level_db(clip[end - FRAME_BYTES : end]) < QUIET_DB:
        end -= FRAME_BYTES
    if end > _bytes(KEY_MS):
        end -= _bytes(TAIL_MS)
    key = clip[max(0, end - _bytes(KEY_MS)) : end]
    if len(key) < FRAME_BYTES * 5:
        raise SoundError("the clip holds no sound that could be recognised")
    return key


def likeness(key: bytes, heard: bytes) -> float:
    """Return how much of `heard`, at its best place, is like the key: 0 (not at all) to 1 (the same)."""
    pattern, sound = _wave(key), _wave(heard)
    if sound.size < pattern.size or not (norm := float(np.linalg.norm(pattern))):
        return 0.0
    size = 1 << (sound.size + pattern.size - 1).bit_length()
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(pattern, size))
    found: Wave = np.fft.irfft(spectrum, size)[: sound.size - pattern.size + 1]
    sums = np.concatenate(([0.0], np.cumsum(sound**2)))
    energy = sums[pattern.size :] - sums[: -pattern.size]
    # Where it was all but silent, a chance likeness of a few bits would count as much as a word.
    floor = norm**2 * 0.01
    return float(np.max(found / np.sqrt(np.maximum(energy, floor)) / norm, initial=0.0))


def _wave(samples: bytes) -> Wave:
    return np.frombuffer(samples, dtype=np.int16).astype(np.float64)


@dataclass(frozen=True)
class Recogniser:
    """Listens for one clip. Give it each frame with `hear`."""

    key: bytes
    recent: bytes = b""
    unread: int = 0

    @classmethod
    def of(cls, clip: bytes) -> Recogniser:
        """Return one that listens for a clip. Raises SoundError."""
        return cls(key_of(clip))

    def hear(self, frame: bytes) -> tuple[Recogniser, float]:
        """Take a frame; return the new state and the likeness found (0 where nothing was compared)."""
        longest = len(self.key) + (EVERY_FRAMES + 2) * FRAME_BYTES
        recent = (self.recent + frame)[-longest:]
        unread = self.unread + 1
        if unread < EVERY_FRAMES:
            return Recogniser(self.key, recent, unread), 0.0
        return Recogniser(self.key, recent, 0), likeness(self.key, recent)

    def last(self) -> float:
        """Return the likeness of what was heard last, when nothing more will come."""
        return likeness(self.key, self.recent) if self.unread else 0.0
