"""Writes journals as a real Asterisk does, made of calls that a real one told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cti.facts import Fact
from cti.journal import cut, translate

CORPUS = Path(__file__).parents[1] / "unit" / "journal_corpus"
_ID = re.compile(rb"n1-[0-9]+\.([0-9]+)")


def records(name: str, call: int = 0) -> list[bytes]:
    """The records of a captured call, each with its line end; another `call` has other ids."""
    found = cut((CORPUS / f"{name}.json").read_bytes()).records
    return [_ID.sub(rb"n1-%d.\1" % (1795600000 + call), record) + b"\n" for record in found]


def many(calls: int) -> Iterator[bytes]:
    """The records of many calls of all kinds, interleaved as they would be."""
    names = ("answered", "abandoned", "returned_then_answered", "static_queue", "hung_up_while_ringing")
    told = [records(names[call % len(names)], call) for call in range(calls)]
    for start in range(0, calls, 10):
        group = told[start : start + 10]
        for place in range(max(map(len, group))):
            yield from (lines[place] for lines in group if place < len(lines))


def facts_in(lines: Iterator[bytes] | list[bytes]) -> dict[str, Fact]:
    """What these records tell, by the id of the fact."""
    return {fact.fact_id: fact for line in lines for fact in translate(line)}


def append(journal: Path, *lines: bytes) -> None:
    """Write as Asterisk does: the file is opened by its name for each record."""
    for line in lines:
        with journal.open("ab", buffering=0) as file:
            file.write(line)


def rotate(journal: Path, name: str) -> Path:
    """Rename the journal's file, as logrotate does; the next record begins a new one."""
    return journal.rename(journal.with_name(name))


def write(journal: Path, lines: list[bytes]) -> None:
    """Put these records in the place of what the file holds; its inode stays."""
    journal.write_bytes(b"".join(lines))
