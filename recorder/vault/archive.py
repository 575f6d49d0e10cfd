"""What is known of a recording that was put away: which file holds which side, and its wrapped key. Pure.

`archive.json` beside `index.json` is this in JSON. It is written when everything it names is safely there, and
only then are the WAV files removed: before it a recording is its WAV files, after it the encrypted ones.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from recorder.recording import Speaker
from recorder.seal import PUT_AWAY

FILE: Final = PUT_AWAY
VERSION: Final = 1
Codec = Literal["flac", "raw"]
"""raw: what is no WAV file that FLAC can hold is kept as it was found."""


class BrokenArchiveError(ValueError):
    """archive.json can not be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One side: `sha256` and `size` are of the encrypted file, `before` and `after` what frames the samples."""

    speaker: Speaker
    codec: Codec
    sha256: str
    size: int
    before: bytes
    after: bytes
    master: str
    key: bytes

    @property
    def file(self) -> str:
        """The name of the encrypted file."""
        return f"{self.speaker}.{'flac' if self.codec == 'flac' else 'wav'}.enc"


@dataclass(frozen=True, slots=True)
class Archive:
    """A recording that was put away; `url` is the store's, "" for the folder of recordings itself."""

    call_id: str
    folder: str
    url: str
    sides: tuple[Kept, ...]

    def side(self, speaker: Speaker) -> Kept | None:
        """Return one side; None where there was no file."""
        return next((side for side in self.sides if side.speaker == speaker), None)


def about(call_id: str, speaker: Speaker) -> bytes:
    """Return what a file and its key are bound to, so that neither can be another call's."""
    return f"{call_id}/{speaker}".encode()


def encode(archive: Archive) -> str:
    """The archive as the text of archive.json."""

    def plain(value: object) -> object:
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value

    sides = [{name: plain(value) for name, value in asdict(side).items()} for side in archive.sides]
    body = {"version": VERSION, "call_id": archive.call_id, "folder": archive.folder, "url": archive.url}
    return json.dumps({**body, "sides": sides}, ensure_ascii=False, indent=1) + "\n"


def decode(text: str) -> Archive:
    """The archive that an archive.json tells. Raises BrokenArchiveError."""
    try:
        raw: Mapping[str, Any] = json.loads(text)
        if (version := raw["version"]) != VERSION:
            raise ValueError(f"version {version!r}; {VERSION} is known here")
        return Archive(raw["call_id"], raw["folder"], raw["url"], tuple(_side(side) for side in raw["sides"]))
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenArchiveError(f"{FILE} can not be read: {error}") from error


def _side(raw: Mapping[str, Any]) -> Kept:
    bytes_of = {name: base64.b64decode(raw[name], validate=True) for name in ("before", "after", "key")}
    if raw["speaker"] not in ("citizen", "agent") or raw["codec"] not in ("flac", "raw"):
        raise ValueError("a side of nobody, or of an unknown kind")
    return Kept(**{**raw, **bytes_of})
