"""Headers of recordings: read exactly, mended truthfully, refused clearly."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.wav import HEAD_BYTES, WavError, read, repairs

pytestmark = pytest.mark.unit


def _file(
    samples: bytes,
    *,
    declared: int | None = None,
    riff: int | None = None,
    rate: int = 8000,
    channels: int = 1,
    bits: int = 16,
    kind: int = 1,
) -> bytes:
    declared = len(samples) if declared is None else declared
    riff = 36 + declared if riff is None else riff
    frame = channels * bits // 8
    head = struct.pack("<4sI4s4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16)
    head += struct.pack("<HHIIHH", kind, channels, rate, rate * frame, frame, bits)
    return head + struct.pack("<4sI", b"data", declared) + samples


def _mended(file: bytes) -> bytes:
    whole = bytearray(file)
    for at, data in repairs(read(file[:HEAD_BYTES], len(file))):
        whole[at : at + len(data)] = data
    return bytes(whole)


def test_a_file_that_was_closed_needs_no_mending() -> None:
    file = _file(b"\x01\x00" * 8000)
    header = read(file, len(file))
    assert header.closed
    assert header.duration_ms == 1000
    assert repairs(header) == ()


def test_sizes_that_a_kill_left_at_zero_are_filled_in() -> None:
    whole = _file(b"\x01\x00" * 4000)
    assert _mended(_file(b"\x01\x00" * 4000, declared=0, riff=0)) == whole


def test_sizes_larger_than_the_file_are_brought_down() -> None:
    file = _file(b"\x01\x00" * 4000, declared=99_999)
    mended = _mended(file)
    assert read(mended, len(mended)).closed
    assert read(mended, len(mended)).present == 8000


def test_half_a_sample_at_the_end_is_no_sample() -> None:
    file = _file(b"\x01\x00" * 10 + b"\x07", declared=0)
    assert read(file, len(file)).present == 20


@given(st.binary(max_size=300).map(lambda data: data[: len(data) // 2 * 2]), st.integers(0, 2**32 - 1))
@example(samples=bytes(2), declared=1)
def test_mending_is_done_once_and_keeps_every_sample(samples: bytes, declared: int) -> None:
    file = _file(samples, declared=declared, riff=0)
    once = _mended(file)
    assert _mended(once) == once
    assert once[44:] == samples


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        header = read(data, len(data))
    except WavError:
        return
    assert header.data_at + header.present <= len(data)


@given(st.integers(0, 60), st.binary(min_size=60, max_size=60))
def test_a_damaged_header_is_read_or_refused(at: int, noise: bytes) -> None:
    file = bytearray(_file(b"\x00\x01" * 50))
    file[at : at + 4] = noise[:4]
    try:
        header = read(bytes(file), len(file))
    except WavError:
        return
    assert header.data_at + header.present <= len(file)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        (b"", "empty"),
        (b"RIFF", "no WAV file"),
        (b"ID3\x03" + b"\x00" * 60, "no WAV file"),
        (_file(b"")[:40], "cut short"),
        (_file(b"\x00" * 8, channels=2), "2 channels"),
        (_file(b"\x00" * 8, rate=44100), "44100 samples"),
        (_file(b"\x00" * 8, bits=8), "8 bit"),
        (_file(b"\x00" * 8, kind=6), "format 6"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_reason(file: bytes, reason: str) -> None:
    with pytest.raises(WavError, match=reason):
        read(file, len(file))
