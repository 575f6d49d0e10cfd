"""Reads and mends the header of a WAV file that Asterisk wrote, without touching its samples.

Asterisk writes a header of 44 bytes with sizes of zero and fills the sizes in when it closes the file. After
a kill the samples are there and the sizes are not. Pure: bytes in, bytes out. Layout: Microsoft and IBM,
"Multimedia Programming Interface and Data Specifications 1.0" (1991), RIFF and WAVE.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

HEAD_BYTES: Final = 4096
"""How much of a file's start is enough to find its samples."""
_PCM: Final = 1
_ALLOWED_RATES: Final = (8000, 16000)


class WavError(ValueError):
    """The file is no recording that can be used; the message says what was found and what would be right."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the samples are. `declared` is the header's word for their length, `present` what is there."""

    rate: int
    data_at: int
    declared: int
    present: int
    riff_declared: int
    file_bytes: int

    @property
    def closed(self) -> bool:
        """Whether whoever wrote the file came to its end."""
        return self.declared == self.present > 0

    @property
    def duration_ms(self) -> int:
        """Length of what is there, 16 bit mono."""
        return self.present // 2 * 1000 // self.rate


def read(head: bytes, file_bytes: int) -> Header:
    """Return the header of a mono 16-bit file. `head` is its first HEAD_BYTES. Raises WavError."""
    if file_bytes == 0:
        raise WavError("the file is empty")
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise WavError(f"no WAV file: it begins with {head[:12]!r}")
    (riff,) = struct.unpack_from("<I", head, 4)
    rate = 0
    at = 12
    while at + 8 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt ":
            if at + 24 > len(head):
                break
            rate = _rate(head, at + 8)
        elif name == b"data":
            if not rate:
                raise WavError("the samples come before their format")
            present = file_bytes - at - 8
            # Chunks after the samples are no samples; Asterisk writes none, editors do.
            # Less than one sample says as little as the 0 that a kill leaves.
            if 1 < size <= present:
                present = size
            return Header(rate, at + 8, size, present - present % 2, riff, file_bytes)
        at += 8 + size + size % 2
    raise WavError(f"the header is cut short: {file_bytes} bytes and no samples")


def _rate(head: bytes, at: int) -> int:
    kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", head, at)
    if kind != _PCM or bits != 16:
        raise WavError(f"format {kind} with {bits} bit; PCM (1) with 16 bit is right")
    if channels != 1:
        raise WavError(f"{channels} channels; one side of a call has one")
    if rate not in _ALLOWED_RATES:
        raise WavError(f"{rate} samples a second; 8000 or 16000 are right")
    return int(rate)


def repairs(header: Header) -> tuple[tuple[int, bytes], ...]:
    """Return what to write where so that the header tells the truth: (offset, bytes), none if it does."""
    patches: list[tuple[int, bytes]] = []
    if header.declared != header.present:
        patches.append((header.data_at - 4, struct.pack("<I", header.present)))
        riff = header.data_at + header.present - 8
        if header.riff_declared != riff:
            patches.append((4, struct.pack("<I", riff)))
    return tuple(patches)
