"""A side's WAV file as FLAC and back, byte for byte: the header that Asterisk wrote comes back as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import soundfile

from recorder import wav

LEVEL: Final = 0.0
"""Of compression, 0 to 1: on telephone sound the rest gains 1 % and takes three times as long."""
BLOCK_FRAMES: Final = 256 * 1024
MOST_BESIDE: Final = 64 * 1024
"""What may stand before and after the samples; more is no recording of Asterisk's."""


class FlacError(ValueError):
    """The file can not be kept as FLAC (or is no FLAC any more); the message says why."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before and after the samples in the WAV file."""

    before: bytes
    after: bytes


def packed(file: Path, target: IO[bytes]) -> Frame:
    """Write the samples of a WAV file to `target` as FLAC and return the rest of it. Raises FlacError, OSError."""
    size = file.stat().st_size
    with file.open("rb") as reader:
        try:
            header = wav.read(reader.read(wav.HEAD_BYTES), size)
        except wav.WavError as error:
            raise FlacError(str(error)) from error
        end = header.data_at + header.present
        if not header.present or header.data_at > MOST_BESIDE or size - end > MOST_BESIDE:
            raise FlacError("it has no samples, or much besides them")
        reader.seek(0)
        before = reader.read(header.data_at)
        left = header.present
        try:
            with soundfile.SoundFile(
                target, "w", header.rate, 1, "PCM_16", format="FLAC", compression_level=LEVEL
            ) as writer:
                while left > 0:
                    block = reader.read(min(left, BLOCK_FRAMES * 2))
                    if not block:
                        raise FlacError("it became shorter meanwhile")
                    writer.buffer_write(block, "int16")
                    left -= len(block)
        except soundfile.SoundFileError as error:
            raise FlacError(f"FLAC refuses it: {error}") from error
        reader.seek(end)
        return Frame(before, reader.read())


def unpacked(flac: Path | str, frame: Frame) -> Iterator[bytes]:
    """Yield the bytes of the WAV file again. Raises FlacError."""
    yield frame.before
    try:
        with soundfile.SoundFile(flac) as reader:
            while block := bytes(reader.buffer_read(BLOCK_FRAMES, "int16")):
                yield block
    except soundfile.SoundFileError as error:
        raise FlacError(f"it is no FLAC file: {error}") from error
    yield frame.after


def memory(name: str) -> int:
    """Return the descriptor of a file that lies in memory only; closing it is its end."""
    return os.memfd_create(name)


def place_of(descriptor: int) -> Path:
    """Return the path by which processes of the same user open a descriptor of ours."""
    return Path(f"/proc/{os.getpid()}/fd/{descriptor}")
