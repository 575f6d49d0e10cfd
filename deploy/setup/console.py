"""What a person sees of set-up: a line when a step begins, one when it ends, and signs of life between."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TextIO

SIGN_OF_LIFE_SECONDS = 15.0
"""Between two lines where the output is not a terminal."""

TAIL_BYTES = 8192


def last_lines(log: Path, count: int) -> list[str]:
    """Return the last lines of a log that say something; a progress bar's repeated lines count as one."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = (line.rstrip().rsplit("\r", 1)[-1].strip() for line in text.split("\n"))
    return [line for line in lines if line][-count:]


class Console:
    """Writes to `out`; on a terminal the sign of life is one line that is written over."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._terminal = out.isatty()
        self._next_sign = 0.0
        self._drawn = False

    def say(self, text: str) -> None:
        """Write a line."""
        self._wipe()
        self._out.write(text + "\n")
        self._out.flush()

    def begin(self) -> None:
        """Count the next sign of life from now."""
        self._next_sign = 0.0 if self._terminal else SIGN_OF_LIFE_SECONDS

    def working(self, seconds: float, log: Path) -> None:
        """Show that a command is still at work, after `seconds` of it."""
        if seconds < self._next_sign:
            return
        said = (last_lines(log, 1) or [""])[0]
        if self._terminal:
            self._next_sign = seconds + 0.5
            line = f"      {seconds:4.0f} s  {said}"[: shutil.get_terminal_size().columns - 1]
            self._out.write(f"\r\x1b[K{line}")
            self._drawn = True
        else:
            self._next_sign = seconds + SIGN_OF_LIFE_SECONDS
            self._out.write(f"      still at it after {seconds:.0f} s: {said[:100]}\n")
        self._out.flush()

    def _wipe(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._drawn = False
