"""Turns the text of a prompt into one that a voice says right: figures as words, signs as names.

A Mandarin voice reads figures by its own rules or not at all, drops Latin letters silently and fails on `#`,
so what it gets is Chinese characters and punctuation only. A text that can not be brought there is refused
with the reason; nothing is left out of what a citizen was meant to hear.
"""

from __future__ import annotations

import re
from datetime import time

from ivr.prompts import spoken
from ivr.voice.base import MAX_TEXT

_SIGNS = {
    "#": "井号",
    "＃": "井号",
    "*": "星号",
    "＊": "星号",
    "+": "加",
    "&": "和",
    "℃": "摄氏度",
    "/": "或",
}
_PAUSES = str.maketrans(
    {",": "，", ";": "，", "；": "，", ".": "。", "?": "？", "!": "！", ":": "，", "：": "，"}
)
_SILENT = re.compile(r"[\s()（）“”‘’\"'《》〈〉【】\[\]—–\-·…~～]+")
_MEASURE = re.compile(r"[个位天年月日号分秒时小元角块米千公里户件人次条项楼层岁名辆度级万亿百点]")
_NUMBER = re.compile(
    r"(?P<percent>\d+(?:\.\d+)?)[%％]"
    r"|(?P<hour>[01]?\d|2[0-3])[:：](?P<minute>[0-5]\d)(?!\d)"
    r"|(?P<year>\d{4})年"
    r"|(?P<decimal>\d+\.\d+)"
    r"|(?P<whole>\d+)"
)
_LEFT = re.compile(r"[^\u4e00-\u9fa5，。！？、]")


class TextError(ValueError):
    """A text can not be spoken; the message says which part and what to write instead."""


def _number(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found["percent"]:
        return "百分之" + spoken.text(spoken.decimal(found["percent"]))
    if found["hour"]:
        return spoken.text(spoken.clock(time(int(found["hour"]), int(found["minute"]))))
    if found["year"]:
        return spoken.text(spoken.year(int(found["year"])))
    if found["decimal"]:
        return spoken.text(spoken.decimal(found["decimal"]))
    whole = found["whole"]
    follows = match.string[match.end() : match.end() + 1]
    measured = bool(_MEASURE.match(follows))
    if (whole.startswith("0") and len(whole) > 1) or len(whole) > 12 or (len(whole) > 2 and not measured):
        return spoken.text(spoken.digits(whole))
    counted = measured and follows not in "月日号年楼层级分秒度"
    return spoken.text(spoken.count(int(whole)) if counted else spoken.cardinal(int(whole)))


def speakable(text: str, language: str) -> str:
    """Return `text` as a voice gets it. Raises TextError.

    Mandarin: 12345热线 → 幺二三四五热线, 2个 → 两个, 按#键 → 按井号键, 8:30 → 上午八点三十分, 5% → 百分之五.
    Three figures and more with no measure word after them are a telephone number. English is only bounded
    and freed of control characters: its voices read figures themselves.
    """
    if len(text) > MAX_TEXT:
        raise TextError(f"{len(text)} characters; one prompt has at most {MAX_TEXT}: divide it")
    if language != "zh":
        plain = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        if not any(letter.isalnum() for letter in plain):
            raise TextError("holds nothing that can be spoken")
        return plain
    words = _NUMBER.sub(_number, text)
    for sign, name in _SIGNS.items():
        words = words.replace(sign, name)
    words = _SILENT.sub("", words.translate(_PAUSES))
    words = re.sub(r"([，。！？、])[，。！？、]+", r"\1", words).strip("，、")
    if left := sorted(set(_LEFT.findall(words))):
        raise TextError(f"{''.join(left)!r} can not be spoken in Mandarin: write it in Chinese characters")
    if not re.search(r"[\u4e00-\u9fa5]", words):
        raise TextError("holds nothing that can be spoken")
    return words
