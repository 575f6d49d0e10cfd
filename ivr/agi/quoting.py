"""How text becomes one argument of an AGI command, or one of an application or of MSet: nothing breaks out.

AGI (res_agi.c, parse_args): an argument in double quotes, `\\` before `"` and `\\`. Applications (main/app.c,
__ast_app_separate_args): comma, quotes, brackets and `\\` have a meaning and lose it after a `\\`. Neither
substitutes `${...}` in what EXEC is given. All of it was held against Asterisk 22.10.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ivr.agi.errors import CommandError

MAX_COMMAND_BYTES: Final = 8_000
"""Asterisk reads 8 KiB of a command (measured: 8,190 bytes arrive)."""
MAX_PAIRS: Final = 90
"""MSet knows 99 variables; what comes after becomes part of the last one's value (measured)."""

_NAME: Final = re.compile(r"[A-Z]+( [A-Z]+)*")
_VARIABLE: Final = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]*")
_SPECIAL: Final = re.compile(r'([\\",()\[\]])')
_FORBIDDEN: Final = re.compile(r"[\r\n\0]")


def quote(text: str) -> str:
    """Return `text` as one argument of an AGI command. Raises CommandError on a line's end or NUL."""
    if _FORBIDDEN.search(text):
        raise CommandError("an argument holds an end of line or a NUL")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def escape(text: str) -> str:
    """Return `text` so that a dialplan application takes it as one argument, or a part of one."""
    return _SPECIAL.sub(r"\\\1", text)


def command_line(name: str, *arguments: str) -> bytes:
    """Return the line of a command. Raises CommandError."""
    if not _NAME.fullmatch(name):
        raise CommandError(f"{name[:40]!r} is no name of a command")
    try:
        line = " ".join((name, *map(quote, arguments))).encode() + b"\n"
    except UnicodeEncodeError:
        raise CommandError(f"{name}: an argument holds half a surrogate pair") from None
    if len(line) > MAX_COMMAND_BYTES:
        raise CommandError(f"{name}: {len(line)} bytes, at most {MAX_COMMAND_BYTES} are read")
    return line


def multiple_set(variables: Mapping[str, str]) -> Iterator[str]:
    """Return the arguments of MSet that set `variables`: one text, more only where Asterisk takes no more.

    Raises CommandError on a name that is no variable's, before anything is returned.
    """
    pairs = []
    for name, value in variables.items():
        if not _VARIABLE.fullmatch(name):
            raise CommandError(f"{name[:40]!r} is no name of a variable")
        pairs.append(f"{name}={escape(value)}")
    return _packed(pairs)


def _packed(pairs: list[str]) -> Iterator[str]:
    batch: list[str] = []
    size = 0
    for pair in pairs:
        # A backslash or quote is doubled once more on the line.
        length = len(quote(pair).encode("utf-8", "surrogatepass")) + 1
        if batch and (len(batch) == MAX_PAIRS or size + length > MAX_COMMAND_BYTES - 40):
            yield ",".join(batch)
            batch, size = [], 0
        batch.append(pair)
        size += length
    if batch:
        yield ",".join(batch)
