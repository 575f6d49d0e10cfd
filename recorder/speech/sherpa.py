"""sherpa-onnx: for whole recordings, with the models that an operator brings (SenseVoice, Paraformer, Zipformer).

What lies in the folder says which kind of model it is. A file that is none ends the whole process without an
exception, which is why every engine lives in a process of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from recorder.speech.audio import read
from recorder.speech.base import EngineName, Segment, Span, SpeechError, Stretches, Word
from recorder.speech.models import SherpaModel, sherpa_model
from recorder.speech.written import written

LONGEST_MS: Final = 30_000
"""A longer stretch is given in pieces: attention takes memory with the square of the length."""
_TOKEN_MS: Final = 200
"""How long the last token lasts where the model tells only when each began."""
_TAIL_SECONDS: Final = 0.5
_PIECE_OF_A_WORD: Final = ("▁", "@@")


class SherpaEngine:
    """One model. Raises SpeechError."""

    name: EngineName = "sherpa-onnx"
    stretches = Stretches(gap_ms=400, longest_ms=20_000)
    """These models have no ear for silence and a window that is as long as what they are given."""

    def __init__(self, folder: Path, language: str, threads: int = 2) -> None:
        found = sherpa_model(folder)
        if isinstance(found, str):
            raise SpeechError(found)
        try:
            self._recognizer: Any = _LOADERS[found.kind](found, language, threads)
        except (RuntimeError, ValueError, OSError) as error:
            raise SpeechError(f"the model in {folder} can not be loaded: {error}") from error
        self._live = found.live
        self.model = folder.name
        self.languages = frozenset({language})

    def transcribe(self, file: Path, spans: Sequence[Span], language: str) -> tuple[Segment, ...]:
        """See `Engine.transcribe`."""
        if language not in self.languages:
            raise SpeechError(f"the model {self.model} does not know the language {language!r}")
        found = []
        for span in pieces(spans):
            samples, rate = read(file, span)
            if len(samples) < rate // 10:
                continue
            length = len(samples) * 1000 // rate
            result = self._hear(samples.astype(np.float32) / 32768.0, rate)
            if segment := segment_of(result, length, language):
                found.append(segment.shifted(span.from_ms))
        return tuple(found)

    def _hear(self, samples: Any, rate: int) -> Any:
        stream = self._recognizer.create_stream()
        stream.accept_waveform(rate, samples)
        if not self._live:
            self._recognizer.decode_stream(stream)
            return stream.result
        stream.accept_waveform(rate, np.zeros(int(_TAIL_SECONDS * rate), np.float32))
        stream.input_finished()
        while self._recognizer.is_ready(stream):
            self._recognizer.decode_stream(stream)
        return self._recognizer.get_result_all(stream)


def pieces(spans: Sequence[Span], longest: int = LONGEST_MS) -> Iterator[Span]:
    """Cut spans into equal pieces of at most `longest` ms."""
    for span in spans:
        count = max(1, math.ceil(span.ms / longest))
        edges = [span.from_ms + span.ms * at // count for at in range(count + 1)]
        yield from (Span(start, end) for start, end in pairwise(edges))


def segment_of(result: Any, length_ms: int, language: str) -> Segment | None:
    """Return what a result tells (`text`, `tokens`, `timestamps` in seconds, log probabilities); None if nothing.

    Models that tell no probabilities are given a confidence of 0.
    """
    text = written(result.text.strip(), language)
    if not text:
        return None
    tokens, starts = list(result.tokens), [round(start * 1000) for start in result.timestamps]
    logs = list(getattr(result, "ys_log_probs", ()) or getattr(result, "ys_probs", ()) or ())
    chances = [math.exp(min(0.0, float(log))) for log in logs]
    confidence = sum(chances) / len(chances) if chances else 0.0
    if len(tokens) != len(starts) or not tokens:
        return Segment(0, length_ms, text, round(confidence, 3))
    if len(chances) != len(tokens):
        chances = [confidence] * len(tokens)
    ends = [*starts[1:], min(length_ms, starts[-1] + _TOKEN_MS)]
    words = tuple(
        Word(start, max(start, end), bare, round(chance, 3))
        for token, start, end, chance in zip(tokens, starts, ends, chances, strict=True)
        if (bare := _bare(token)) and not bare.startswith("<")
    )
    return Segment(
        starts[0], max(starts[0], ends[-1]), text, round(confidence, 3), words if language == "zh" else ()
    )


def _bare(token: str) -> str:
    for mark in _PIECE_OF_A_WORD:
        token = token.replace(mark, "")
    return token.strip()


def _sense_voice(model: SherpaModel, language: str, threads: int) -> Any:
    import sherpa_onnx

    return sherpa_onnx.OfflineRecognizer.from_sense_voice(
        model=str(model.files["model"]),
        tokens=str(model.tokens),
        num_threads=threads,
        language=language,
        use_itn=True,
    )


def _paraformer(model: SherpaModel, language: str, threads: int) -> Any:
    import sherpa_onnx

    return sherpa_onnx.OfflineRecognizer.from_paraformer(
        paraformer=str(model.files["model"]), tokens=str(model.tokens), num_threads=threads
    )


def _zipformer(model: SherpaModel, language: str, threads: int) -> Any:
    import sherpa_onnx

    files = {name: str(file) for name, file in model.files.items()}
    return sherpa_onnx.OfflineRecognizer.from_transducer(
        tokens=str(model.tokens), num_threads=threads, **files
    )


def _live_paraformer(model: SherpaModel, language: str, threads: int) -> Any:
    import sherpa_onnx

    files = {name: str(file) for name, file in model.files.items()}
    return sherpa_onnx.OnlineRecognizer.from_paraformer(
        tokens=str(model.tokens), num_threads=threads, **files
    )


def _live_zipformer(model: SherpaModel, language: str, threads: int) -> Any:
    import sherpa_onnx

    files = {name: str(file) for name, file in model.files.items()}
    return sherpa_onnx.OnlineRecognizer.from_transducer(
        tokens=str(model.tokens), num_threads=threads, **files
    )


_LOADERS: Final[Mapping[str, Callable[[SherpaModel, str, int], Any]]] = MappingProxyType(
    {
        "sense-voice": _sense_voice,
        "paraformer": _paraformer,
        "zipformer": _zipformer,
        "streaming paraformer": _live_paraformer,
        "streaming zipformer": _live_zipformer,
    }
)
