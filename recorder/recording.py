"""What a sealed recording is: its sides, its state, who was on which side when. Pure.

The index (`index.json`, beside the sides) is this in JSON. Times inside a recording are milliseconds from its
start; `started_at` and `sealed_at` are microseconds since the epoch, UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from cti.facts import Fact

Speaker = Literal["citizen", "agent"]
State = Literal["sealed", "repaired", "empty", "missing", "damaged"]
"""sealed: whole. repaired: the header was mended after a kill. empty: a side without samples. missing: a side
has no file. damaged: a side can not be read; it is kept as it is."""

SPEAKERS: Final[tuple[Speaker, ...]] = ("citizen", "agent")
_WORST_LAST: Final[tuple[State, ...]] = ("sealed", "repaired", "empty", "missing", "damaged")
INDEX_VERSION: Final = 1
DRIFT_MS: Final = 500
"""The sides are written together; a larger difference of their lengths is worth telling."""


class BrokenIndexError(ValueError):
    """index.json can not be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the call. `silent`: no sample above the noise of a quiet line."""

    speaker: Speaker
    state: State
    note: str = ""
    sha256: str = ""
    size: int = 0
    duration_ms: int = 0
    sample_rate: int = 0
    silent: bool = False

    @property
    def file(self) -> str:
        """The file's name in the recording's folder."""
        return f"{self.speaker}.wav"


@dataclass(frozen=True, slots=True)
class Part:
    """One agent on the agent's side, from the answer to the end of the talk."""

    agent: str
    seat: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A closed recording of one contact."""

    call_id: str
    folder: str
    started_at: int
    sealed_at: int
    sides: tuple[Side, ...]
    parts: tuple[Part, ...]

    @property
    def state(self) -> State:
        """The worse of the two sides' states."""
        return max((side.state for side in self.sides), key=_WORST_LAST.index)

    @property
    def duration_ms(self) -> int:
        """The longer side."""
        return max((side.duration_ms for side in self.sides), default=0)

    @property
    def sample_rate(self) -> int:
        """Samples a second of the first side that has any; 0 if none has."""
        return next((side.sample_rate for side in self.sides if side.sample_rate), 0)

    @property
    def note(self) -> str:
        """What a person should know about it, one sentence a finding."""
        notes = [f"{side.file}: {side.note}" for side in self.sides if side.note]
        lengths = [side.duration_ms for side in self.sides if side.duration_ms]
        if len(lengths) > 1 and max(lengths) - min(lengths) > DRIFT_MS:
            notes.append(f"the sides differ by {max(lengths) - min(lengths)} ms")
        return "; ".join(notes)

    def side(self, speaker: Speaker) -> Side:
        """Return one side."""
        return next(side for side in self.sides if side.speaker == speaker)


def parts(facts: Iterable[Fact], started_at: int, duration_ms: int) -> tuple[Part, ...]:
    """Return who was on the agent's side when, from the facts of the call in any order.

    A talk begins with `answered` and ends with the `offer_ended` of the same offer, or with the recording
    where that fact is not there (a killed Asterisk).
    """
    ordered = sorted(facts, key=lambda fact: fact.at)
    ends = {str(fact.data["offer"]): fact.at for fact in ordered if fact.kind == "offer_ended"}
    found = []
    for fact in ordered:
        if fact.kind != "answered":
            continue
        begin = _inside(fact.at, started_at, duration_ms)
        end = ends.get(str(fact.data["offer"]))
        to = duration_ms if end is None else _inside(end, started_at, duration_ms)
        if to > begin:
            found.append(Part(str(fact.data["agent"]), str(fact.data["seat"]), begin, to))
    return tuple(found)


def _inside(at: int, started_at: int, duration_ms: int) -> int:
    return min(max((at - started_at) // 1000, 0), duration_ms)


def started_at(facts: Iterable[Fact]) -> int | None:
    """When the recording began: the first `recording_started`; None where no such fact is known."""
    return min((fact.at for fact in facts if fact.kind == "recording_started"), default=None)


def encode(recording: Recording) -> str:
    """The recording as the text of index.json."""
    body = {"version": INDEX_VERSION, "state": recording.state, "note": recording.note, **asdict(recording)}
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def decode(text: str) -> Recording:
    """The recording that an index.json tells. Raises BrokenIndexError."""
    try:
        raw: Mapping[str, Any] = json.loads(text)
        if (version := raw["version"]) != INDEX_VERSION:
            raise KeyError(f"version {version!r}; {INDEX_VERSION} is known here")
        return Recording(
            call_id=raw["call_id"],
            folder=raw["folder"],
            started_at=raw["started_at"],
            sealed_at=raw["sealed_at"],
            sides=tuple(Side(**side) for side in raw["sides"]),
            parts=tuple(Part(**part) for part in raw["parts"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenIndexError(f"index.json can not be read: {error}") from error
