"""What is wrong with a city's prompts beyond its files: texts that no voice can say, clips that are not built."""

from __future__ import annotations

from collections.abc import Iterator

from config import City, Problem
from config.crosscheck import SYSTEM_PROMPTS
from config.paths import Paths
from config.schema.base import Language
from ivr.prompts.texts import TextError, speakable


def unspeakable(city: City) -> tuple[Problem, ...]:
    """Return the prompts and demo lines that no voice can say, and why."""
    texts = [
        (f"prompt.{name}.{language}", f"prompts.{name}.{language}", language, prompt.text(language))
        for name, prompt in city.prompts.items()
        for language in ("zh", "en")
    ]
    texts += [(f"demo.{line.id}.text", f"lines.{line.id}.text", "zh", line.text) for line in city.demo]
    found = []
    for key, path, language, text in texts:
        try:
            speakable(text, language)
        except TextError as error:
            what, _, remedy = str(error).partition(": ")
            found.append(_problem(city, key, path, what, remedy or "write words that can be spoken"))
    return tuple(found)


def without_clip(city: City, paths: Paths) -> tuple[Problem, ...]:
    """Return the prompts that a caller can meet and that have no sound yet."""
    found = []
    for name, language in sorted(set(_used(city))):
        clip = paths.prompt(city.platform.voice.engine, language, name)
        if not clip.with_name(f"{clip.name}.wav").is_file():
            key, path = f"prompt.{name}.{language}", f"prompts.{name}.{language}"
            found.append(_problem(city, key, path, "has no sound", "build it: yht prompts build"))
    return tuple(found)


def _used(city: City) -> Iterator[tuple[str, Language]]:
    for name in SYSTEM_PROMPTS:
        yield name, city.platform.voice.language
    for hotline in city.hotlines:
        for name in hotline.prompts:
            yield name, hotline.language


def _problem(city: City, key: str, path: str, what: str, remedy: str) -> Problem:
    file, _, line = city.places.get(key, "prompts.yaml:0").rpartition(":")
    return Problem(file, int(line), path, what, remedy)
