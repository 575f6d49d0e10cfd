"""Whether a request repeats an earlier one: the same citizen and the same matter, with the evidence. Pure.

How alike two requests are comes from the pairs of characters that their words share (Dice's coefficient), from
their addresses, and from how near they are in time.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_DAY: Final = 86_400_000_000
_TEXT, _ADDRESS, _TIME = 65, 25, 10
"""What each counts for, in percent; without two addresses the words count for theirs."""
_MOST: Final = 2000
"""Characters of a text that are compared; what a request is about stands at its beginning."""


@dataclass(frozen=True, slots=True)
class Matter:
    """One request: who, what, where, when (µs). `numbers` are the citizen's telephone numbers."""

    case: str
    numbers: frozenset[str]
    text: str
    address: str
    at: int
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """An earlier request that is like the new one. `percent` 0 to 100; `evidence` says why, for a person."""

    case: str
    percent: int
    evidence: str


def matches(new: Matter, earlier: Iterable[Matter], days: int) -> tuple[Match, ...]:
    """Return the same citizen's requests of so many days before, the most alike first."""
    found = [
        _compare(new, one, days)
        for one in earlier
        if one.case != new.case and one.numbers & new.numbers and 0 <= new.at - one.at <= days * _DAY
    ]
    return tuple(sorted(found, key=lambda match: (-match.percent, match.case)))


def _compare(new: Matter, old: Matter, days: int) -> Match:
    words = likeness(new.text, old.text)
    apart = (new.at - old.at) // _DAY
    near = 1 - (new.at - old.at) / (days * _DAY)
    told = [f"words {round(words * 100)} %"]
    share = words * _TEXT + near * _TIME
    if new.address and old.address:
        place = likeness(new.address, old.address)
        share += place * _ADDRESS
        told.append(f"address {round(place * 100)} %")
    else:
        share += words * _ADDRESS
    told.append("the same day" if not apart else f"{apart} day{'' if apart == 1 else 's'} apart")
    return Match(old.case, round(share), "the same caller; " + ", ".join(told))


def likeness(one: str, other: str) -> float:
    """Return how alike two texts are, 0 to 1, whatever their punctuation and width."""
    first, second = _pairs(one), _pairs(other)
    total = first.total() + second.total()
    return 2 * (first & second).total() / total if total else 0.0


def _pairs(text: str) -> Counter[str]:
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKC", text[:_MOST]).casefold()
        if unicodedata.category(letter)[0] in "LN"
    )
    if len(plain) == 1:
        return Counter([plain])
    return Counter(plain[place : place + 2] for place in range(len(plain) - 1))
