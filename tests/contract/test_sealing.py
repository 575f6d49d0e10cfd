"""Recordings on a real disk: sealed, mended after a kill, refused to be altered, each state plain."""

import json
import stat
import wave
from pathlib import Path

import numpy as np
import pytest

from cti.facts import Fact
from recorder.seal import AlteredError, is_open, seal, verify

pytestmark = pytest.mark.contract

CALL = "n1-1795536000.42"
FOLDER = f"2026/11/24/{CALL}"
NOW = 1_795_536_060_000_000


def _speech(seconds: float = 1.0) -> bytes:
    time = np.arange(int(8000 * seconds)) / 8000
    return (np.sin(2 * np.pi * 300 * time) * 8000).astype("<i2").tobytes()


def _write(root: Path, side: str, samples: bytes, *, closed: bool = True) -> Path:
    file = root / FOLDER / f"{side}.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(samples)
    if not closed:
        data = bytearray(file.read_bytes())
        data[4:8] = data[40:44] = bytes(4)
        file.write_bytes(bytes(data))
    return file


def test_a_recording_is_sealed_with_its_hashes_and_its_people(tmp_path: Path) -> None:
    file = _write(tmp_path, "citizen", _speech(3))
    _write(tmp_path, "agent", _speech(3))
    facts = (
        Fact("1", "recording_started", NOW, data={"folder": FOLDER}),
        Fact("2", "answered", NOW + 1_000_000, data={"offer": "o", "agent": "8001", "seat": "8001"}),
    )
    recording = seal(tmp_path, FOLDER, CALL, facts, NOW)
    assert (recording.state, recording.duration_ms, recording.sample_rate) == ("sealed", 3000, 8000)
    assert [(part.agent, part.from_ms, part.to_ms) for part in recording.parts] == [("8001", 1000, 3000)]
    index = json.loads((file.parent / "index.json").read_text())
    assert index["state"] == "sealed"
    assert len(index["sides"][0]["sha256"]) == 64
    for name in ("citizen.wav", "agent.wav", "index.json"):
        assert stat.S_IMODE((file.parent / name).stat().st_mode) == 0o440
    assert verify(file.parent).faults == ()


def test_sealing_again_returns_what_was_sealed(tmp_path: Path) -> None:
    for side in ("citizen", "agent"):
        _write(tmp_path, side, _speech())
    first = seal(tmp_path, FOLDER, CALL, (), NOW)
    assert seal(tmp_path, FOLDER, CALL, (), NOW + 1) == first


def test_a_killed_asterisk_leaves_a_recording_that_is_mended(tmp_path: Path) -> None:
    file = _write(tmp_path, "citizen", _speech(2), closed=False)
    _write(tmp_path, "agent", _speech(2), closed=False)
    assert is_open(tmp_path / FOLDER)
    recording = seal(tmp_path, FOLDER, CALL, (), NOW)
    assert recording.state == "repaired"
    assert "never closed" in recording.note
    with wave.open(str(file)) as reader:
        assert reader.readframes(reader.getnframes()) == _speech(2)


def test_a_changed_recording_is_noticed_and_not_sealed_over(tmp_path: Path) -> None:
    file = _write(tmp_path, "citizen", _speech())
    _write(tmp_path, "agent", _speech())
    seal(tmp_path, FOLDER, CALL, (), NOW)
    file.chmod(0o640)
    file.write_bytes(file.read_bytes()[:-100] + bytes(100))
    assert "citizen.wav has changed" in verify(file.parent).faults[0]
    with pytest.raises(AlteredError, match=r"citizen\.wav has changed"):
        seal(tmp_path, FOLDER, CALL, (), NOW)


def test_a_removed_side_and_a_swapped_one_are_named(tmp_path: Path) -> None:
    citizen, agent = (_write(tmp_path, side, _speech(n)) for n, side in ((1, "citizen"), (2, "agent")))
    seal(tmp_path, FOLDER, CALL, (), NOW)
    agent.unlink()
    assert verify(citizen.parent).faults == ("agent.wav is gone",)
    citizen.rename(agent)
    assert len(verify(agent.parent).faults) == 2


def test_a_recording_that_was_never_sealed_says_so(tmp_path: Path) -> None:
    assert verify(tmp_path).faults == ("not sealed: there is no index.json",)


@pytest.mark.parametrize(
    ("content", "state", "note"),
    [
        (b"", "empty", "the file is empty"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "damaged", "cut short"),
        (b"not a recording at all, but some text", "damaged", "no WAV file"),
        (None, "missing", "not there"),
    ],
)
def test_every_broken_side_has_its_state_and_the_other_is_kept(
    tmp_path: Path, content: bytes | None, state: str, note: str
) -> None:
    _write(tmp_path, "agent", _speech())
    file = tmp_path / FOLDER / "citizen.wav"
    if content is not None:
        file.write_bytes(content)
    recording = seal(tmp_path, FOLDER, CALL, (), NOW)
    assert recording.state == state
    assert note in recording.note
    assert recording.side("agent").state == "sealed"
    if content is not None:
        assert file.read_bytes() == content
    assert verify(tmp_path / FOLDER).faults == ()


def test_a_header_without_samples_is_an_empty_side(tmp_path: Path) -> None:
    _write(tmp_path, "citizen", b"")
    _write(tmp_path, "agent", _speech())
    recording = seal(tmp_path, FOLDER, CALL, (), NOW)
    assert (recording.state, recording.side("citizen").note) == ("empty", "holds no samples")


def test_a_silent_side_is_sealed_and_told(tmp_path: Path) -> None:
    _write(tmp_path, "citizen", bytes(16000))
    _write(tmp_path, "agent", _speech())
    recording = seal(tmp_path, FOLDER, CALL, (), NOW)
    assert recording.state == "sealed"
    assert recording.note == "citizen.wav: silent throughout"


def test_a_call_without_a_folder_is_a_missing_recording(tmp_path: Path) -> None:
    recording = seal(tmp_path, FOLDER, CALL, (), NOW)
    assert (recording.state, recording.duration_ms) == ("missing", 0)
