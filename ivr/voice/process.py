"""Speaks through a voice that lives in a process of its own, with a deadline on each text."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ivr.voice.base import VoiceError, VoiceLostError

LOAD_SECONDS = 60.0
SPEAK_SECONDS = 60.0
"""Far above what any text of allowed length takes; it is there to end a voice that hangs."""
_MAX_ANSWER = 64 * 1024

_CHECKOUT = Path(__file__).resolve().parents[2]


class VoiceProcess:
    """One voice, started at `with` and ended after it; speaks one text at a time."""

    def __init__(self, name: str, command: tuple[str, ...] = ()) -> None:
        self._name = name
        self._command = command

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()
        path = os.pathsep.join(filter(None, (str(_CHECKOUT), os.environ.get("PYTHONPATH", ""))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ivr.voice.worker", self._name, *self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": path},
        )
        self._read = b""
        try:
            self._answer(LOAD_SECONDS)
        except BaseException as error:
            self._end()
            if isinstance(error, VoiceError):
                raise VoiceLostError(str(error)) from error
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def speak(self, text: str, language: str, file: Path) -> None:
        """Write `text` as spoken, a WAV file at the voice's own rate.

        Raises VoiceError when the voice can not say it, VoiceLostError when the voice is gone or hangs; after
        that one this object is of no more use.
        """
        request = {"text": text, "language": language, "file": str(file)}
        assert self._process.stdin is not None  # noqa: S101 - asked for above
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise VoiceLostError(f"the voice {self._name} has ended: {self._last_words()}") from error
        self._answer(SPEAK_SECONDS)

    def _answer(self, seconds: float) -> None:
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        pipe = self._process.stdout.fileno()
        deadline = time.monotonic() + seconds
        while b"\n" not in self._read:
            ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise VoiceLostError(f"the voice {self._name} gave no answer within {seconds:.0f} s")
            chunk = os.read(pipe, _MAX_ANSWER)
            if not chunk or len(self._read) > _MAX_ANSWER:
                raise VoiceLostError(f"the voice {self._name} has ended: {self._last_words()}")
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        if not reply["ok"]:
            raise VoiceError(str(reply["error"]))

    def _last_words(self) -> str:
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - 2000))
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "without a word"

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()


class Speakers:
    """Voices by name, each started when it is first needed and started anew once if it is lost."""

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        self._command = command
        self._running: dict[str, VoiceProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in tuple(self._running):
            self._drop(name)

    def start(self, name: str) -> None:
        """Have the voice running. Raises VoiceLostError."""
        if name not in self._running:
            self._running[name] = VoiceProcess(name, self._command).__enter__()

    def speak(self, name: str, text: str, language: str, file: Path) -> None:
        """As `VoiceProcess.speak`; a lost voice is started anew and asked once more."""
        for attempt in (1, 2):
            self.start(name)
            try:
                self._running[name].speak(text, language, file)
            except VoiceLostError:
                self._drop(name)
                if attempt == 2:
                    raise
            else:
                return

    def _drop(self, name: str) -> None:
        self._running.pop(name).__exit__(None, None, None)
