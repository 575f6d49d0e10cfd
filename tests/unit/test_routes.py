"""What the dialplan is told: a plan as channel variables, and what a waiting citizen hears."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config import load
from config.paths import CHECKOUT
from ivr.directory import Directory
from ivr.prompts import spoken
from ivr.routes import plan_variables, waiting_variables

pytestmark = pytest.mark.unit
NOW = 1_795_556_915_000_000


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory(load(CHECKOUT / "config" / "sample_city"))


@pytest.fixture
def clips(tmp_path: Path) -> Callable[[str, str], Path]:
    return lambda language, prompt_id: tmp_path / language / prompt_id


def record(clips: Callable[[str, str], Path], language: str, *names: str) -> None:
    for name in names:
        path = clips(language, name)
        path.parent.mkdir(exist_ok=True)
        path.with_name(f"{name}.wav").touch()


def test_a_legacy_number_gets_its_own_greeting_and_the_shared_queue(
    directory: Directory, clips: Callable[[str, str], Path]
) -> None:
    record(clips, "zh", "greeting_12319", "goodbye_12319", "comfort")
    told = plan_variables(directory.resolve("075012319", "13800000001", NOW), clips)
    assert told["YHT_PLAN"] == "queue"
    assert (told["YHT_HOTLINE"], told["YHT_DIALED"], told["YHT_QUEUE"]) == ("12319", "12319", "general")
    assert told["YHT_GREETING"] == str(clips("zh", "greeting_12319"))
    assert told["YHT_RECORD"] == "1"


def test_a_prompt_without_its_clip_is_left_out_and_the_call_goes_on(
    directory: Directory, clips: Callable[[str, str], Path]
) -> None:
    told = plan_variables(directory.resolve("12319", "", NOW), clips)
    assert told["YHT_PLAN"] == "queue"
    assert told["YHT_GREETING"] == told["YHT_GOODBYE"] == ""


def test_an_unknown_number_is_answered_with_a_prompt(
    directory: Directory, clips: Callable[[str, str], Path]
) -> None:
    record(clips, "zh", "unknown_number")
    told = plan_variables(directory.resolve("99999", "", NOW), clips)
    assert (told["YHT_PLAN"], told["YHT_REASON"]) == ("prompt", "unknown_number")
    assert told["YHT_GREETING"] == str(clips("zh", "unknown_number"))


@pytest.mark.parametrize(
    "hostile", ["x" * 10_000, "12319,Hangup()", "${SHELL(id)}", '12319"\r\n', "１２３１９"]
)
def test_no_dialed_text_reaches_the_dialplan_as_anything_but_digits(
    directory: Directory, clips: Callable[[str, str], Path], hostile: str
) -> None:
    told = plan_variables(directory.resolve(hostile, hostile, NOW), clips)
    assert set(told["YHT_DIALED"]) <= set("0123456789")
    assert len(told["YHT_DIALED"]) <= 40


def test_a_waiting_citizen_hears_the_place(clips: Callable[[str, str], Path]) -> None:
    record(clips, "zh", *spoken.position(3))
    told = waiting_variables(3, "zh", "/comfort", clips)
    assert told["YHT_SAY"].split("&") == [str(clips("zh", piece)) for piece in spoken.position(3)]


@pytest.mark.parametrize(("ahead", "language"), [(None, "zh"), (2, "en"), (2, "zh")])
def test_without_place_or_clips_the_comfort_prompt_is_played(
    clips: Callable[[str, str], Path], ahead: int | None, language: str
) -> None:
    assert waiting_variables(ahead, language, "/comfort", clips) == {"YHT_SAY": "/comfort"}
