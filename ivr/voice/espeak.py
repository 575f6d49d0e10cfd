"""The last resort: espeak-ng, which any Linux has, speaks English plainly and Mandarin hard to understand."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import soundfile

from ivr.voice.base import Speech, VoiceError

# Debian 12's plain `cmn` reads tone numbers aloud in English; the pinyin variant does not.
_VARIANTS = {"zh": "cmn-latn-pinyin+f4", "en": "en"}
_WORDS_PER_MINUTE = "150"
_DEADLINE_SECONDS = 30.0


def _run(*arguments: str, text: str = "") -> str:
    program = shutil.which("espeak-ng")
    if program is None:
        raise VoiceError("espeak-ng is not installed: apt-get install espeak-ng")
    try:
        done = subprocess.run(
            [program, *arguments], input=text, capture_output=True, text=True, timeout=_DEADLINE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise VoiceError(f"espeak-ng did not end within {_DEADLINE_SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise VoiceError(f"espeak-ng failed: {done.stderr.strip()[-200:] or done.returncode}")
    return done.stdout


class EspeakVoice:
    """espeak-ng by its command line. Raises VoiceError when it is not installed."""

    name = "espeak-ng"
    languages = frozenset(_VARIANTS)

    def __init__(self) -> None:
        self.version = _run("--version").split("Data at")[0].split(":")[-1].strip()

    def speak(self, text: str, language: str) -> Speech:
        """Say a text in one of `languages`."""
        if language not in _VARIANTS:
            raise VoiceError(f"the voice espeak-ng is not set up for {language!r}")
        with tempfile.TemporaryDirectory(prefix="yht-voice-") as folder:
            target = Path(folder) / "speech.wav"
            _run("-v", _VARIANTS[language], "-s", _WORDS_PER_MINUTE, "-w", str(target), "--stdin", text=text)
            samples, rate = soundfile.read(target, dtype="float32")
        return Speech(samples, int(rate))
