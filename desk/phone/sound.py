"""Speech as samples: frames, levels and WAV files. Everything is 8 kHz, mono, 16 bit."""

from __future__ import annotations

import math
import wave
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

RATE: Final = 8000
"""Samples a second."""
FRAME_MS: Final = 20
FRAME_SAMPLES: Final = RATE * FRAME_MS // 1000
FRAME_BYTES: Final = FRAME_SAMPLES * 2
SILENCE: Final = bytes(FRAME_BYTES)
FLOOR_DB: Final = -96.0
"""The level of digital silence: nothing is quieter in 16 bit."""
MAX_CLIP_SECONDS: Final = 600


class SoundError(ValueError):
    """A file can not be spoken; the text names it, what was found and what would be right."""


def level_db(samples: bytes) -> float:
    """Return the level of some samples in dBFS: 0 is a full-scale square wave, FLOOR_DB silence."""
    if not samples:
        return FLOOR_DB
    values = np.frombuffer(samples, dtype=np.int16).astype(np.float64)
    return power_db(float(np.dot(values, values)) / values.size)


def power_db(mean_square: float) -> float:
    """Return the level that belongs to a mean square of 16-bit samples, in dBFS."""
    if mean_square <= 0:
        return FLOOR_DB
    return max(FLOOR_DB, 10 * math.log10(mean_square / 32768.0**2))


def frames(samples: bytes) -> list[bytes]:
    """Cut samples into frames of 20 ms, the last one filled with silence."""
    cut = [samples[at : at + FRAME_BYTES] for at in range(0, len(samples), FRAME_BYTES)]
    if cut and len(cut[-1]) < FRAME_BYTES:
        cut[-1] = cut[-1].ljust(FRAME_BYTES, b"\0")
    return cut


def duration_ms(samples: bytes) -> int:
    """Return the length of samples in milliseconds."""
    return len(samples) // 2 * 1000 // RATE


def read_wav(path: Path) -> bytes:
    """Return the samples of a WAV file. Raises SoundError for one that is not 8 kHz, mono, 16 bit."""
    try:
        with wave.open(str(path), "rb") as file:
            found = (file.getframerate(), file.getnchannels(), file.getsampwidth() * 8)
            if found != (RATE, 1, 16):
                raise SoundError(
                    f"{path}: {found[0]} Hz, {found[1]} channels, {found[2]} bit; "
                    f"right is 8000 Hz mono 16 bit: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"
                )
            samples = file.readframes(RATE * MAX_CLIP_SECONDS + 1)
    except FileNotFoundError as error:
        raise SoundError(f"{path} is not there") from error
    except (OSError, EOFError, wave.Error) as error:
        raise SoundError(f"{path} is no WAV file ({error})") from error
    if len(samples) > RATE * MAX_CLIP_SECONDS * 2:
        raise SoundError(f"{path} is longer than {MAX_CLIP_SECONDS} s; cut it")
    if not samples:
        raise SoundError(f"{path} holds no sound")
    return samples


class WavWriter:
    """A WAV file that grows frame by frame; close it to make its header true."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = wave.open(str(path), "wb")  # noqa: SIM115 (closed by close, it outlives this call)
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(RATE)

    def write(self, samples: bytes) -> None:
        """Append samples."""
        self._file.writeframesraw(samples)

    def close(self) -> None:
        """Finish the file. May be called again."""
        self._file.close()

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()
