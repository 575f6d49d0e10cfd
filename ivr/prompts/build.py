"""Builds the clips that are missing or changed, each whole or not at all.

A clip comes from the city's human recording where there is one (`<city>/recordings/prompts/<language>/<id>.wav`), else
from the voice. Either way sox makes it what the telephone carries: 8 kHz, mono, 16 bit, nothing below 100 Hz,
peaks at -3 dB of full scale.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ivr.prompts.items import Item, key
from ivr.prompts.library import RATE, Entry, Library, examine
from ivr.prompts.texts import TextError, speakable
from ivr.voice.base import VoiceError, VoiceLostError
from ivr.voice.process import Speakers
from ivr.voice.registry import LAST_RESORT, VoiceChoice, choose

SOX_SECONDS = 60.0
_TRIM = ("silence", "1", "0.02", "0.5%", "reverse", "silence", "1", "0.02", "0.5%", "reverse", "pad", "0.02")
_SAVE_EVERY = 25

Progress = Callable[[int, int, Item], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One clip that could not be built or is not right; `name` is "<language>/<id>"."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a build did. `voices` and `why`: who speaks each language, and why not the voice asked for."""

    built: tuple[str, ...]
    kept: int
    faults: tuple[Fault, ...]
    voices: dict[str, str]
    why: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Order:
    """One clip to build: from `recording` if it has one, else by `voice` saying `text`."""

    item: Item
    text: str
    key: str
    voice: str
    source: str
    recording: Path | None = None


def _voices(items: Iterable[Item], voice: str, command: tuple[str, ...]) -> dict[str, VoiceChoice | str]:
    """Who speaks each language; a text instead of a voice says why nobody does."""
    found: dict[str, VoiceChoice | str] = {}
    for language in {item.language: None for item in items}:
        try:
            found[language] = choose(voice, language, command)
        except VoiceError as error:
            found[language] = str(error)
    return found


def _order(item: Item, recordings: Path, choice: VoiceChoice | str) -> _Order:
    """Raises TextError, VoiceError or OSError when the clip can not be built."""
    human = recordings / item.language / f"{item.prompt_id}.wav"
    if human.is_file():
        source = "recording " + hashlib.sha256(human.read_bytes()).hexdigest()[:16]
        # A person was recorded as they should sound: only the format is ours.
        plain = replace(item, trimmed=False, effects=())
        return _Order(plain, item.text, key(plain, source, item.text), "", source, human)
    if isinstance(choice, str):
        raise VoiceError(choice)
    text = speakable(item.text, item.language)
    source = f"{choice.voice.name} {choice.voice.version}"
    return _Order(item, text, key(item, source, text), choice.voice.name, source)


def orders(
    items: Sequence[Item],
    recordings: Path,
    voice: str,
    command: tuple[str, ...] = (),
) -> tuple[list[_Order], list[Fault], dict[str, VoiceChoice | str]]:
    """Return what each clip has to be built from, the clips that can not be, and who speaks each language."""
    voices = _voices(items, voice, command)
    wanted, faults = [], []
    for item in items:
        try:
            wanted.append(_order(item, recordings, voices[item.language]))
        except (TextError, VoiceError, OSError) as error:
            faults.append(Fault(item.name, str(error)))
    return wanted, faults, voices


def finish(raw: Path, target: Path, item: Item) -> None:
    """Write the clip for the telephone from a WAV file of any rate. Raises VoiceError, OSError."""
    program = shutil.which("sox")
    if program is None:
        raise VoiceError("sox is not installed: apt-get install sox")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.stem}.{os.getpid()}.wav")
    effects = (*item.effects, *(_TRIM if item.trimmed else ()), "highpass", "100", "rate", str(RATE))
    command = [program, "-D", str(raw), "-c", "1", "-b", "16", "-e", "signed-integer", str(fresh), *effects]
    try:
        done = subprocess.run(
            [*command, "norm", "-3"], capture_output=True, text=True, timeout=SOX_SECONDS, errors="replace"
        )
        if done.returncode != 0:
            raise VoiceError(f"sox can not read it: {done.stderr.strip()[-200:]}")
        if examine(fresh).ms < 50:
            raise VoiceError("nothing but silence came out")
        fresh.replace(target)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise VoiceError(f"sox made no clip of it: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)


def build(
    library: Library,
    items: Sequence[Item],
    recordings: Path,
    voice: str,
    command: tuple[str, ...] = (),
    progress: Progress = lambda done, total, item: None,
) -> Outcome:
    """Build what is missing or changed and return what was done; a fault in one clip stops no other.

    `recordings` is the city's folder of human recordings, `command` the arguments of the voice `command`.
    Raises LibraryBusyError when another build is at work, OSError when the library can not be written.
    """
    with library.held(), Speakers(command) as speakers:
        made = _Work(library, items, recordings, voice, command)
        why = ""
        try:
            for name in sorted({order.voice for order in made.stale} - {""}):
                speakers.start(name)
        except VoiceLostError as error:
            why = str(error)
            made = _Work(library, items, recordings, LAST_RESORT, command)
        built = _speak(made, library, speakers, progress)
        voices = {language: _speaker(choice) for language, choice in made.voices.items()}
        reasons = {language: why or _reason(choice) for language, choice in made.voices.items()}
        return Outcome(
            tuple(built),
            len(made.wanted) - len(made.stale),
            tuple(made.faults),
            voices,
            {language: reason for language, reason in reasons.items() if reason},
        )


class _Work:
    """What one build has to do; `faults` grows while it does it."""

    def __init__(
        self, library: Library, items: Sequence[Item], recordings: Path, voice: str, command: tuple[str, ...]
    ) -> None:
        self.wanted, self.faults, self.voices = orders(items, recordings, voice, command)
        self.entries = library.entries()
        self.stale = [order for order in self.wanted if not _current(library, self.entries, order)]


def _speak(work: _Work, library: Library, speakers: Speakers, progress: Progress) -> list[str]:
    built: list[str] = []
    with tempfile.TemporaryDirectory(prefix="yht-prompts-") as folder:
        for number, order in enumerate(work.stale, start=1):
            item, target = order.item, library.clip(order.item.language, order.item.prompt_id)
            try:
                raw = order.recording or Path(folder) / "speech.wav"
                if order.recording is None:
                    speakers.speak(order.voice, order.text, item.language, raw)
                finish(raw, target, item)
            except VoiceError as error:
                work.faults.append(Fault(item.name, str(error)))
            else:
                work.entries[item.name] = Entry(order.key, item.text, order.source, examine(target).ms)
                built.append(item.name)
            if number % _SAVE_EVERY == 0:
                library.save(work.entries)
            progress(number, len(work.stale), item)
    library.save(work.entries)
    return built


def _speaker(choice: VoiceChoice | str) -> str:
    return "" if isinstance(choice, str) else choice.voice.name


def _reason(choice: VoiceChoice | str) -> str:
    return choice if isinstance(choice, str) else choice.why


def _current(library: Library, entries: dict[str, Entry], order: _Order) -> bool:
    entry = entries.get(order.item.name)
    return (
        entry is not None
        and entry.key == order.key
        and library.clip(order.item.language, order.item.prompt_id).is_file()
    )
