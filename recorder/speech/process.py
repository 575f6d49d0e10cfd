"""An engine in a process of its own: a crash or a stall in it costs one try of one recording."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from recorder.speech.base import Segment, Span, SpeechError, Word
from recorder.speech.choice import EngineChoice

LOAD_SECONDS: Final = 120.0
SLOWEST: Final = 6.0
"""Times the length of the speech; engines take 0.1 to 0.4 of it on an idle machine."""
LEAST_SECONDS: Final = 60.0
MAX_ANSWER: Final = 32 * 1024 * 1024
"""Of one answer in bytes; an hour of speech with word times is about 3 MB."""
_LAST_WORDS: Final = 2000
_END_SECONDS: Final = 5.0

_CHECKOUT = Path(__file__).resolve().parents[2]


def deadline(spans: Sequence[Span]) -> float:
    """How many seconds an engine may take for these spans."""
    return LEAST_SECONDS + SLOWEST * sum(span.ms for span in spans) / 1000


class EngineProcess:
    """One engine with one model; started when first needed and started anew after it was lost.

    Used by one task at a time. `close` ends the process.
    """

    def __init__(self, choice: EngineChoice) -> None:
        self.choice = choice
        self._process: asyncio.subprocess.Process | None = None
        self._errors: asyncio.Task[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process of the engine, None while none runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def transcribe(self, file: Path, spans: Sequence[Span]) -> tuple[Segment, ...]:
        """Return what was said. Raises SpeechError, retryable where the process was lost or too slow."""
        if not spans:
            return ()
        process = await self._running()
        request = {
            "file": str(file),
            "spans": [[span.from_ms, span.to_ms] for span in spans],
            "language": self.choice.language,
        }
        assert process.stdin is not None  # noqa: S101 - asked for at the start
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            await asyncio.wait_for(process.stdin.drain(), LEAST_SECONDS)
        except (OSError, TimeoutError) as error:
            raise SpeechError(
                f"{self.choice.engine} is gone: {await self._lost()}", retryable=True
            ) from error
        return await self._answer(process, deadline(spans))

    async def start(self) -> None:
        """Have the model loaded. Raises SpeechError."""
        await self._running()

    async def close(self) -> None:
        """End the process, if one runs."""
        await self._lost()

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        await self._lost()
        path = os.pathsep.join(filter(None, (str(_CHECKOUT), os.environ.get("PYTHONPATH", ""))))
        choice = self.choice
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "recorder.speech.worker",
            choice.engine,
            str(choice.model),
            choice.language,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=MAX_ANSWER,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self._process.stderr is not None  # noqa: S101 - asked for above
        self._errors = asyncio.create_task(_tail(self._process.stderr))
        process = self._process
        try:
            await self._answer(process, LOAD_SECONDS, loading=True)
        except SpeechError:
            await self._lost()
            raise
        return process

    async def _answer(
        self, process: asyncio.subprocess.Process, seconds: float, *, loading: bool = False
    ) -> tuple[Segment, ...]:
        assert process.stdout is not None  # noqa: S101 - asked for at the start
        try:
            line = await asyncio.wait_for(process.stdout.readline(), seconds)
        except TimeoutError as error:
            await self._lost()
            raise SpeechError(
                f"{self.choice.engine} gave no answer within {seconds:.0f} s and was ended", retryable=True
            ) from error
        except ValueError as error:
            await self._lost()
            raise SpeechError(f"{self.choice.engine} answered more than {MAX_ANSWER} bytes") from error
        except asyncio.CancelledError:
            # What it answers later belongs to nobody: the next request gets a fresh process.
            await self._lost()
            raise
        if not line.endswith(b"\n"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _END_SECONDS)
            said = await self._lost()
            # A signal (out of memory, an administrator) may not come again; what the engine does by itself will.
            again = not loading or (process.returncode or 0) < 0
            where = f" while it loaded {self.choice.model}" if loading else ""
            raise SpeechError(f"{self.choice.engine} has ended{where}: {said}", retryable=again)
        reply: dict[str, Any] = json.loads(line)
        if not reply["ok"]:
            raise SpeechError(str(reply["error"]), retryable=bool(reply["retryable"]))
        return tuple(_segment(raw) for raw in reply["segments"])

    async def _lost(self) -> str:
        """End what is left of the process and return the last line it wrote."""
        process, errors = self._process, self._errors
        self._process = self._errors = None
        if process is None or errors is None:
            return ""
        if process.returncode is None:
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await asyncio.wait_for(process.wait(), _END_SECONDS)
        lines = (await asyncio.wait_for(errors, _END_SECONDS)).decode(errors="replace").strip().splitlines()
        return _printable(lines[-1][:300]) if lines else f"without a word (exit {process.returncode})"


def _printable(text: str) -> str:
    """What a native library says of a wrong file may hold anything."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


async def _tail(stream: asyncio.StreamReader) -> bytes:
    """Read to the end, keeping the last of it."""
    kept = b""
    while chunk := await stream.read(_LAST_WORDS):
        kept = (kept + chunk)[-_LAST_WORDS:]
    return kept


def _segment(raw: dict[str, Any]) -> Segment:
    return Segment(**{**raw, "words": tuple(Word(**word) for word in raw["words"])})
