"""One step of a case and the data that it carries: which keys there are, how each is written and read. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from caselink.loop import STAGES, Action, Move, Role
from cti.facts import MAX_TIME, Value

RequestType = Literal["inquiry", "help", "complaint", "report", "suggestion", "praise"]
"""咨询 求助 投诉 举报 建议 表扬."""
Urgency = Literal["normal", "urgent", "critical"]
"""普通 紧急 特急."""
REQUEST_TYPES: Final[tuple[RequestType, ...]] = get_args(RequestType)
URGENCIES: Final[tuple[Urgency, ...]] = get_args(Urgency)

Ground = Literal["out_of_scope", "no_request", "abusive", "withdrawn", "in_court"]
"""Why a request is not taken."""
Rule = Literal[
    "followed_up", "not_reached", "no_contact", "rated", "direct_answer", "rejected", "emergency_transferred"
]
"""Why a case may be closed: after a follow-up, or what stands in its place."""
CLOSING_RULES: Final[tuple[Rule, ...]] = get_args(Rule)

MOST_TEXT: Final = 5000
"""Characters of a text; enough for a letter."""
_US: Final = 1_000_000


class StepError(ValueError):
    """A step can not be taken as it was told; the message is one line that says what would be right."""


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody does with a case. `at` in microseconds since the epoch, `actor` an agent's or unit's id."""

    action: Action
    role: Role
    actor: str
    at: int
    data: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a step's data: how it is written, and for a choice among what."""

    kind: Literal["text", "name", "names", "choice", "yes_no", "moment", "count"]
    choices: tuple[str, ...] = ()


_TEXT, _NAME, _NAMES = Key("text"), Key("name"), Key("names")
_YES_NO, _MOMENT, _COUNT = Key("yes_no"), Key("moment"), Key("count")

KEYS: Final[Mapping[str, Key]] = MappingProxyType(
    {
        "channel": _NAME,
        "seat": _NAME,
        "offer": _TEXT,
        "request_type": Key("choice", REQUEST_TYPES),
        "urgency": Key("choice", URGENCIES),
        "text": _TEXT,
        "topic": _TEXT,
        "address": _TEXT,
        "grid": _NAME,
        "confidential": _YES_NO,
        "parent": _NAME,
        "repeat": _COUNT,
        "evidence_of_repeat": _TEXT,
        "child": _NAME,
        "result": _TEXT,
        "evidence": _TEXT,
        "ground": Key("choice", get_args(Ground)),
        "to": Key("choice", ("110", "119", "120", "122")),
        "unit": _NAME,
        "proposed_unit": _NAME,
        "co_units": _NAMES,
        "reason": _TEXT,
        "until": _MOMENT,
        "reached": _YES_NO,
        "contacted": _YES_NO,
        "solved": _YES_NO,
        "satisfied": _YES_NO,
        "rule": Key("choice", CLOSING_RULES),
        "stage": Key("choice", STAGES),
        "due": _MOMENT,
        **{f"{stage}_by": _MOMENT for stage in STAGES},
        **{f"{stage}_clock": Key("choice", ("calendar", "working")) for stage in STAGES},
    }
)
"""Every key there is."""


def allowed(way: Move) -> frozenset[str]:
    """Return the keys that a step on this way may carry."""
    limited = (f"{stage}_{end}" for stage in way.limits for end in ("by", "clock"))
    return frozenset((*way.needs, *way.may, *limited))


def check_data(way: Move, step: Step) -> None:
    """Raise StepError unless the step's data has what its way needs, each as its key wants it, and no more."""
    known = allowed(way)
    for name in step.data:
        if name not in known:
            listed = ", ".join(sorted(known)) or "nothing"
            raise StepError(f"{step.action} takes no {name!r}; it takes: {listed}")
    for name in (*way.needs, *(f"{stage}_by" for stage in way.limits)):
        if step.data.get(name) in (None, ""):
            raise StepError(f"{step.action} needs {name!r}: {hint(name)}")
    for name, value in step.data.items():
        if value not in (None, "") and not _fits(KEYS[name], value):
            raise StepError(f"{step.action}: {name!r} is wrong; write {hint(name)}")
    for stage in way.limits:
        end = step.data[f"{stage}_by"]
        if isinstance(end, int) and end <= step.at:
            raise StepError(f"{step.action}: '{stage}_by' is over already; name a moment to come")


def hint(name: str) -> str:
    """Return how a key is written, for a person."""
    key = KEYS[name]
    return {
        "text": f"a text of up to {MOST_TEXT} characters",
        "name": "an id",
        "names": "ids with commas between them",
        "choice": "one of " + ", ".join(key.choices),
        "yes_no": "yes or no",
        "moment": "a moment such as 2026-12-01T17:00",
        "count": "a whole number",
    }[key.kind]


def read(name: str, text: str, timezone: str) -> Value:
    """Return a value that a person wrote as the step's data holds it. Raises StepError."""
    key = KEYS.get(name)
    if key is None:
        raise StepError(f"there is no {name!r} in a step")
    text = text.strip()
    if key.kind == "yes_no":
        found = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}.get(
            text.lower()
        )
        if found is None:
            raise StepError(f"{name!r} is {text[:40]!r}; write yes or no")
        return found
    if key.kind == "moment":
        try:
            moment = datetime.fromisoformat(text)
            local = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))
            return round(local.timestamp() * _US)
        except (ValueError, OverflowError):
            raise StepError(f"{name!r} is {text[:40]!r}; write {hint(name)}") from None
    if key.kind == "count":
        if not re.fullmatch(r"[0-9]{1,6}", text):
            raise StepError(f"{name!r} is {text[:40]!r}; write a whole number")
        return int(text)
    value = (
        ",".join(filter(None, (part.strip() for part in text.split(",")))) if key.kind == "names" else text
    )
    if not _fits(key, value):
        raise StepError(f"{name!r} is {text[:40]!r}; write {hint(name)}")
    return value


def _fits(key: Key, value: Value) -> bool:
    match key.kind:
        case "yes_no":
            return isinstance(value, bool)
        case "moment":
            return type(value) is int and 0 < value < MAX_TIME
        case "count":
            return type(value) is int and value >= 0
        case "choice":
            return value in key.choices
        case "name":
            return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.:-]{1,80}", value) is not None
        case "names":
            return isinstance(value, str) and re.fullmatch(r"[a-z0-9_,-]{0,400}", value) is not None
        case "text":
            return isinstance(value, str) and len(value) <= MOST_TEXT and _UNSTORABLE.search(value) is None


_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""Control characters but tab and line feed, and halves of characters: no screen and no database takes them."""


def text(step: Step, name: str) -> str:
    """Return a text of the step's data, "" where it has none."""
    value = step.data.get(name)
    return value if isinstance(value, str) else ""


def number(step: Step, name: str) -> int:
    """Return a moment or a count of the step's data, 0 where it has none."""
    value = step.data.get(name)
    return value if type(value) is int else 0


def flag(step: Step, name: str) -> bool | None:
    """Return a yes or no of the step's data, None where it has none."""
    value = step.data.get(name)
    return value if isinstance(value, bool) else None


def names(step: Step, name: str) -> tuple[str, ...]:
    """Return the ids that the step's data lists."""
    return tuple(filter(None, text(step, name).split(",")))
