"""What a robot found: how its script went, when what happened, how much was heard and said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from desk.phone.sound import FLOOR_DB, FRAME_MS, power_db

AUDIBLE_DB = -60.0
"""From this level on a frame counts as sound at all."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much sound went one way. `ms` is all of it, `sound_ms` what was no silence, `level_db` its level."""

    ms: int = 0
    sound_ms: int = 0
    level_db: float = FLOOR_DB
    peak_db: float = FLOOR_DB


@dataclass
class Meter:
    """Adds frames up to an Amount."""

    ms: int = 0
    sound_ms: int = 0
    power: float = 0.0
    peak_db: float = FLOOR_DB

    def add(self, level_db: float) -> None:
        """Count one frame of this level."""
        self.ms += FRAME_MS
        self.peak_db = max(self.peak_db, level_db)
        if level_db > AUDIBLE_DB:
            self.sound_ms += FRAME_MS
            self.power += 10 ** (level_db / 10)

    def amount(self) -> Amount:
        """Return the sum."""
        if not self.sound_ms:
            return Amount(ms=self.ms, peak_db=round(self.peak_db, 1))
        mean = self.power * FRAME_MS / self.sound_ms
        level = power_db(mean * 32768.0**2)
        return Amount(self.ms, self.sound_ms, round(level, 1), round(self.peak_db, 1))


@dataclass(frozen=True, slots=True)
class StepTime:
    """When one step began and ended, milliseconds since the robot's start; `ended_ms` None: it did not."""

    step: str
    began_ms: int
    ended_ms: int | None


@dataclass(frozen=True)
class Report:
    """The whole of it. `failure` is "" if the script went as written.

    `timings_ms` counts from the robot's start: dialed, ringing, answered, first_audio, first_speech, ended;
    what did not happen is not in it. `call_id`, `hotline` and `dialed_number` are what an agent's INVITE said.
    """

    actor: str
    failure: str
    timings_ms: Mapping[str, int]
    heard: Amount
    said: Amount
    steps: tuple[StepTime, ...] = ()
    digits: str = ""
    call_id: str = ""
    hotline: str = ""
    dialed_number: str = ""
    recordings: Mapping[str, Path] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the script went as written."""
        return not self.failure

    def as_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "ok": self.ok,
            **asdict(self),
            "recordings": {name: str(path) for name, path in self.recordings.items()},
        }
