"""A city's own voice: any program that reads a text and writes a WAV file."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import soundfile

from ivr.voice.base import Speech, VoiceError

_DEADLINE_SECONDS = 120.0


class CommandVoice:
    """Runs the city's program once a text.

    The program gets the text on its standard input, UTF-8; in its arguments `{language}` stands for `zh` or
    `en` and `{file}` for the WAV file that it writes. It is started without a shell.
    Raises VoiceError when the program is not there or `{file}` is not among its arguments.
    """

    name = "command"
    languages = frozenset({"zh", "en"})

    def __init__(self, arguments: tuple[str, ...]) -> None:
        if not arguments:
            raise VoiceError("the voice `command` needs voice.command in platform.yaml")
        if not any("{file}" in argument for argument in arguments):
            raise VoiceError("voice.command in platform.yaml names no {file} to write")
        if shutil.which(arguments[0]) is None:
            raise VoiceError(f"voice.command in platform.yaml: there is no program {arguments[0]!r}")
        self._arguments = arguments
        self.version = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:12]

    def speak(self, text: str, language: str) -> Speech:
        """Say a text by one run of the program."""
        with tempfile.TemporaryDirectory(prefix="yht-voice-") as folder:
            target = Path(folder) / "speech.wav"
            filled = [
                argument.replace("{file}", str(target)).replace("{language}", language)
                for argument in self._arguments
            ]
            try:
                done = subprocess.run(
                    filled, input=text, capture_output=True, text=True, timeout=_DEADLINE_SECONDS
                )
            except subprocess.TimeoutExpired as error:
                raise VoiceError(f"{filled[0]} did not end within {_DEADLINE_SECONDS:.0f} s") from error
            if done.returncode != 0:
                raise VoiceError(f"{filled[0]} failed: {done.stderr.strip()[-200:] or done.returncode}")
            try:
                samples, rate = soundfile.read(target, dtype="float32", always_2d=True)
            except (soundfile.SoundFileError, OSError) as error:
                raise VoiceError(f"{filled[0]} wrote no WAV file that can be read: {error}") from error
        return Speech(samples.mean(axis=1), int(rate))
