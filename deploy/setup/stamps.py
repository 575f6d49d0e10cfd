"""What set-up remembers: one stamp a step that was done, and that a step was begun."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.setup.failure import StepFailed


class Stamps:
    """The stamps in one folder: `<step>.done` holds the hash of the step's inputs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, step: str) -> str:
        """Return the hash that the step's last success left, "" when there was none."""
        try:
            return (self.folder / f"{step}.done").read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def write(self, step: str, digest: str) -> None:
        """Remember a success. Raises OSError."""
        fresh = self.folder / f".{step}.done.new"
        fresh.write_text(digest + "\n", encoding="ascii")
        fresh.replace(self.folder / f"{step}.done")

    def log(self, step: str) -> Path:
        """Return where the output of the step's commands goes."""
        return self.folder / f"{step}.log"

    def begun(self, step: str) -> bool:
        """Tell whether the step was begun and never came to an end: its product may be half of something."""
        return (self.folder / f"{step}.begun").exists()

    @contextmanager
    def working(self, step: str) -> Iterator[None]:
        """Mark a step whose product can not be put in place at once, for as long as it is half of something.

        The mark stays when we are killed or a command was; one that failed by itself has tidied up.
        """
        mark = self.folder / f"{step}.begun"
        mark.touch()
        try:
            yield
        except StepFailed as failure:
            if not failure.killed:
                mark.unlink()
            raise
        mark.unlink()

    @contextmanager
    def held(self, waiting: Callable[[], None]) -> Iterator[int]:
        """Hold set-up for this process; yields the lock's file descriptor.

        Commands inherit it, so that one which outlives a killed set-up is waited for by the next. `waiting`
        is called once if somebody else holds it. Raises OSError when the folder can not be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock.fileno()
