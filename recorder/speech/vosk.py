"""Vosk: the first engine, for live speech and for recordings, straight from 8 kHz.

Only folders are given to it: asked for a language, it would look around the disk and then download.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recorder.speech.audio import read
from recorder.speech.base import EngineName, Partial, Result, Segment, Span, SpeechError, Stretches, Word
from recorder.speech.models import missing_vosk_files

CHUNK_MS = 400
_TRIAL_RATE = 8000


class VoskEngine:
    """One model, which any number of streams may share. Raises SpeechError."""

    name: EngineName = "vosk"
    stretches = Stretches(gap_ms=1_000, longest_ms=60_000)
    """A pause of its own ends a phrase; a fresh stream costs it nothing."""

    def __init__(self, folder: Path, language: str) -> None:
        if missing := missing_vosk_files(folder):
            raise SpeechError(f"{folder} is no Vosk model: {', '.join(missing)} is missing")
        import vosk

        vosk.SetLogLevel(-1)
        try:
            self._model: Any = vosk.Model(model_path=str(folder))
            # A damaged graph is loaded all the same; only hearing something brings it to light.
            trial = vosk.KaldiRecognizer(self._model, _TRIAL_RATE)
            trial.AcceptWaveform(bytes(2 * _TRIAL_RATE))
            trial.FinalResult()
        except Exception as error:  # vosk raises nothing more precise
            raise SpeechError(f"the model in {folder} can not be loaded: {error}") from error
        self.model = folder.name
        self.languages = frozenset({language})

    def stream(self, rate: int) -> VoskStream:
        """Open a stream for samples at `rate` a second."""
        return VoskStream(self._model, rate)

    def transcribe(self, file: Path, spans: Sequence[Span], language: str) -> tuple[Segment, ...]:
        """See `Engine.transcribe`."""
        if language not in self.languages:
            raise SpeechError(f"the model {self.model} does not know the language {language!r}")
        found: list[Segment] = []
        for span in spans:
            samples, rate = read(file, span)
            stream = self.stream(rate)
            step = rate * CHUNK_MS // 1000
            results: list[Result | None] = [
                stream.accept(samples[at : at + step].tobytes()) for at in range(0, len(samples), step)
            ]
            results.append(stream.finish())
            found += [one.shifted(span.from_ms) for one in results if isinstance(one, Segment)]
        return tuple(found)


class VoskStream:
    """One speaker, live."""

    def __init__(self, model: Any, rate: int) -> None:
        import vosk

        self._recognizer: Any = vosk.KaldiRecognizer(model, rate)
        self._recognizer.SetWords(True)

    def accept(self, chunk: bytes) -> Result | None:
        """See `Stream.accept`. Silence gives None."""
        if self._recognizer.AcceptWaveform(bytes(chunk)):
            return _segment(self._recognizer.Result())
        text = json.loads(self._recognizer.PartialResult()).get("partial", "")
        return Partial(text) if text else None

    def finish(self) -> Segment | None:
        """See `Stream.finish`."""
        return _segment(self._recognizer.FinalResult())


def _segment(result: str) -> Segment | None:
    raw = json.loads(result)
    words = tuple(
        Word(round(word["start"] * 1000), round(word["end"] * 1000), word["word"], round(word["conf"], 3))
        for word in raw.get("result", ())
    )
    if not words:
        return None
    confidence = sum(word.confidence for word in words) / len(words)
    return Segment(words[0].start_ms, words[-1].end_ms, raw["text"], round(confidence, 3), words)
