"""Writes spoken Mandarin as people write it: figures for numbers, a mark at the end. Pure.

Kept modest, because a transcript is evidence: only what can mean nothing else is changed, the words with their
times stay as they were heard, and a text that ends in a mark keeps it.
"""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = {
    **{digit: value for value, digit in enumerate("零一二三四五六七八九")},
    "〇": 0,
    "幺": 1,
    "两": 2,
}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000}
_SPELLED: Final = re.compile(
    r"(?<![十百千万亿周期0-9零〇幺一二三四五六七八九])[零〇幺一二三四五六七八九]{3,}+(?![十百千万亿0-9])"
)
"""Read out one by one: telephone numbers, house numbers, 12345, years."""
_COUNTED: Final = re.compile(
    r"(?<![零〇幺一二两三四五六七八九])"  # not in the middle of what is read out
    r"[零一二两三四五六七八九十百千万亿]*[十百千万亿][零一二两三四五六七八九十百千万亿]*"
)
_PER_CENT: Final = re.compile(r"百分之([零一二两三四五六七八九十百]+)(?:点([零一二三四五六七八九]+))?")
_MEASURES: Final = "年月日号点时天周岁楼层栋幢单室房路块元角个位名件台辆盏户人米斤吨度次条份页万亿"
"""After one of these a bare 十 is ten; without it it may be 十分 (very) or a name."""
_ENDS: Final = '。，？！；：、…,.?!;:”"』」）)'
_ASKS: Final = re.compile(
    r"(?:吗|么|呢|哪里|哪儿|哪个|什么|多少|几[天个点号位岁次]了?|怎么办|怎么样|为什么|是不是|有没有|谁)$"
)


def normalised(text: str, language: str) -> str:
    """Return a phrase as it is written; other languages than Mandarin are left alone."""
    if language != "zh" or not text:
        return text
    figures = _PER_CENT.sub(_per_cent, text)
    figures = _SPELLED.sub(lambda found: "".join(str(_DIGITS[digit]) for digit in found[0]), figures)
    figures = _COUNTED.sub(lambda found: _counted(found[0], figures[found.end() : found.end() + 1]), figures)
    if figures[-1] in _ENDS:
        return figures
    return figures + ("？" if _ASKS.search(figures) else "。")


def number(text: str) -> int | None:
    """Return what a counted numeral such as 三百零五 means; None where it is none."""
    total = section = digit = 0
    last = 10**12
    wrote = False
    for letter in text:
        if letter in "万亿":
            scale = 10_000 if letter == "万" else 10**8
            section += digit
            if not section or scale >= last:
                return None
            total, section, digit, last, wrote = total + section * scale, 0, 0, scale, False
        elif letter in _UNITS:
            unit = _UNITS[letter]
            if (not wrote and unit != 10) or (section and unit >= _smallest(section)):
                return None
            section, digit, wrote = section + (digit if wrote else 1) * unit, 0, False
        elif letter == "零":
            if wrote:
                return None
        elif wrote:
            return None
        else:
            digit, wrote = _DIGITS[letter], True
    if wrote and section + total and text[-2] in "百千万亿" and digit:
        return None  # 三百五 is 350 to some and 305 to others: it is left as it was said
    return total + section + digit


def _smallest(section: int) -> int:
    """The unit of the last figure that was written: 500 → 100."""
    unit = 1
    while section % (unit * 10) == 0:
        unit *= 10
    return unit


def _counted(text: str, after: str) -> str:
    value = number(text)
    if value is None or value < 10 or not any(letter in _DIGITS for letter in text):
        # 十, 百, 千万 by themselves are words as often as numbers.
        return "10" if text == "十" and after and after in _MEASURES else text
    if value >= 10_000 and value % 10_000 == 0:
        unit, scale = ("亿", 10**8) if value % 10**8 == 0 else ("万", 10_000)
        return f"{value // scale}{unit}"
    return str(value)


def _per_cent(found: re.Match[str]) -> str:
    whole, rest = found[1], found[2] or ""
    value = number(whole) if any(unit in whole for unit in "十百") else _DIGITS.get(whole)
    if value is None:
        return found[0]
    return f"{value}{'.' if rest else ''}{''.join(str(_DIGITS[digit]) for digit in rest)}%"
