"""Runs the commands of a step: their output into the step's log, signs of life to the console."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.setup.console import Console
from deploy.setup.failure import StepFailed

LIMIT_SECONDS = 3600.0
"""No command of ours takes this long on any line that a city has; whatever does hangs."""


class Commands:
    """Runs commands for one step. `lock` is a file descriptor that they inherit (see stamps.held)."""

    def __init__(self, log: Path, console: Console, lock: int, folder: Path) -> None:
        self.log = log
        self._console = console
        self._lock = lock
        self._folder = folder

    def run(
        self, command: Sequence[str | Path], remedy: str, environment: Mapping[str, str] | None = None
    ) -> None:
        """Run a command to its end. `environment` is added to ours.

        Raises StepFailed, whose sentence ends with `remedy`, when it fails, can not be started or hangs.
        """
        name = Path(command[0]).name
        with self.log.open("ab") as output:
            output.write(f"$ {' '.join(map(str, command))}\n".encode())
            output.flush()
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    cwd=self._folder,
                    env={**os.environ, **(environment or {})},
                    pass_fds=(self._lock,),
                )
            except OSError as error:
                raise StepFailed(
                    f"{name} could not be started ({error.strerror}): {remedy}", self.log
                ) from error
            try:
                code = self._wait(process)
            except BaseException:
                process.terminate()
                process.wait()
                raise
        if code is None:
            sentence = f"{name} was ended after {LIMIT_SECONDS / 60:.0f} minutes: {remedy}"
            raise StepFailed(sentence, self.log, killed=True)
        if code != 0:
            raise StepFailed(f"{name} ended with {code}: {remedy}", self.log, killed=code < 0)

    def _wait(self, process: subprocess.Popen[bytes]) -> int | None:
        """Return the exit code, None when it was ended because it hung."""
        started = time.monotonic()
        while True:
            try:
                return process.wait(timeout=0.25)
            except subprocess.TimeoutExpired:
                spent = time.monotonic() - started
            if spent > LIMIT_SECONDS:
                process.kill()
                process.wait()
                return None
            self._console.working(spent, self.log)
