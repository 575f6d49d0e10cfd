"""A day's manifest: one line for each recording sealed or deleted, each with the hash of the line before. Pure.

Whoever removes, changes or reorders a line breaks the hashes after it; whoever cuts off the end is found out by
the database, which keeps each recording's own hash. The first line of a day names a line of an earlier day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

What = Literal["sealed", "deleted"]
GENESIS: Final = "0" * 64
"""What the first line of all follows."""


class BrokenLineError(ValueError):
    """A line of a manifest can not be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at` in microseconds; `sha256_*` of each side's file ("" if none), `index` of index.json.

    `why` is the reason of a deletion and `by` who did it; both "" for what was sealed.
    """

    number: int
    what: What
    at: int
    call_id: str
    folder: str
    state: str
    sha256_citizen: str
    sha256_agent: str
    index: str
    why: str = ""
    by: str = ""
    previous: str = GENESIS
    hash: str = ""


def digest(entry: Entry) -> str:
    """Return the hash of a line: SHA-256 over its JSON without the hash itself."""
    body = {name: value for name, value in asdict(entry).items() if name != "hash"}
    return hashlib.sha256(_json(body).encode()).hexdigest()


def linked(entry: Entry, last: Entry | None, earlier: str = GENESIS) -> Entry:
    """Return an entry as the next of its day: after `last`, else after the hash `earlier` of an earlier day."""
    follows = replace(
        entry, number=last.number + 1 if last else 1, previous=last.hash if last else earlier, hash=""
    )
    return replace(follows, hash=digest(follows))


def encode(entry: Entry) -> str:
    """Return an entry as a line."""
    return _json(asdict(entry)) + "\n"


def decode(line: str) -> Entry:
    """Return the entry of a line. Raises BrokenLineError."""
    try:
        raw: dict[str, Any] = json.loads(line)
        entry = Entry(**raw)
        if not isinstance(entry.number, int) or entry.what not in ("sealed", "deleted"):
            raise ValueError("its number or its kind is none")
        if not all(
            isinstance(value, str) for name, value in raw.items() if name not in ("number", "at")
        ) or not isinstance(entry.at, int):
            raise ValueError("its values are of another kind")
    except (ValueError, TypeError) as error:
        raise BrokenLineError(f"it is no entry: {error}") from error
    return entry


def read(text: str) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Return the entries of a manifest that can be read, and what is wrong with the chain, a sentence each."""
    entries: list[Entry] = []
    faults: list[str] = []
    for at, line in enumerate(text.splitlines(), start=1):
        try:
            entry = decode(line)
        except BrokenLineError as error:
            faults.append(f"line {at}: {error}")
            continue
        if digest(entry) != entry.hash:
            faults.append(f"line {at}: the entry of call {entry.call_id} was changed after it was written")
        elif entries and entry.previous != entries[-1].hash:
            said = f"line {at}: entry {entry.number} does not follow entry {entries[-1].number}"
            faults.append(f"{said}: an entry was removed, added or moved")
        elif not entries and entry.number != 1:
            faults.append(
                f"line {at}: the day begins with entry {entry.number}: those before it were removed"
            )
        entries.append(entry)
    return tuple(entries), tuple(faults)


def standing(entries: Iterable[Entry]) -> tuple[dict[str, Entry], dict[str, Entry]]:
    """Return what is to be there and what is to be gone, by call: the sealed and the deleted."""
    there: dict[str, Entry] = {}
    gone: dict[str, Entry] = {}
    for entry in entries:
        if entry.what == "sealed":
            there[entry.call_id] = entry
        else:
            there.pop(entry.call_id, None)
            gone[entry.call_id] = entry
    return there, gone


def doubles(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the calls that a manifest has sealed twice."""
    seen: set[str] = set()
    twice = []
    for entry in entries:
        if entry.what == "sealed":
            if entry.call_id in seen:
                twice.append(entry.call_id)
            seen.add(entry.call_id)
    return tuple(twice)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
