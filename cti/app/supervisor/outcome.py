"""What became of a start."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a start. `lines` say what is wrong, one sentence each; none where all is well."""

    running: bool
    lines: tuple[str, ...] = ()
