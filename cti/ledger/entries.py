"""What the stream of facts holds, read with suspicion: entries into facts that SQL can store. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cti import widths
from cti.facts import Fact, FactError, decode

FIELD: Final = "f"
_WIDTHS: Final = {
    "fact_id": widths.FACT_ID,
    "kind": widths.KIND,
    "call_id": widths.CALL_ID,
    "leg": widths.CALL_ID,
    "node": widths.NODE,
}
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
"""PostgreSQL keeps no NUL, and half of a surrogate pair is no text in any encoding."""


@dataclass(frozen=True, slots=True)
class Good:
    """One entry that tells a fact."""

    entry_id: str
    fact: Fact


@dataclass(frozen=True, slots=True)
class Poison:
    """One entry that tells none; `error` says why, `text` is what it holds."""

    entry_id: str
    text: str
    error: str


def read(
    entries: Iterable[tuple[str, Mapping[str, str] | None]],
) -> tuple[tuple[Good, ...], tuple[Poison, ...]]:
    """Return what can be stored and what can not. An entry that was deleted meanwhile is neither."""
    good: list[Good] = []
    bad: list[Poison] = []
    for entry_id, values in entries:
        if values is None:
            continue
        text = values.get(FIELD, "")
        try:
            fact = decode(text)
            _storable(fact, text)
        except FactError as error:
            bad.append(Poison(entry_id, text, str(error)))
        else:
            good.append(Good(entry_id, fact))
    return tuple(good), tuple(bad)


def _storable(fact: Fact, text: str) -> None:
    for name, most in _WIDTHS.items():
        if len(value := getattr(fact, name)) > most:
            raise FactError(f"{name!r} has {len(value)} characters; at most {most} are kept")
    if "\\u" not in text and (text.isascii() or not _UNSTORABLE.search(text)):
        return  # JSON holds a NUL and half of a pair only escaped; most texts escape nothing
    for name in _WIDTHS:
        if _UNSTORABLE.search(getattr(fact, name)):
            raise FactError(f"{name!r} holds a character that no database keeps")
    for name, value in fact.data.items():
        if _UNSTORABLE.search(name) or (isinstance(value, str) and _UNSTORABLE.search(value)):
            raise FactError(f"'data.{name[:40]}' holds a character that no database keeps")
