"""What a voice is: a name, the languages it speaks, and text in, samples out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

MAX_TEXT = 600
"""Longest text of one prompt, in characters; the schema of prompts.yaml holds the same bound."""


class VoiceError(Exception):
    """A voice can not be had, or can not say this; the message says why and what would help."""


class VoiceLostError(VoiceError):
    """The process of a voice did not start, has ended or hangs; another one may be started."""


@dataclass(frozen=True, slots=True)
class Speech:
    """What a voice said: mono samples between -1 and 1, and how many of them make a second."""

    samples: Samples
    rate: int


class Voice(Protocol):
    """A voice, loaded and ready. One process speaks with one voice, one text at a time."""

    name: str
    version: str
    """Changes when the same text would sound different; part of what a built prompt is compared by."""
    languages: frozenset[str]

    def speak(self, text: str, language: str) -> Speech:
        """Say a text that `ivr.prompts.texts.speakable` returned. Raises VoiceError."""
