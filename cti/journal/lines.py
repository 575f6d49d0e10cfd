"""Cuts Asterisk's journal into records and a record into its fields. Pure; bytes in, texts out.

Asterisk writes a record as JSON but escapes nothing except `"` (measured on 22.10.1): a caller id may bring raw
line ends, bytes that are no UTF-8, and backslashes, after which the text is no JSON any more, or JSON that means
something else. So neither `json` nor line ends are relied on. What does hold: inside a value every `"` has a
backslash before it. Hence `{"eventtype":"` begins a record and nothing else, `","dnid":"` separates two values
and nothing else, and no caller can forge a record.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

FIELDS: Final = (
    "eventtype",
    "eventenum",
    "userdeftype",
    "eventtime",
    "num",
    "dnid",
    "exten",
    "context",
    "channame",
    "uniqueid",
    "linkedid",
    "peer",
    "eventextra",
)
"""The keys of a record in their order; `fields` of config/templates/asterisk/cel_custom.conf.j2 says the same."""

MAX_RECORD: Final = 64 * 1024
"""Longest record that is read, in bytes. Asterisk's own are below 8 KiB."""

_START: Final = b'{"' + FIELDS[0].encode() + b'":"'
_OPENING: Final = _START.decode()
_SEPARATORS: Final = tuple((name, f'","{after}":"') for name, after in pairwise(FIELDS))
# The last value is empty or an object that Asterisk wrote as real JSON, so it ends in one of two ways.
_END: Final = re.compile(rb'["}]"\}(?=\r?\n)')


class JournalError(ValueError):
    """Bytes that are no record of the journal. The message tells nothing of what they hold."""


@dataclass(frozen=True, slots=True)
class Cut:
    """What a piece of the journal holds.

    `records` are whole, each without its line end. `used` is how many bytes need not be looked at again; what
    follows is the beginning of a record that is still being written. `broken` counts pieces that are none.
    """

    records: tuple[bytes, ...]
    used: int
    broken: int


def cut(piece: bytes) -> Cut:
    """Cut a piece of the journal that begins where a record or rubbish begins."""
    records: list[bytes] = []
    at = broken = 0
    while at < len(piece):
        if not piece.startswith(_START, at):
            at, rubbish, whole = _skip(piece, at)
            broken += rubbish
            if not whole:
                break
            continue
        begun_again = piece.find(_START, at + 1)
        limit = len(piece) if begun_again < 0 else begun_again
        end = _END.search(piece, at, min(limit, at + MAX_RECORD + 2))
        if end is not None:
            records.append(piece[at : end.end()])
            at = piece.index(b"\n", end.end()) + 1
        elif begun_again >= 0:  # its writer was killed in the middle of it
            broken += 1
            at = begun_again
        elif len(piece) - at > MAX_RECORD:
            broken += 1
            at = len(piece)
        else:
            break
    return Cut(tuple(records), at, broken)


def _skip(piece: bytes, at: int) -> tuple[int, int, bool]:
    """Where rubbish ends, whether it counts (1 or 0), and whether anything follows."""
    start = piece.find(_START, at)
    if start >= 0:
        return start, int(bool(piece[at:start].strip())), True
    # A record may have begun at the very end: what could be the beginning of one waits for more.
    keep = next((n for n in range(min(len(_START) - 1, len(piece) - at), 0, -1) if _ends(piece, n)), 0)
    end = len(piece) - keep
    if not piece[at:end].strip():
        return end, 0, False
    # Rubbish counts once, when its line ends or it is too long to be anything.
    line_end = piece.rfind(b"\n", at, end)
    if line_end >= 0:
        return line_end + 1, 1, line_end + 1 < len(piece)
    return (end, 1, False) if end - at > MAX_RECORD else (at, 0, False)


def _ends(piece: bytes, length: int) -> bool:
    return piece.endswith(_START[:length])


def fields(record: bytes) -> dict[str, str]:
    """Return the values of one record by key. Raises JournalError.

    Bytes that are no UTF-8 become U+FFFD.
    """
    if len(record) > MAX_RECORD:
        raise JournalError(f"a record of {len(record)} bytes; at most {MAX_RECORD} are read")
    text = record.rstrip(b"\r\n").decode("utf-8", "replace")
    if not text.startswith(_OPENING) or not text.endswith('"}'):
        raise JournalError("a record begins with its event type and ends with its extra data")
    values: dict[str, str] = {}
    at = len(_OPENING)
    for name, separator in _SEPARATORS:
        end = text.find(separator, at)
        if end < 0:
            raise JournalError(f"what follows on {name!r} is missing")
        values[name] = text[at:end]
        at = end + len(separator)
    if at > len(text) - 2:
        raise JournalError(f"{FIELDS[-1]!r} has no end")
    values[FIELDS[-1]] = text[at:-2]
    if "\\" in text:
        for name, value in values.items():
            if "\\" in value:
                values[name] = value.replace('\\"', '"')
    return values
