"""Puts a spoken clip beside an actor's XML as raw G.711 A-law, which SIPp streams as it is."""

from __future__ import annotations

from pathlib import Path

import soundfile

from config import City
from config.paths import Paths

FILE = "speech.alaw"
"""The name by which a common XML asks for it."""
RATE = 8000


class NoSpeech(Exception):
    """The clip is not there or not as SIPp needs it; the text says which and how to make it."""


def find_clip(city: City, paths: Paths, prompt: str) -> Path:
    """Return where a prompt's built clip lies. Raises NoSpeech."""
    voice = city.platform.voice
    path = paths.prompt(voice.engine, voice.language, prompt)
    clip = path.with_name(path.name + ".wav")
    if not clip.is_file():
        raise NoSpeech(f"there is no clip of the prompt {prompt!r}; make it: yht prompts build")
    return clip


def put(clip: Path, target: Path) -> None:
    """Write a clip as A-law. Raises NoSpeech."""
    try:
        samples, rate = soundfile.read(clip, dtype="int16")
    except (OSError, soundfile.LibsndfileError) as error:
        raise NoSpeech(f"{clip.name} can not be read; make it again: yht prompts build") from error
    if rate != RATE or samples.ndim != 1:
        raise NoSpeech(f"{clip.name} is not {RATE} Hz mono; make it again: yht prompts build")
    soundfile.write(target, samples, RATE, format="RAW", subtype="ALAW")
