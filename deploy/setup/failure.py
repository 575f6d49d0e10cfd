"""How a step fails."""

from __future__ import annotations

from pathlib import Path


class StepFailed(Exception):
    """A step could not be done; the text is one sentence that says what to do.

    `log` tells the rest. `killed`: a command was ended from outside, so its work may be half done.
    """

    def __init__(self, sentence: str, log: Path | None = None, *, killed: bool = False) -> None:
        super().__init__(sentence)
        self.log = log
        self.killed = killed
