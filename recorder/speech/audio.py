"""Reads spans of a recording for an engine: as telephone bytes for Vosk, at 16 kHz for Whisper."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from recorder.speech.base import Span, SpeechError

Samples = npt.NDArray[np.int16]


def read(file: Path, span: Span) -> tuple[Samples, int]:
    """Return the samples of a span and their rate; fewer where the file ends. Raises SpeechError."""
    try:
        with soundfile.SoundFile(file) as reader:
            if reader.channels != 1:
                raise SpeechError(f"{file.name} has {reader.channels} channels; one side of a call has one")
            rate = int(reader.samplerate)
            start = min(span.from_ms * rate // 1000, reader.frames)
            reader.seek(start)
            samples: Samples = reader.read(span.ms * rate // 1000, dtype="int16")
    except (soundfile.SoundFileError, OSError) as error:
        raise SpeechError(f"{file.name} can not be read: {error}") from error
    return samples, rate


def at_16k(samples: Samples, rate: int) -> npt.NDArray[np.float32]:
    """Return the samples at 16 kHz, -1 to 1, resampled with a proper filter (FFmpeg's)."""
    from faster_whisper.audio import decode_audio

    if rate == 16_000:
        plain: npt.NDArray[np.float32] = samples.astype(np.float32) / 32768.0
        return plain
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format="WAV", subtype="PCM_16")
    held.seek(0)
    decoded: npt.NDArray[np.float32] = decode_audio(held, sampling_rate=16_000)
    return decoded
