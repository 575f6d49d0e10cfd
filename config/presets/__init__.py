"""Limits that cities and provinces have published, as data; a city names one in cases.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from config.problems import ConfigError
from config.schema.cases import Cases, LimitRule
from config.sentences import validated
from config.source import read

FOLDER: Final = Path(__file__).parent

DEFAULT: Final = (
    LimitRule(urgencies=("critical",), dispatch="15 minutes", acknowledge="30 minutes", reply="24 hours"),
    LimitRule(urgencies=("urgent",), dispatch="1 hour", acknowledge="2 hours", reply="3 working days"),
    LimitRule(
        dispatch="4 working hours",
        acknowledge="1 working day",
        reply="5 working days",
        extension="5 working days",
        review="1 working day",
        follow_up="3 working days",
        supervise="3 working days",
    ),
)
"""The platform's own, where neither the city nor its preset gives a limit: there is one for every stage."""


def whole(cases: Cases) -> Cases:
    """Return a city's cases.yaml with everything that its preset and the defaults add."""
    preset = _preset(cases.preset) if cases.preset else Cases()
    counts = {
        "most_returns": 2,
        "most_reassigns": 3,
        "most_extensions": 1,
        "most_reworks": 2,
        "follow_up_tries": 3,
    }
    chosen = {
        name: next(
            value for value in (getattr(cases, name), getattr(preset, name), most) if value is not None
        )
        for name, most in counts.items()
    }
    return cases.model_copy(update={**chosen, "limits": (*cases.limits, *preset.limits, *DEFAULT)})


def _preset(name: str) -> Cases:
    document = read(FOLDER, f"{name}.yaml")
    found = validated(document, Cases)
    if found is None:
        raise ConfigError(document.problems)
    return found
