"""How numbers, digit strings, dates and times are said in Mandarin, as a sequence of clips.

Every function returns ids of `ivr.prompts.vocabulary`, in the order they are played; `text` turns them into
the words. Rules: a digit string (telephone, case number) is read digit by digit with one as 幺, as on every
Chinese telephone; a year digit by digit with 一; 2 is 两 before 千, 万, 亿 and a measure word; ten is 十
alone and 一十 inside a larger number; empty places are read as one 零.
"""

from __future__ import annotations

from datetime import date, time
from typing import Final

from ivr.prompts.vocabulary import VOCABULARY

Pieces = tuple[str, ...]

LARGEST: Final = 10**12 - 1
"""The largest number that is spoken as a number."""


def text(pieces: Pieces) -> str:
    """Return the words of a sequence of Mandarin clips."""
    return "".join(VOCABULARY["zh"][piece] for piece in pieces)


def digits(string: str) -> Pieces:
    """A telephone or case number, digit by digit: 110 → 幺幺零. Raises ValueError on anything but 0 to 9."""
    if not string or not (string.isascii() and string.isdigit()):
        raise ValueError(f"{string!r} is no string of digits")
    return tuple("digit_one" if digit == "1" else f"num_{digit}" for digit in string)


def _below_10_000(number: int, inside: bool) -> Pieces:
    """`inside`: something was said before, so that ten is 一十."""
    pieces: list[str] = []
    gap = False
    for unit in (1000, 100):
        digit, number = divmod(number, unit)
        if digit:
            if gap:
                pieces.append("num_0")
            first = "num_two" if digit == 2 and unit == 1000 else f"num_{digit}"
            pieces += [first, f"unit_{unit}"]
            inside, gap = True, False
        elif pieces:
            gap = True
    if number:
        if gap or (pieces and number < 10):
            pieces.append("num_0")
        pieces.append(f"num_full_{number}" if inside and 10 <= number < 20 else f"num_{number}")
    return tuple(pieces)


def cardinal(number: int) -> Pieces:
    """A number: 10 → 十, 110 → 一百一十, 20015 → 两万零一十五. Raises ValueError beyond ±LARGEST."""
    if abs(number) > LARGEST:
        raise ValueError(f"{number} is too large to be spoken as a number")
    if number < 0:
        return ("word_minus", *cardinal(-number))
    if number == 0:
        return ("num_0",)
    pieces: list[str] = []
    rest = number
    for unit in (100_000_000, 10_000, 1):
        group, rest = divmod(rest, unit)
        if not group:
            continue
        if pieces and group < 1000:
            pieces.append("num_0")
        if unit > 1 and group == 2:
            pieces.append("num_two")
        else:
            pieces += _below_10_000(group, inside=bool(pieces))
        if unit > 1:
            pieces.append(f"unit_{unit}")
    return tuple(pieces)


def count(number: int) -> Pieces:
    """A number before a measure word: as `cardinal`, but 2 is 两 (两位市民)."""
    return ("num_two",) if number == 2 else cardinal(number)


def decimal(number: str) -> Pieces:
    """A decimal number as written: "3.05" → 三点零五. Raises ValueError on another form."""
    whole, point, fraction = number.partition(".")
    if not (whole.lstrip("-").isascii() and whole.lstrip("-").isdigit()) or (point and not fraction):
        raise ValueError(f"{number!r} is no decimal number")
    sign: Pieces = ("word_minus",) if whole.startswith("-") else ()
    pieces = (*sign, *cardinal(int(whole.lstrip("-"))))
    if not point:
        return pieces
    if not (fraction.isascii() and fraction.isdigit()):
        raise ValueError(f"{number!r} is no decimal number")
    return (*pieces, "word_point", *(f"num_{digit}" for digit in fraction))


def year(number: int) -> Pieces:
    """A year, digit by digit: 2026 → 二零二六年."""
    return (*(f"num_{digit}" for digit in str(number)), "word_year")


def day(value: date) -> Pieces:
    """A date: 二零二六年十一月二十四日."""
    return (
        *year(value.year),
        *cardinal(value.month),
        "word_month",
        *cardinal(value.day),
        "word_day",
    )


def clock(value: time) -> Pieces:
    """A time of day: 下午两点零五分; the full hour without minutes."""
    part = (
        "word_night"
        if value.hour < 6
        else "word_morning"
        if value.hour < 12
        else "word_afternoon"
        if value.hour < 18
        else "word_evening"
    )
    hour = value.hour if value.hour <= 12 else value.hour - 12
    pieces: Pieces = (part, *count(hour), "word_hour")
    if not value.minute:
        return pieces
    zero: Pieces = ("num_0",) if value.minute < 10 else ()
    return (*pieces, *zero, *cardinal(value.minute), "word_minute")


def position(ahead: int) -> Pieces:
    """How many citizens wait before this one: 您前面还有两位市民在等候; with none, 您是下一位."""
    if ahead <= 0:
        return ("position_next",)
    return ("position_before", *count(ahead), "position_after")
