"""Reads the script of a robot: YAML, checked whole, every problem told with its line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from config.problems import ConfigError, Problem
from config.schema.base import Extension, Id, Model, written
from config.sentences import did_you_mean, one_of, validated
from config.source import Document, Inside, Unreadable, parse, read, shown
from desk.robot.steps import VERBS, Actor, Hear, Say, Step

MAX_STEPS = 1000


class _Header(Model):
    """The script without the meaning of its steps."""

    actor: Actor
    """Who the robot is: citizen or agent."""
    caller: Annotated[str, written(r"[0-9]{3,20}", 'write the number in quotes, such as "13800000001"')] = (
        "13800000001"
    )
    """The number that a citizen calls from."""
    trunk: Id = ""
    """The trunk that a citizen comes over; the first one by default."""
    agent: Extension = ""
    """The agent's id."""
    seat: Extension = ""
    """Where the agent sits; the seat of the same number by default."""
    record: bool = False
    """Whether both sides of the call are written into WAV files."""
    steps: Annotated[tuple[Any, ...], Field(min_length=1, max_length=MAX_STEPS)]
    """What to do, one after the other."""


@dataclass(frozen=True)
class Script:
    """What one robot does. `folder` is where the paths of WAV files start."""

    actor: Actor
    steps: tuple[Step, ...]
    caller: str = "13800000001"
    trunk: str = ""
    agent: str = ""
    seat: str = ""
    record: bool = False
    folder: Path = Path()

    @property
    def clips(self) -> tuple[str, ...]:
        """Every clip that is said or listened for, each once."""
        named: list[str] = []
        for step in self.steps:
            named.extend(step.say if isinstance(step, Say) else ())
            named.extend([step.clip] if isinstance(step, Hear) and step.clip else ())
        return tuple(dict.fromkeys(named))


def load(path: Path) -> Script:
    """Return the script in a file. Raises ConfigError with every problem that it has."""
    try:
        return _script(read(path.parent, path.name), path.parent)
    except Unreadable as error:
        problem = error.problem
        if problem.what == "is missing":
            problem = Problem(str(path), 0, "", "there is no such file", "name the YAML file of a robot")
        raise ConfigError([problem]) from error


def parse_script(text: str, folder: Path = Path(), name: str = "script") -> Script:
    """Return the script that a text holds. Raises ConfigError."""
    try:
        return _script(parse(name, text), folder)
    except Unreadable as error:
        raise ConfigError([error.problem]) from error


def _script(document: Document, folder: Path) -> Script:
    header = validated(document, _Header)
    if header is None:
        raise ConfigError(document.problems)
    steps = [_step(document, header.actor, at, raw) for at, raw in enumerate(header.steps)]
    if header.actor == "agent" and not header.agent:
        document.problem((), '"agent" is missing', 'add the agent\'s id, such as agent: "1001"')
    if document.problems:
        raise ConfigError(document.problems)
    return Script(
        actor=header.actor,
        steps=tuple(step for step in steps if step is not None),
        caller=header.caller,
        trunk=header.trunk,
        agent=header.agent,
        seat=header.seat or header.agent,
        record=header.record,
        folder=folder,
    )


def _step(document: Document, actor: Actor, at: int, raw: Any) -> Step | None:
    inside: Inside = ("steps", at)
    allowed = [verb for verb, step in VERBS.items() if actor in step.actors]
    if isinstance(raw, str):
        verbs, value = [raw], {}
    elif isinstance(raw, dict):
        verbs = [key for key in raw if key in VERBS] or list(raw)[:1]
        value = {key: told for key, told in raw.items() if told is not None or key not in verbs}
    else:
        verbs, value = [], {}
    if len(verbs) != 1:
        document.problem(inside, "is not one step", f"write one of {one_of(allowed, 30)}")
        return None
    model = VERBS.get(verbs[0])
    if model is None:
        hint = did_you_mean(verbs[0], allowed)
        document.problem(
            inside, f'there is no step "{shown(verbs[0])}"', f"{hint}there are {one_of(allowed, 30)}"
        )
        return None
    if actor not in model.actors:
        document.problem(
            inside, f"{verbs[0]} is nothing that the {actor} does", f"there are {one_of(allowed, 30)}"
        )
        return None
    if isinstance(raw, str) and any(field.is_required() for field in model.model_fields.values()):
        document.problem(inside, f'"{raw}" says not enough', f"write {raw}: and a value")
        return None
    return _below(document, inside, value, model)


def _below(document: Document, inside: Inside, value: Any, model: type[Step]) -> Step | None:
    """Check what stands at a place of the document as if it were a document of its own."""
    depth = len(inside)
    part = Document(
        document.file,
        value,
        {place[depth:]: line for place, line in document.lines.items() if place[:depth] == inside},
        {place[depth:]: text for place, text in document.written.items() if place[:depth] == inside},
    )
    step = validated(part, model)
    prefix = f"{inside[0]}[{inside[1]}]"
    document.problems.extend(
        Problem(found.file, found.line, f"{prefix}.{found.path}".rstrip("."), found.what, found.remedy)
        for found in part.problems
    )
    return step
