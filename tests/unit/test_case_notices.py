"""Who is told of what, which requests repeat each other, who is on duty, and what is taken out before publishing."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caselink.casefile import Case
from caselink.duty import holder, on_duty
from caselink.loop import ACTIONS, STATES, Action
from caselink.masking import masked
from caselink.notices import Notice, Offices, notices
from caselink.repeats import Matter, likeness, matches
from caselink.rulebook import Rulebook
from caselink.steps import Step
from config import load
from config.paths import Paths
from config.presets import whole
from config.schema.cases import Cases
from ivr.calendar import Calendar

pytestmark = pytest.mark.unit

OFFICES = Offices("office", "watch")
CITY = load(Paths.find(environment={}).config_dir)
ZONE = ZoneInfo("Asia/Shanghai")
DAY = 86_400_000_000


def told(action: Action, offices: Offices = OFFICES, stage: str = "reply", **case: object) -> set[str]:
    about = Case(state="dispatched", unit="a", **case)  # type: ignore[arg-type]
    step = Step(action, "system", "", 0, {"stage": stage})
    return {f"{one.means} {one.unit or 'centre'} {one.level}" for one in notices(about, step, offices)}


NORMAL = {"network a person_in_charge", "sms a person_in_charge"}
URGENT = NORMAL | {"phone a person_in_charge"}


def test_urgency_decides_who_is_told_of_a_dispatch_and_how() -> None:
    assert told("dispatch", urgency="normal") == NORMAL
    assert told("dispatch", urgency="urgent") == URGENT
    assert told("dispatch", urgency="critical") == URGENT | {
        "phone a first_leader",
        "sms a first_leader",
        "network office duty",
        "phone office duty",
    }
    assert told("dispatch", co_units=("b",)) == NORMAL | {
        "network b person_in_charge",
        "sms b person_in_charge",
    }


def test_a_repeat_is_told_ever_higher() -> None:
    assert told("dispatch", repeat=1) - NORMAL == {"network a leader_in_charge", "sms a leader_in_charge"}
    assert told("repeat", repeats=2) == {"network a first_leader", "sms a first_leader"}
    assert (
        told("repeat", repeats=3) == told("repeat", repeats=9) == {"network office duty", "sms office duty"}
    )


def test_cards_are_told_ever_higher_and_the_centre_s_own_to_the_centre() -> None:
    assert told("warn") == NORMAL
    assert told("yellow_card") - NORMAL == {"sms a leader_in_charge"}
    assert told("red_card") - told("yellow_card") == {"sms a first_leader", "network watch duty"}
    assert told("warn", stage="review") == {"network centre duty"}
    assert told("escalate") == {"network office duty", "phone office duty"}


@given(st.sampled_from(ACTIONS), st.sampled_from(STATES), st.sampled_from(["", "normal", "critical"]))
def test_no_notice_is_for_nobody_and_none_stands_twice(action: Action, state: str, urgency: str) -> None:
    about = Case(state=state, unit="a", urgency=urgency)  # type: ignore[arg-type]
    found = notices(about, Step(action, "system", "", 0), Offices())
    assert len(found) == len(set(found))
    assert all(one.unit or one == Notice("network", "", "duty", action) for one in found)


def matter(case: str, text: str, *, days: int = 0, address: str = "", number: str = "138") -> Matter:
    return Matter(case, frozenset({number}), text, address, 100 * DAY - days * DAY)


def test_the_same_matter_in_other_words_is_found_with_its_evidence() -> None:
    new = matter("3", "建设路的路灯又坏了，晚上一片漆黑，很危险", address="建设路18号附近")
    lamp = matter("1", "建设路路灯坏了，晚上很黑，很危险。", days=3, address="建设路18号")
    noise = matter("2", "楼下烧烤店深夜噪音扰民", days=1, address="建设路18号")
    first, second = matches(new, [noise, lamp], 90)
    assert (first.case, second.case) == ("1", "2")
    assert first.percent >= 50 > second.percent
    assert "the same caller" in first.evidence
    assert "3 days apart" in first.evidence
    assert "address" in first.evidence


def test_another_citizen_and_another_year_are_no_repeat() -> None:
    new = matter("3", "路灯坏了")
    assert matches(new, [matter("1", "路灯坏了", number="139"), matter("2", "路灯坏了", days=91)], 90) == ()


@given(st.text(max_size=60), st.text(max_size=60))
def test_likeness_is_the_same_from_both_sides(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) in (0, 1)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * 1_000_000


def test_the_roster_says_who_is_on_duty_and_asks_upward() -> None:
    def duty(unit: str, when: str) -> str:
        found = on_duty(CITY.unit, unit, moment(when), ZONE, Calendar())
        return f"{found[0].id} {found[1].name}" if found else ""

    assert duty("urban_management", "2026-11-25T10:00") == "urban_management 综合科"
    assert duty("urban_management", "2026-11-25T20:00") == "urban_management 夜间值班"
    assert duty("urban_management", "2026-10-01T10:00") == "urban_management 夜间值班"  # National Day
    assert duty("riverside_lighting", "2026-11-25T10:00") == "urban_management 综合科"
    assert duty("emergency_management", "2026-11-25T10:00") == ""
    assert duty("no_more", "2026-11-25T10:00") == ""


def test_a_post_that_a_unit_does_not_fill_is_filled_from_above() -> None:
    found = holder(CITY.unit, "riverside_lighting", "person_in_charge")
    assert found is not None
    assert (found[0].id, found[1].name) == ("street_lighting", "何站长")
    found = holder(CITY.unit, "riverside_lighting", "first_leader")
    assert found is not None
    assert found[0].id == "urban_management"
    assert holder(CITY.unit, "emergency_management", "first_leader") is None


@pytest.mark.parametrize(
    ("preset", "request_type", "urgency", "stage", "length"),
    [
        ("beijing", "help", "critical", "dispatch", "1 hour"),
        ("beijing", "help", "urgent", "dispatch", "2 hours"),
        ("beijing", "help", "normal", "dispatch", "24 hours"),
        ("shanghai", "inquiry", "normal", "reply", "1 working day"),
        ("shanghai", "suggestion", "normal", "reply", "1 working day"),
        ("shanghai", "complaint", "normal", "reply", "5 working days"),
        ("shanghai", "help", "normal", "extension", "10 working days"),
        ("shanghai", "help", "normal", "supervise", "3 working days"),
        ("shandong", "report", "normal", "reply", "5 working days"),
        ("shandong", "report", "normal", "extension", "10 working days"),
    ],
)
def test_the_presets_say_what_the_cities_have_published(
    preset: str, request_type: str, urgency: str, stage: str, length: str
) -> None:
    from dataclasses import replace

    city = replace(CITY, cases=whole(Cases.model_validate_json(f'{{"preset": "{preset}"}}')))
    book = Rulebook.of(city, Calendar())
    about = Case(request_type=request_type, urgency=urgency)
    assert str(book.policy.limit(stage, "12345", about)) == length
    assert book.rules.most_returns == 2
    for every in ("dispatch", "acknowledge", "reply", "extension", "review", "follow_up", "supervise"):
        assert book.policy.limit(every, "12345", about)


def test_what_is_published_names_nobody() -> None:
    text = (
        "张先生（13800138000，座机0750-8577100，证件440700199001011234，邮箱 li@example.com，车牌粤J12345）"
        "反映建设路18号3栋502室门前路灯不亮，已于12月1日修复，2盏。"
    )
    said = masked(text, ["8577199"])
    for personal in ("张", "13800138000", "8577100", "440700", "li@example", "J12345", "502"):
        assert personal not in said
    for fact in ("建设路18号", "12月1日", "2盏", "路灯不亮"):
        assert fact in said
    assert "8577199" not in masked("请回电8577199", ["8577199"])
    assert masked("市民反映欧阳先生、李建国同志") == "市民反映欧某先生、某同志"
    assert masked("１３８００１３８０００") == "（电话略）"
