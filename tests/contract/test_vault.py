"""Recordings put away on a real disk and in a store: whole at every moment, unreadable without the key."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile

from recorder.recording import Recording, Speaker
from recorder.seal import AlteredError, seal
from recorder.vault import flac, keys, manifest
from recorder.vault.chain import Entry
from recorder.vault.keys import KeysError
from recorder.vault.places import StoreError
from recorder.vault.store import Vault

pytestmark = pytest.mark.contract

CALL = "n1-1795536000.42"
FOLDER = f"2026/11/24/{CALL}"


def _speech(seconds: float = 2.0, seed: int = 1) -> bytes:
    rng = np.random.default_rng(seed)
    wave_ = np.sin(np.arange(int(8000 * seconds)) / 9) * 6000 + rng.normal(size=int(8000 * seconds)) * 300
    return wave_.astype("<i2").tobytes()


def _write(root: Path, side: str, samples: bytes, folder: str = FOLDER) -> bytes:
    file = root / folder / f"{side}.wav"
    file.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(file), "wb") as writer:
        writer.setparams((1, 2, 8000, 0, "NONE", ""))
        writer.writeframes(samples)
    return file.read_bytes()


class Place:
    def __init__(self, folder: Path, url: str = "") -> None:
        self.root = folder / "recordings"
        self.secrets = folder / "secrets"
        self.vault = Vault(self.root, self.secrets, url)
        self.citizen = _write(self.root, "citizen", _speech())
        self.agent = _write(self.root, "agent", _speech(seed=2))

    def seal(self) -> Recording:
        return seal(self.root, FOLDER, CALL, (), 5)

    def content(self, speaker: Speaker = "citizen") -> bytes:
        return b"".join(self.vault.content(FOLDER, speaker))

    def files(self) -> list[str]:
        return sorted(file.name for file in (self.root / FOLDER).iterdir())


@pytest.fixture(params=["", "memory://recordings", "file://{tmp}/store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    yield Place(tmp_path, request.param.format(tmp=tmp_path))
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def home(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_recording_comes_back_byte_for_byte_and_lies_nowhere_in_the_clear(
    place: Place, tmp_path: Path
) -> None:
    recording = place.seal()
    archive = place.vault.put(recording)
    assert (place.content("citizen"), place.content("agent")) == (place.citizen, place.agent)
    assert place.vault.faults(recording) == ()
    samples = place.citizen[1000:1200]
    for file in tmp_path.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert samples not in content
            assert b"fLaC" not in content
    encrypted = {"agent.flac.enc", "citizen.flac.enc"}
    assert set(place.files()) == {"archive.json", "index.json"} | (set() if archive.url else encrypted)
    for name in place.files():
        assert stat.S_IMODE((place.root / FOLDER / name).stat().st_mode) == 0o440
    assert place.seal() == recording, "a job that is done again finds it sealed"
    assert place.vault.put(recording) == archive, "and put away"


def test_an_engine_in_another_process_reads_the_sound_without_a_file(place: Place) -> None:
    place.vault.put(place.seal())
    script = (
        "import soundfile, sys; x, rate = soundfile.read(sys.argv[1], dtype='int16'); print(len(x), rate)"
    )
    with place.vault.opened(FOLDER, "citizen") as file:
        said = subprocess.run(
            [sys.executable, "-c", script, file], capture_output=True, text=True, check=True
        )
        samples, _ = soundfile.read(str(file), dtype="int16")
    assert said.stdout == "16000 8000\n"
    assert samples.tobytes() == place.citizen[44:]
    assert not file.exists()


def test_before_it_is_put_away_a_recording_is_its_wav_files(home: Place) -> None:
    recording = home.seal()
    with home.vault.opened(FOLDER, "agent") as file:
        assert file == home.root / FOLDER / "agent.wav"
    assert home.content() == home.citizen
    assert home.vault.faults(recording) == ()


def test_what_is_no_wav_file_is_kept_as_it_was_found(home: Place) -> None:
    (home.root / FOLDER / "citizen.wav").write_bytes(b"not a recording")
    (home.root / FOLDER / "agent.wav").write_bytes(b"")
    recording = home.seal()
    home.vault.put(recording)
    assert home.files() == ["agent.wav.enc", "archive.json", "citizen.wav.enc", "index.json"]
    assert (home.content("citizen"), home.content("agent")) == (b"not a recording", b"")
    assert home.vault.faults(recording) == ()


def test_a_side_that_is_missing_is_no_fault(home: Place) -> None:
    (home.root / FOLDER / "agent.wav").unlink()
    recording = home.seal()
    home.vault.put(recording)
    assert home.files() == ["archive.json", "citizen.flac.enc", "index.json"]
    assert home.vault.faults(recording) == ()


def test_what_stands_around_the_samples_comes_back_too(home: Place) -> None:
    """Some other program's header: a chunk more before the samples, one behind them."""
    plain = home.citizen
    more = plain[:36] + b"LIST\x04\0\0\0abcd" + plain[36:] + b"note\x02\0\0\0hi"
    (home.root / FOLDER / "citizen.wav").write_bytes(more)
    recording = home.seal()
    home.vault.put(recording)
    assert "citizen.flac.enc" in home.files()
    assert home.content() == more


@pytest.mark.parametrize("at", ["write", "archive", "unlink"])
def test_a_crash_at_any_point_leaves_the_recording_whole_and_the_next_one_ends_it(
    home: Place, at: str
) -> None:
    recording = home.seal()
    script = f"""
import os, pathlib, signal, sys
from recorder.seal import seal
from recorder.vault import places, store
at = {at!r}
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
write = places.write
def counted(target, blocks):
    if at == "archive" and target.name == "archive.json":
        die()
    if at == "write" and target.name.startswith("agent"):
        target.with_name("." + target.name + ".1").write_bytes(b"half")
        die()
    return write(target, blocks)
places.write = counted
if at == "unlink":
    pathlib.Path.unlink = die
root, secrets, folder, call = sys.argv[1:]
store.Vault(pathlib.Path(root), pathlib.Path(secrets)).put(seal(pathlib.Path(root), folder, call, (), 5))
"""
    arguments = [sys.executable, "-c", script, home.root, home.secrets, FOLDER, CALL]
    died = subprocess.run(arguments, capture_output=True, env={**os.environ, "PYTHONPATH": os.getcwd()})
    if at == "unlink":
        keys.ensure(home.secrets)
    assert died.returncode == -9, died.stderr.decode()
    assert home.seal() == recording
    assert home.content() == home.citizen
    home.vault.put(home.seal())
    assert home.content() == home.citizen
    assert home.files() == ["agent.flac.enc", "archive.json", "citizen.flac.enc", "index.json"]


def test_a_changed_a_swapped_and_a_removed_file_are_told(home: Place) -> None:
    recording = home.seal()
    home.vault.put(recording)
    citizen, agent = (home.root / FOLDER / f"{side}.flac.enc" for side in ("citizen", "agent"))
    whole = citizen.read_bytes()
    citizen.unlink()
    citizen.write_bytes(agent.read_bytes())
    assert home.vault.faults(recording) == (
        f"{FOLDER}/citizen.flac.enc is not what was put away: changed, cut short, or of another call",
    )
    citizen.write_bytes(whole[:-1])
    assert "cut short" in home.vault.faults(recording)[0]
    citizen.unlink()
    assert home.vault.faults(recording) == ("citizen.flac.enc is gone",)
    with pytest.raises(StoreError, match="is gone"), home.vault.opened(FOLDER, "citizen"):
        pass


def test_a_recording_that_changed_between_sealing_and_putting_away_is_not_put_away(home: Place) -> None:
    recording = home.seal()
    file = home.root / FOLDER / "citizen.wav"
    file.chmod(0o640)
    file.write_bytes(home.citizen[:-100] + bytes(100))
    with pytest.raises(AlteredError, match=r"citizen\.wav has changed"):
        home.vault.put(recording)
    assert "archive.json" not in home.files()


def test_a_store_that_goes_away_in_mid_write_costs_nothing(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = home.seal()
    memory = fsspec.filesystem("memory")
    vault = Vault(home.root, home.secrets, "memory://away")

    def away(*_: object, **__: object) -> None:
        raise ConnectionError("the network is unreachable")

    monkeypatch.setattr(type(memory), "put_file", away)
    with pytest.raises(
        StoreError, match=r"memory://away: .*citizen\.flac\.enc can not be written: the network"
    ):
        vault.put(recording)
    assert home.files() == ["agent.wav", "citizen.wav", "index.json"]
    assert vault.faults(recording) == ()
    monkeypatch.undo()
    assert vault.put(recording).url == "memory://away"
    assert home.files() == ["archive.json", "index.json"]
    monkeypatch.setattr(type(memory), "open", away)
    assert vault.faults(recording)[0].endswith("can not be read: the network is unreachable")
    memory.store.clear()


def test_a_full_disk_costs_nothing(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = home.seal()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises((StoreError, OSError), match="No space left on device"):
        home.vault.put(recording)
    monkeypatch.undo()
    assert home.content() == home.citizen
    home.vault.put(recording)
    assert home.content() == home.citizen


# Keys


def test_master_keys_are_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    made = keys.ensure(tmp_path / "secrets")
    assert keys.ensure(tmp_path / "secrets") == made
    file = tmp_path / "secrets" / "recordings.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["recordings.json"]
    assert made.active not in repr(made.keys[made.active])
    assert repr(made.keys[made.active]) not in repr(made)


def test_a_new_master_key_takes_over_without_touching_the_sound(place: Place) -> None:
    place.vault.put(place.seal())
    first = keys.load(place.secrets).active
    second = keys.rotate(place.secrets).active
    assert first != second
    assert place.content() == place.citizen, "the old one still opens what it wrapped"
    assert place.vault.rewrap(FOLDER)
    assert not place.vault.rewrap(FOLDER), "nothing is left to do"
    assert keys.forget(place.secrets, frozenset({second})) == (first,)
    assert place.content() == place.citizen
    assert place.files() == [name for name in place.files() if not name.startswith(".")]


def test_a_wrong_and_a_lost_master_key_are_said_with_what_to_do(home: Place) -> None:
    recording = home.seal()
    home.vault.put(recording)
    file = home.secrets / "recordings.json"
    mine = file.read_text()
    file.unlink()
    assert "recordings.json is not there; restore it from its backup" in home.vault.faults(recording)[0]
    keys.ensure(home.secrets)
    assert "does not open with the master key" in home.vault.faults(recording)[0]
    for text in ("", "{}", '{"active": "x"}', '{"active": "x", "x": "AAAA"}', "[]"):
        file.write_text(text)
        with pytest.raises(KeysError, match=r"recordings\.json can not be read"):
            keys.load(home.secrets)
    file.write_text(mine)
    assert home.vault.faults(recording) == ()


def test_a_removed_recording_leaves_nothing_and_can_be_removed_again(place: Place) -> None:
    place.vault.put(place.seal())
    place.vault.remove(FOLDER)
    place.vault.remove(FOLDER)
    assert not (place.root / FOLDER).exists()
    assert fsspec.filesystem("memory").store == {}


# The manifest


def _entry(number: int, day: str = "2026/11/24") -> Entry:
    call = f"n1-1.{number}"
    return Entry(0, "sealed", number, call, f"{day}/{call}", "sealed", "", "", "")


def test_a_line_that_was_half_written_is_no_line(tmp_path: Path) -> None:
    first = manifest.append(tmp_path, _entry(1))
    file = manifest.path(tmp_path, "2026/11/24")
    with file.open("a") as torn:
        torn.write('{"at":2,"call_id":"n1-')
    second = manifest.append(tmp_path, _entry(2))
    assert (second.number, second.previous) == (2, first.hash)
    assert len(file.read_text().splitlines()) == 2
    assert manifest.find(tmp_path, "2026/11/24/n1-1.2", "sealed") == second
    assert manifest.find(tmp_path, "2026/11/24/n1-1.2", "deleted") is None


def test_a_day_follows_the_day_before_it(tmp_path: Path) -> None:
    last = manifest.append(tmp_path, _entry(1))
    first = manifest.append(tmp_path, _entry(2, "2026/11/25"))
    assert (first.number, first.previous) == (1, last.hash)
    assert manifest.days(tmp_path) == ("2026/11/24", "2026/11/25")


def test_nothing_is_added_to_a_manifest_whose_end_was_changed(tmp_path: Path) -> None:
    manifest.append(tmp_path, _entry(1))
    with manifest.path(tmp_path, "2026/11/24").open("a") as file:
        file.write("rubbish\n")
    with pytest.raises(manifest.ManifestError, match="its last line was changed"):
        manifest.append(tmp_path, _entry(2))


def test_four_processes_that_append_at_once_make_one_chain(tmp_path: Path) -> None:
    script = """
import pathlib, sys
from recorder.vault import manifest
from recorder.vault.chain import Entry
for number in range(25):
    call = f"n{sys.argv[2]}-1.{number}"
    manifest.append(pathlib.Path(sys.argv[1]), Entry(0, "sealed", 1, call, f"2026/11/24/{call}", "sealed", "", "", ""))
"""
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    running = [
        subprocess.Popen([sys.executable, "-c", script, tmp_path, str(who)], env=environment)
        for who in range(4)
    ]
    assert [process.wait(30) for process in running] == [0] * 4
    from recorder.vault import chain

    entries, faults = chain.read(manifest.read(tmp_path, "2026/11/24"))
    assert (len(entries), faults) == (100, ())


def test_flac_refuses_what_it_can_not_give_back(tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    _write(tmp_path, "citizen", b"", ".")
    (tmp_path / "citizen.wav").rename(empty)
    with (tmp_path / "x").open("w+b") as target, pytest.raises(flac.FlacError, match="no samples"):
        flac.packed(empty, target)
