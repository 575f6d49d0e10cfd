"""Finds the sound that a script names: built prompts by their id, WAV files by their path."""

from __future__ import annotations

from config import City
from config.paths import Paths
from desk.phone import SoundError, read_wav
from desk.robot.script import Script


def load_clips(script: Script, city: City, paths: Paths) -> dict[str, bytes]:
    """Return the samples of every clip of a script by its name there. Raises SoundError for the first missing.

    A name that ends in .wav is a path from the script's folder, any other the id of a prompt in the language
    of the city's voice.
    """
    voice = city.platform.voice
    found: dict[str, bytes] = {}
    for name in script.clips:
        if name.endswith(".wav"):
            found[name] = read_wav(script.folder / name)
            continue
        path = paths.prompt(voice.engine, voice.language, name).with_suffix(".wav")
        if not path.exists():
            raise SoundError(
                f"there is no prompt {name} of the voice {voice.engine} ({path}); build it: yht prompts build"
            )
        found[name] = read_wav(path)
    return found
