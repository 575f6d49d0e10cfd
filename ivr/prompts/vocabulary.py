"""The clips that numbers, dates and times are put together from: id → text in each language.

They are built like a city's own prompts but with the silence around them cut off, so that Asterisk can play
them one after another. Mandarin has every number below 100 as one clip: joined syllables sound choppy.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_DIGITS = "零一二三四五六七八九"


def _below_100(number: int) -> str:
    tens, ones = divmod(number, 10)
    if tens == 0:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _mandarin() -> dict[str, str]:
    clips = {f"num_{number}": _below_100(number) for number in range(100)}
    # Inside a larger number ten is 一十: 一百一十二.
    clips |= {f"num_full_{number}": "一" + _below_100(number) for number in range(10, 20)}
    clips |= {
        "num_two": "两",
        "digit_one": "幺",
        "unit_100": "百",
        "unit_1000": "千",
        "unit_10000": "万",
        "unit_100000000": "亿",
        "word_minus": "负",
        "word_point": "点",
        "word_year": "年",
        "word_month": "月",
        "word_day": "日",
        "word_hour": "点",
        "word_minute": "分",
        "word_morning": "上午",
        "word_afternoon": "下午",
        "word_evening": "晚上",
        "word_night": "凌晨",
        "position_next": "您是下一位，请稍候。",
        "position_before": "您前面还有",
        "position_after": "位市民在等候，请您稍候。",
    }
    return clips


VOCABULARY: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType({"zh": MappingProxyType(_mandarin())})
"""language → id → text."""
