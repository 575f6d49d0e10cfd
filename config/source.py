"""Reads one YAML file of a city as plain data that knows its lines; refuses what a configuration never needs.

YAML is read as its 1.2 core schema and less: no anchors, no aliases, no tags, no second document, no key
twice, bounded in size and depth. So a file means what a person reads in it, whoever wrote it.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import O_CLOEXEC, O_NONBLOCK, O_RDONLY, fdopen, fstat
from os import open as os_open
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from config.problems import Problem

MAX_BYTES = 1_000_000
"""Of one file; the longest file of a large city has a tenth."""

MAX_DEPTH = 12
"""Of lists and mappings inside each other; the schema needs five."""

MAX_PROBLEMS = 200
"""Told of one file; whoever mends these sees the rest."""

Step = str | int
Inside = tuple[Step, ...]
"""A place inside a document: ("agents", 2, "queues")."""

_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{1,18}")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class Unreadable(Exception):
    """A file that can not be read at all; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


@dataclass
class Document:
    """One file as data. `lines` and `written` hold, by place inside, where a value stands and how it is spelt."""

    file: str
    value: Any = None
    lines: dict[Inside, int] = field(default_factory=dict)
    written: dict[Inside, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    spoilt: set[Inside] = field(default_factory=set)
    """Places whose value is not what the file's author meant; what else is wrong with it says nothing."""

    def line(self, inside: Inside) -> int:
        """Return the line of a place, of what is around it where it is not in the file."""
        while inside not in self.lines and inside:
            inside = inside[:-1]
        return self.lines.get(inside, 1)

    def problem(self, inside: Inside, what: str, remedy: str, line: int = 0) -> None:
        """Note that something is wrong there."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(
                Problem(
                    self.file, line or self.line(inside), spelt(inside), _one_line(what), _one_line(remedy)
                )
            )


def spelt(inside: Inside) -> str:
    """Return a place as people write it: agents[2].queues."""
    path = ""
    for step in inside:
        name = f"[{step}]" if isinstance(step, int) else shown(step, 40)
        path += name if isinstance(step, int) or not path else f".{name}"
    return path


def shown(value: object, longest: int = 60) -> str:
    """Return a value as it may stand in a sentence: one line, nothing unprintable, not too long."""
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value)[: longest + 1])
    return text if len(text) <= longest else text[:longest] + "…"


def read(folder: Path, file: str) -> Document:
    """Read `file` (relative to the city's folder). Raises Unreadable."""
    return parse(file, _text(folder, file))


def parse(file: str, text: str) -> Document:
    """Read a text as YAML; problems that leave the rest readable are in the document. Raises Unreadable."""
    document = Document(file, lines={(): 1})
    builder = _Builder(document)
    try:
        builder.build(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what, remedy = _plainly(f"{error.context or ''} {error.problem or ''}")
        raise _unreadable(file, mark.line + 1 if mark else 0, what, remedy) from error
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise _unreadable(
            file, line, "holds a character that YAML does not allow", "write plain UTF-8 text"
        ) from error
    except (ValueError, OverflowError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
        # The parser trips over some rubbish, such as an escape beyond Unicode, in ways of its own.
        raise _unreadable(
            file, document.line(builder.inside), "is not YAML", "see what stands on this line and after it"
        ) from error
    return document


_COMMON = (
    ("'\\t' that cannot start", "is not YAML: a tab stands where a text must begin", "indent with spaces"),
    (
        "expected <block end>",
        "is not YAML: it does not follow from the lines before it",
        "indent it as the lines of the same kind above, and see that quotes before it are closed",
    ),
    (
        "mapping values are not allowed",
        "is not YAML: a name and its value stand where none may",
        "see how it and the line before it are indented, and put texts that hold a colon into quotes",
    ),
    ("unexpected end of stream", "is not YAML: a quote or a bracket is never closed", "close it"),
    ("could not find expected ':'", "is not YAML: a name has no colon after it", "write name: value"),
)


def _plainly(said: str) -> tuple[str, str]:
    """Return what the parser said of a text, and what would be right, for people who do not write parsers."""
    for sign, what, remedy in _COMMON:
        if sign in said:
            return what, remedy
    return f"is not YAML: {shown(_one_line(said), 160)}", "see how it and the lines around it are written"


def _one_line(text: str) -> str:
    return shown(" ".join(text.split()), 300)


def _unreadable(file: str, line: int, what: str, remedy: str) -> Unreadable:
    return Unreadable(Problem(file, line, "", _one_line(what), remedy))


def _text(folder: Path, file: str) -> str:
    path = folder / file
    try:
        within = path.resolve().is_relative_to(folder.resolve())
        if not within:
            raise _unreadable(
                file, 0, "is a link to outside of the city's folder", "put the file itself here"
            )
        # Not blocking: a pipe with nobody at its other end must not hold the platform.
        descriptor = os_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        with fdopen(descriptor, "rb") as opened:
            if not stat.S_ISREG(fstat(descriptor).st_mode):
                raise _unreadable(file, 0, "is no ordinary file", "put a text file here")
            data = opened.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _unreadable(file, 0, "is missing", "copy it from config/sample_city and adapt it") from error
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "its links go round in a circle"
        raise _unreadable(file, 0, f"can not be read: {reason}", "let the platform's user read it") from error
    if len(data) > MAX_BYTES:
        raise _unreadable(
            file, 0, f"is larger than {MAX_BYTES // 1_000_000} MB", "keep configuration, not data, in it"
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(
            file, line, "is not UTF-8", "save the file as UTF-8 (often it is GB18030)"
        ) from error


class _Builder:
    """Turns the parser's events into data, keeping lines; `inside` is the place being read."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.inside: Inside = ()

    def build(self, events: Iterator[Event]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._refuse(
                        event, "holds a second document after a line ---", "keep one document in a file"
                    )
            elif isinstance(event, NodeEvent):
                self.document.value = self._node(event, events, ())

    def _refuse(self, event: Event, what: str, remedy: str) -> Unreadable:
        return _unreadable(self.document.file, event.start_mark.line + 1, what, remedy)

    def _node(self, event: NodeEvent, events: Iterator[Event], inside: Inside) -> Any:
        self.inside = inside
        line = event.start_mark.line + 1
        self.document.lines.setdefault(inside, line)
        self._plain(event, inside, line)
        if len(inside) >= MAX_DEPTH and not isinstance(event, ScalarEvent):
            raise self._refuse(event, f"is nested deeper than {MAX_DEPTH} levels", "a city's files need five")
        if isinstance(event, ScalarEvent):
            return self._scalar(event, inside, line)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, inside)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, inside)
        return None

    def _plain(self, event: NodeEvent, inside: Inside, line: int) -> None:
        tag = getattr(event, "tag", None)
        if isinstance(event, AliasEvent):
            what = f"refers to another place (*{shown(event.anchor)})"
            self._spoilt(inside, what, "write the value itself here", line)
        elif event.anchor is not None:
            what = f"is given a name to refer to (&{shown(event.anchor)})"
            self.document.problem(inside, what, "leave the & name out", line)
        if tag is not None:
            self._spoilt(inside, f"has a type tag ({shown(tag)})", "leave the tag out", line)

    def _spoilt(self, inside: Inside, what: str, remedy: str, line: int) -> None:
        self.document.problem(inside, what, remedy, line)
        self.document.spoilt.add(inside)

    def _scalar(self, event: ScalarEvent, inside: Inside, line: int) -> Any:
        text: str = event.value
        self.document.written[inside] = text
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self._spoilt(inside, "holds half a character", "write the character itself", line)
            return None
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _sequence(self, events: Iterator[Event], inside: Inside) -> list[Any]:
        found: list[Any] = []
        for event in events:
            if isinstance(event, SequenceEndEvent):
                break
            assert isinstance(event, NodeEvent)  # noqa: S101  what a parser of YAML gives
            found.append(self._node(event, events, (*inside, len(found))))
        return found

    def _mapping(self, events: Iterator[Event], inside: Inside) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, MappingEndEvent):
                break
            if not isinstance(event, ScalarEvent):
                raise self._refuse(
                    event, "has a list or a mapping for a name", "write a plain name before the :"
                )
            line = event.start_mark.line + 1
            key: str = event.value
            self._plain(event, (*inside, key), line)
            place = (*inside, key)
            value = next(events)
            assert isinstance(value, NodeEvent)  # noqa: S101
            if any("\ud800" <= letter <= "\udfff" for letter in key):
                raise self._refuse(event, "has a name with half a character in it", "write plain text")
            if key in found:
                first = self.document.lines[place]
                self.document.problem(
                    place, f"stands here and on line {first} already", "keep one of the two", line
                )
                _Builder(Document(self.document.file, lines={place: line}))._node(value, events, place)
                continue
            self.document.lines[place] = line
            found[key] = self._node(value, events, place)
        return found
