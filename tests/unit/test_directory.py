"""The number directory: every form that a trunk delivers, rubbish of any kind, and the days that lines open."""

import timeit
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import City, load
from config.numbers import MAX_DIGITS, digits, forms, national
from ivr.directory import Directory, caller

pytestmark = pytest.mark.unit

CITY = load(Path(__file__).parent / "wrong_config" / "city")
DIRECTORY = Directory(CITY)
LATER = datetime(2027, 1, 1)
OPENS = datetime(2026, 12, 1)

FORMS = {
    "12319": "exact",
    "1-2319": "exact",
    " 12319 ": "exact",
    "075012319": "area_code",
    "0750-12319": "area_code",
    "0750 12319": "area_code",
    "(0750)12319": "area_code",
    "75012319": "area_code",
    "+8675012319": "country_code",
    "+86 750 12319": "country_code",
    "+86-750-12319": "country_code",
    "008675012319": "country_code",
    "8675012319": "country_code",
    "+86075012319": "country_code",
    "+8612319": "country_code",
    "8612319": "country_code",
    "12319;npdi": "exact",
    "12319;phone-context=+86750": "exact",
    "sip:12319@10.0.0.1:5060;user=phone": "exact",
    "sips:+8675012319;rn=1@example.cn": "country_code",
    "<tel:+86-750-12319;ext=1>": "country_code",
    '"12345" <sip:075012319@127.0.0.2>': "area_code",
    "%2B8675012319": "country_code",
}


@pytest.mark.parametrize(("dialed", "reason"), FORMS.items(), ids=list(FORMS))
def test_every_form_that_trunks_deliver_reaches_the_hotline(dialed: str, reason: str) -> None:
    plan = DIRECTORY.resolve(dialed, "", LATER)
    assert (plan.outcome, plan.hotline, plan.reason, plan.dialed) == ("queue", "12319", reason, "12319")


@pytest.mark.parametrize(
    "dialed", ["8577100", "07508577100", "+867508577100", "7508577100", "008607508577100"]
)
def test_a_full_number_of_a_hotline_is_found_as_well(dialed: str) -> None:
    plan = DIRECTORY.resolve(dialed, "", LATER)
    assert (plan.hotline, plan.dialed) == ("12345", "07508577100")


RUBBISH = [
    *("", "s", "anonymous", "１２３１９", "12319x", "+", "++8612319", "\x00"),
    *("1" * 10_000, "x" * 10_000, "1;" * 5000),
]


@pytest.mark.parametrize("dialed", RUBBISH, ids=lambda text: f"{text[:8]!r}x{len(text)}")
def test_rubbish_is_an_unknown_number_and_is_answered_politely(dialed: str) -> None:
    plan = DIRECTORY.resolve(dialed, dialed, LATER)
    assert (plan.outcome, plan.hotline, plan.reason) == ("prompt", "", "unknown_number")
    assert (plan.greeting, plan.dialed, plan.caller, plan.queue) == ("unknown_number", "", "", "")
    assert plan.place.startswith("prompts.yaml:")


@pytest.mark.parametrize(
    "dialed", ["12399", "02012319", "+85212319", "+12319", "0085212319", "1231", "123190"]
)
def test_another_number_is_unknown_and_kept_for_counting(dialed: str) -> None:
    plan = DIRECTORY.resolve(dialed, "", LATER)
    assert (plan.reason, plan.dialed) == ("unknown_number", dialed)


def test_a_hotline_opens_on_its_day_in_the_time_of_the_city() -> None:
    before = DIRECTORY.resolve("12319", "", OPENS - timedelta(seconds=1))
    assert (before.outcome, before.hotline, before.reason) == ("prompt", "12319", "not_yet_valid")
    assert (before.greeting, before.queue, before.record) == ("unknown_number", "", False)
    assert before.place == "hotlines/12319.yaml:6"
    assert DIRECTORY.resolve("12319", "", OPENS).outcome == "queue"
    # Midnight in China is four in the afternoon of the day before in UTC.
    utc = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert DIRECTORY.resolve("12319", "", utc).outcome == "queue"
    moment = int(utc.timestamp()) * 1_000_000
    assert DIRECTORY.resolve("12319", "", moment).outcome == "queue"
    assert DIRECTORY.resolve("12319", "", moment - 1).outcome == "prompt"


def test_a_city_may_say_more_to_those_who_are_early() -> None:
    prompts = {**CITY.prompts, "not_yet_valid": CITY.prompts["greeting"]}
    early = Directory(replace(CITY, prompts=prompts)).resolve("12319", "", OPENS - timedelta(days=1))
    assert early.greeting == "not_yet_valid"


def test_the_plan_carries_what_the_hotline_says() -> None:
    plan = DIRECTORY.resolve("12319", "+8613800138000", LATER)
    assert (plan.queue, plan.priority, plan.language, plan.record) == ("general", 5, "zh", True)
    assert (plan.case.backend, plan.case.unit) == ("tenant", "urban")
    assert plan.caller == "13800138000"
    assert plan.place == "hotlines/12319.yaml:2"
    assert DIRECTORY.resolve("12345", "", LATER).priority == 0


def test_a_number_of_its_own_goes_before_a_derived_form() -> None:
    line = CITY.hotline["12345"].model_copy(update={"id": "other", "numbers": ("75012319",)})
    directory = Directory(replace(CITY, hotlines=(*CITY.hotlines, line)))
    assert directory.resolve("75012319", "", LATER).hotline == "other"
    assert directory.resolve("075012319", "", LATER).hotline == "12319"


CALLERS = {
    "+8613800138000": "13800138000",
    "008613800138000": "13800138000",
    "13800138000": "13800138000",
    "8613800138000": "13800138000",
    "867508577100": "07508577100",
    "013800138000": "13800138000",
    "+86013800138000": "13800138000",
    "+867508577100": "07508577100",
    "0750-8577100": "07508577100",
    "8577100": "8577100",
    "+4008001234": "004008001234",
    "+85223456789": "0085223456789",
    "sip:1001@127.0.0.1": "1001",
    "anonymous": "",
    "unknown": "",
    "00000000": "",
    "+": "",
    "": "",
    "9" * 10_000: "",
    "'; DROP TABLE call; --": "",
}


@pytest.mark.parametrize(("text", "number"), CALLERS.items(), ids=lambda text: text[:20])
def test_a_caller_is_known_by_the_number_that_calls_back(text: str, number: str) -> None:
    assert caller(text) == number


@given(st.text(max_size=400))
def test_any_text_has_a_plan(text: str) -> None:
    plan = DIRECTORY.resolve(text, text, LATER)
    assert plan.outcome in ("queue", "prompt")
    assert plan.greeting in CITY.prompts
    assert len(plan.dialed) <= MAX_DIGITS + 1
    assert plan.caller == "" or (plan.caller.isascii() and plan.caller.isdigit())
    assert len(plan.caller) <= MAX_DIGITS + 2


PIECES = st.lists(st.sampled_from(["+", "+86", "0086", "0", "00", "138", "75", "1", "800138000"]), max_size=8)


@given(st.text(max_size=60) | PIECES.map("".join))
def test_a_caller_stays_the_same_when_read_again(text: str) -> None:
    once = caller(text)
    assert caller(once) == once


AREA = st.sampled_from(["010", "020", "028", "0310", "0411", "0750", "0898", "0991"])
LOCAL = st.from_regex(r"1[0-9]{2,5}|[2-7][0-9]{6,7}", fullmatch=True)


@given(AREA, LOCAL, st.sampled_from(["{n}", "{a}{n}", "{a}-{n}", "+86{b}{n}", "0086{b}{n}", "+86 {b} {n}"]))
def test_each_written_form_of_a_number_leads_to_one(area: str, local: str, form: str) -> None:
    text = form.format(a=area, b=area[1:], n=local)
    assert area + local in [found for found, _ in forms(digits(text), area)]
    assert national(local, area) == area + local


@given(AREA, st.from_regex(r"\+?[0-9]{0,25}", fullmatch=True))
def test_a_number_has_few_forms_and_each_once(area: str, text: str) -> None:
    found = [form for form, _ in forms(digits(text), area)]
    assert len(found) <= 4
    assert all(form.isdigit() for form in found)


def test_a_look_up_among_300_000_numbers_takes_microseconds() -> None:
    lines = [
        CITY.hotline["12319"].model_copy(
            update={
                "id": f"h{line}",
                "numbers": tuple(f"{20_000_000 + line * 1000 + n}" for n in range(1000)),
            }
        )
        for line in range(300)
    ]
    directory = Directory(replace(CITY, hotlines=tuple(lines)))
    assert directory.resolve("+8675020299999", "", LATER).hotline == "h299"
    now = 1_800_000_000_000_000
    best = min(timeit.repeat(lambda: directory.resolve("075020150500", "", now), number=200, repeat=5)) / 200
    assert best < 50e-6


def test_the_sample_city_compiles() -> None:
    from config.paths import Paths

    city: City = load(Paths.find(environment={}).config_dir)
    directory = Directory(city)
    for hotline in city.hotlines:
        for number in hotline.numbers:
            assert directory.resolve(number, "", LATER).hotline == hotline.id
