"""Hears when somebody speaks: a pure voice activity detector over the levels of 20 ms frames.

A frame counts as voice if it is louder than a fixed level and stands clear of the noise that was there before.
Speech starts after some voice in a row, and ends after some quiet in a row, so that neither a click nor the
gap between two words counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from desk.phone.sound import FLOOR_DB, FRAME_MS

Change = Literal["started", "ended"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What counts as speech. Levels in dBFS, times in milliseconds."""

    loud_db: float = -45.0
    """A frame must be louder than this to start speech; speech goes on down to `hysteresis_db` below it."""
    hysteresis_db: float = 6.0
    above_noise_db: float = 10.0
    """How far voice stands above the noise of the line."""
    noise_rise_db_per_second: float = 3.0
    """How fast the idea of the noise follows a line that grows louder; a quieter one is followed at once."""
    start_ms: int = 60
    stop_ms: int = 240


@dataclass(frozen=True, slots=True)
class Vad:
    """What was heard so far."""

    tuning: Tuning = Tuning()
    speaking: bool = False
    run_ms: int = 0
    """How long it has sounded like the other state."""
    noise_db: float = FLOOR_DB

    def hear(self, level: float) -> tuple[Vad, Change | None]:
        """Take the level of the next frame; return the new state, and what changed by it."""
        tuning = self.tuning
        threshold = max(tuning.loud_db, self.noise_db + tuning.above_noise_db)
        if self.speaking:
            threshold -= tuning.hysteresis_db
        voice = level > threshold
        noise = self.noise_db
        if not voice:
            rise = tuning.noise_rise_db_per_second * FRAME_MS / 1000
            noise = min(level, noise + rise) if level > noise else level
        if voice == self.speaking:
            return replace(self, run_ms=0, noise_db=noise), None
        run = self.run_ms + FRAME_MS
        if run < (tuning.stop_ms if self.speaking else tuning.start_ms):
            return replace(self, run_ms=run, noise_db=noise), None
        changed: Change = "ended" if self.speaking else "started"
        return replace(self, speaking=not self.speaking, run_ms=0, noise_db=noise), changed
