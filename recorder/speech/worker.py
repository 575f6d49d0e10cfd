"""The process that an engine lives in: one JSON request a line in, one JSON answer a line out.

Request: {"file", "spans": [[from_ms, to_ms], ...], "language"}; answer: {"ok": true, "segments": [...]} or
{"ok": false, "error", "retryable"}. The first line out is such an answer too, given when the model is loaded. The
engine is given only those stretches of the spans in which somebody speaks.
Ends when its input ends. Runs below everything that carries calls.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from recorder.speech.base import Engine, Span, SpeechError
from recorder.speech.vad import VoiceActivity, network

NICENESS = 10


def load(engine: str, model: Path, language: str) -> Engine:
    """Load an engine with a model. Raises SpeechError."""
    if engine == "vosk":
        from recorder.speech.vosk import VoskEngine

        return VoskEngine(model, language)
    if engine == "faster-whisper":
        from recorder.speech.whisper import WhisperEngine

        return WhisperEngine(model)
    if engine == "sherpa-onnx":
        from recorder.speech.sherpa import SherpaEngine

        return SherpaEngine(model, language)
    raise SpeechError(f"there is no speech engine {engine!r}; there are vosk, faster-whisper and sherpa-onnx")


def main(arguments: list[str]) -> int:
    """Serve the engine, model folder and language that the three arguments name."""
    # What libraries print goes to the error output, so that it can not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.nice(NICENESS)

    def answer(**reply: object) -> None:
        answers.write(json.dumps(reply, ensure_ascii=False) + "\n")
        answers.flush()

    try:
        engine = load(arguments[0], Path(arguments[1]), arguments[2])
    except SpeechError as error:
        answer(ok=False, error=str(error), retryable=error.retryable)
        return 1
    file = network()
    ear = VoiceActivity(file) if file else None
    answer(ok=True, segments=[])
    for line in sys.stdin:
        request = json.loads(line)
        spans: Sequence[Span] = [Span(*span) for span in request["spans"]]
        try:
            if ear is not None:
                spans = ear.spans(Path(request["file"]), spans, engine.stretches)
            segments = engine.transcribe(Path(request["file"]), spans, request["language"])
        except SpeechError as error:
            answer(ok=False, error=str(error), retryable=error.retryable)
            continue
        answer(ok=True, segments=[asdict(segment) for segment in segments])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
