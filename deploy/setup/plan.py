"""What has to be done, and why: pure decisions over what lies on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final


class Goal(Enum):
    """What somebody wants to do next; it decides which steps are needed."""

    LINT = "lint"
    RUN = "run"
    TEST = "test"


_PLATFORM = ("system", "environment", "asterisk", "whisper", "music", "prompts")

STEPS: Final[Mapping[Goal, tuple[str, ...]]] = MappingProxyType(
    {
        Goal.LINT: ("environment",),
        Goal.RUN: _PLATFORM,
        Goal.TEST: ("system", "system-tests", *_PLATFORM[1:], "vosk-tests"),
    }
)
"""goal → names of its steps in the order in which they can be done."""


@dataclass(frozen=True, slots=True)
class Due:
    """A step has to be done. `changed`: its product is of older inputs and must not be kept."""

    why: str
    changed: bool = False


def decide(stamp: str, digest: str, missing: str) -> Due | None:
    """Return why a step has to be done, or None when it is done.

    `stamp` is the hash that the last success left ("" if there was none), `digest` that of today's inputs,
    `missing` what of its product is not there ("" if it is all there).
    """
    changed = stamp not in ("", digest)
    if changed:
        return Due("its inputs have changed", changed=True)
    if missing:
        return Due(f"missing: {missing}")
    if not stamp:
        return Due("to be checked")
    return None


def digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """Return a hash of named parts; neither their borders nor their order can be mistaken."""
    whole = hashlib.sha256()
    for name, content in sorted(parts):
        for piece in (name.encode(), content):
            whole.update(len(piece).to_bytes(8, "big"))
            whole.update(piece)
    return whole.hexdigest()
