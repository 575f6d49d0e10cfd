"""The built clips on disk: one folder a voice, `<language>/<id>.wav` in it, and a manifest."""

from __future__ import annotations

import json
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cti import files

RATE = 8000
"""What the telephone carries; Asterisk plays it without resampling."""


class LibraryBusyError(Exception):
    """Another build holds the library."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the manifest: what a clip was built from, who spoke it, and how long it is."""

    key: str
    text: str
    source: str
    ms: int


class Library:
    """The clips of one voice. Reads and writes files only below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clip(self, language: str, prompt_id: str) -> Path:
        """Return where a clip lies, whether it is there or not."""
        return self.folder / language / f"{prompt_id}.wav"

    def entries(self) -> dict[str, Entry]:
        """Return the manifest: "<language>/<id>" → entry; empty when there is none that can be read."""
        try:
            raw = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
            return {name: Entry(**entry) for name, entry in raw.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            # A lost manifest costs a build, nothing else.
            return {}

    def save(self, entries: dict[str, Entry]) -> None:
        """Replace the manifest as a whole."""
        text = {name: asdict(entry) for name, entry in sorted(entries.items())}
        files.replace(self.folder / "manifest.json", json.dumps(text, ensure_ascii=False, indent=1) + "\n")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the library for one build. Raises LibraryBusyError when another build does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with files.held(self.folder / ".lock", self._busy):
            yield

    def _busy(self) -> LibraryBusyError:
        return LibraryBusyError(f"another `yht prompts build` is at work in {self.folder}")


@dataclass(frozen=True, slots=True)
class Sound:
    """What a clip is as a sound; `peak` is 0 to 1 of full scale."""

    rate: int
    channels: int
    bits: int
    ms: int
    peak: float


def examine(file: Path) -> Sound:
    """Read a WAV file. Raises OSError, or ValueError when it is no WAV file with PCM samples."""
    try:
        with wave.open(str(file), "rb") as reader:
            rate, channels, width = reader.getframerate(), reader.getnchannels(), reader.getsampwidth()
            frames = reader.getnframes()
            data = reader.readframes(frames)
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{file.name} is no WAV file with PCM samples ({error})") from error
    peak = 0.0
    if width == 2 and data:
        samples = memoryview(data[: len(data) // 2 * 2]).cast("h")
        peak = max(abs(min(samples)), abs(max(samples))) / 32768
    return Sound(rate, channels, width * 8, round(frames * 1000 / rate), peak)
