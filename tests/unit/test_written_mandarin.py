"""Spoken Mandarin written down: figures where nothing else is meant, marks, and what is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.speech.normal import normalised, number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("我的电话是幺三八零零一三八零零零", "我的电话是13800138000。"),
        ("这里是一二三四五热线", "这里是12345热线。"),
        ("二零二六年十一月二十四号", "2026年11月24号。"),
        ("在建设路二十八号实验小学门口", "在建设路28号实验小学门口。"),
        ("一共是一千二百三十块", "一共是1230块。"),
        ("大概三万人", "大概3万人。"),
        ("两千零五个", "2005个。"),
        ("罚了百分之二十", "罚了20%。"),
        ("上涨百分之三点五", "上涨3.5%。"),
        ("十月十号上午十点", "10月10号上午10点。"),
        ("请问坏了几天了", "请问坏了几天了？"),
        ("请问在哪里", "请问在哪里？"),
        ("你好，请问有什么可以帮您？", "你好，请问有什么可以帮您？"),
    ],
)
def test_what_was_said_is_written_as_people_write_it(said: str, written: str) -> None:
    assert normalised(said, "zh") == written


@pytest.mark.parametrize(
    "said",
    [
        "十分满意",
        "千万不要",
        "万一下雨",
        "百姓的事",
        "三天",
        "两盏灯",
        "三百五",
        "一百万亿万",
        "千百年来",
        "一五一十地说",
        "周一二三",
    ],
)
def test_what_may_mean_something_else_is_left_alone(said: str) -> None:
    assert normalised(said, "zh") == f"{said}。"


def test_other_languages_and_nothing_are_left_alone() -> None:
    assert normalised("ten past three", "en") == "ten past three"
    assert normalised("", "zh") == ""


def _say(value: int) -> str:
    """A number below 10,000 in full."""
    said, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // unit % 10
        if digit:
            said += ("零" if gap and said else "") + "零一二三四五六七八九"[digit] + name
            gap = False
        else:
            gap = True
    return said


@given(st.integers(10, 9_999))
def test_every_number_that_is_said_in_full_is_read_back(value: int) -> None:
    said = _say(value)
    assert number(said) == value
    assert number(said.replace("一十", "十", 1) if 10 <= value < 20 else said) == value


@given(st.text("零〇幺一二两三四五六七八九十百千万亿点分之年", max_size=12))
def test_nothing_that_is_said_breaks_it(said: str) -> None:
    assert isinstance(normalised(said, "zh"), str)
    assert normalised(normalised(said, "zh"), "zh") == normalised(said, "zh")
