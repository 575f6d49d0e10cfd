"""Numbers, digit strings, dates and times as a Mandarin speaker says them."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.prompts import spoken
from ivr.prompts.texts import TextError, speakable
from ivr.prompts.vocabulary import VOCABULARY

pytestmark = pytest.mark.unit

_DIGIT = {word: value for value, word in enumerate("零一二三四五六七八九")} | {"两": 2}
_UNIT = {"十": 10, "百": 100, "千": 1000}


def _understood(words: str) -> int:
    """What a listener makes of a Mandarin number."""
    total = section = digit = 0
    for letter in words:
        if letter in _DIGIT:
            digit = _DIGIT[letter]
        elif letter in _UNIT:
            section += (digit or 1) * _UNIT[letter]
            digit = 0
        else:
            total = (total + section + digit) * {"万": 10**4, "亿": 10**8}[letter]
            section = digit = 0
    return total + section + digit


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "零"),
        (2, "二"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (101, "一百零一"),
        (110, "一百一十"),
        (112, "一百一十二"),
        (200, "二百"),
        (1_001, "一千零一"),
        (1_010, "一千零一十"),
        (2_200, "两千二百"),
        (10_000, "一万"),
        (20_015, "两万零一十五"),
        (100_000, "十万"),
        (110_000, "十一万"),
        (100_010_000, "一亿零一万"),
        (-5, "负五"),
    ],
)
def test_a_number_is_said_as_people_say_it(number: int, words: str) -> None:
    assert spoken.text(spoken.cardinal(number)) == words


@given(st.integers(0, 99_999_999))
def test_a_listener_understands_the_number_that_was_meant(number: int) -> None:
    assert _understood(spoken.text(spoken.cardinal(number))) == number


@given(st.integers(-spoken.LARGEST, spoken.LARGEST))
def test_every_number_has_clips_and_no_doubled_zero(number: int) -> None:
    words = spoken.text(spoken.cardinal(number))
    assert "零零" not in words
    assert number == 0 or not words.endswith("零")


def test_a_number_beyond_the_largest_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        spoken.cardinal(spoken.LARGEST + 1)


@pytest.mark.parametrize(
    ("string", "words"),
    [("110", "幺幺零"), ("12345", "幺二三四五"), ("0750", "零七五零"), ("119", "幺幺九")],
)
def test_a_telephone_number_is_said_digit_by_digit(string: str, words: str) -> None:
    assert spoken.text(spoken.digits(string)) == words


@pytest.mark.parametrize("string", ["", "12 3", "١٢", "1a", "-1"])
def test_only_digits_are_a_digit_string(string: str) -> None:
    with pytest.raises(ValueError, match="no string of digits"):
        spoken.digits(string)


def test_two_citizens_are_liang_wei() -> None:
    assert spoken.text(spoken.position(2)) == "您前面还有两位市民在等候，请您稍候。"
    assert spoken.text(spoken.position(0)) == "您是下一位，请稍候。"
    assert spoken.text(spoken.position(12)) == "您前面还有十二位市民在等候，请您稍候。"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (time(0, 5), "凌晨零点零五分"),
        (time(8, 30), "上午八点三十分"),
        (time(12, 0), "下午十二点"),
        (time(14, 5), "下午两点零五分"),
        (time(23, 59), "晚上十一点五十九分"),
    ],
)
def test_times_of_day(moment: time, words: str) -> None:
    assert spoken.text(spoken.clock(moment)) == words


def test_a_date() -> None:
    assert spoken.text(spoken.day(date(2026, 11, 24))) == "二零二六年十一月二十四日"


@pytest.mark.parametrize("number", ["", ".", "1.", "a.b", "1.2.3", "--"])
def test_a_broken_decimal_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="decimal"):
        spoken.decimal(number)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("您好，这里是12345热线。", "您好，这里是幺二三四五热线。"),
        ("请按#键", "请按井号键"),
        ("请按1，返回请按*。", "请按一，返回请按星号。"),
        ("2个工作日", "两个工作日"),
        ("12月2日 8:30", "十二月二日上午八点三十分"),
        ("2026年", "二零二六年"),
        ("满意度99.5%", "满意度百分之九十九点五"),
        ("罚款2000元", "罚款两千元"),
        ("110报警", "幺幺零报警"),
        ("建设路15号", "建设路十五号"),
        ("工单号20261124", "工单号二零二六幺幺二四"),
        ("感谢来电...再见!!", "感谢来电。再见！"),
    ],
)
def test_figures_and_signs_become_words(written: str, said: str) -> None:
    assert speakable(written, "zh") == said


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("请下载APP", "'AP'"),
        ("", "nothing"),
        ("。。。", "nothing"),
        ("  ", "nothing"),
        ("好" * 601, "601 characters"),
        ("😀你好", "'😀'"),
    ],
)
def test_what_a_mandarin_voice_would_drop_is_refused(written: str, reason: str) -> None:
    with pytest.raises(TextError, match=reason):
        speakable(written, "zh")


def test_english_is_left_to_its_voice() -> None:
    assert speakable("Press 1\tto go on.", "en") == "Press 1 to go on."
    with pytest.raises(TextError, match="nothing"):
        speakable(" -- ", "en")


@given(st.text(max_size=80))
def test_any_text_is_either_speakable_or_refused(text: str) -> None:
    try:
        said = speakable(text, "zh")
    except TextError:
        return
    assert said
    assert all("\u4e00" <= letter <= "\u9fa5" or letter in "，。！？、" for letter in said)


def test_the_vocabulary_itself_is_speakable() -> None:
    for text in VOCABULARY["zh"].values():
        assert speakable(text, "zh")
