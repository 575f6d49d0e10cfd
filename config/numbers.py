"""The written forms of one telephone number: what trunks deliver and people write, brought to one form.

A number's national form is the one that is unique in the country: area code and subscriber's number
(075012319, 07508577100), or the number alone where it belongs to no area (13800138000, 4008001234). Short
numbers (12319) belong to the area that they are dialed in. Rules: the numbering plan of the MIIT (电信网编号计划),
RFC 3261 section 19.1.6 and RFC 3966 for user parts.
"""

from __future__ import annotations

import re

MAX_TEXT = 256
"""Longest text that is looked at; no trunk delivers a longer one that means a number."""

MAX_DIGITS = 20
"""E.164 has 15 after the +; 00 and slack."""

_FILLING = str.maketrans("", "", " \t-.()/")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_NO_AREA = re.compile(r"[48]00[0-9]{7}")
_SHORT = re.compile(r"[0-9]{2,6}")
_SUBSCRIBER = re.compile(r"[2-9][0-9]{6,7}")


def digits(text: str) -> str:
    """Return the digits of a delivered number, a + before them kept; "" where there is no number.

    Takes spaces, dashes, brackets, and SIP or tel addresses with parameters. Looks at MAX_TEXT characters.
    """
    if len(text) > MAX_TEXT:
        return ""
    found = text.strip()
    if "<" in found:
        found = found.partition("<")[2].partition(">")[0]
    scheme, colon, rest = found.partition(":")
    if colon and scheme.lower() in ("sip", "sips", "tel"):
        found = rest
    found = found.partition("@")[0].partition(";")[0].replace("%2B", "+").replace("%2b", "+")
    found = found.translate(_FILLING)
    bare = found[1:] if found.startswith("+") else found
    return found if bare.isascii() and bare.isdigit() and len(bare) <= MAX_DIGITS else ""


def forms(number: str, area_code: str) -> tuple[tuple[str, str], ...]:
    """Return what `number` (of `digits`) may mean: national forms with the reason, the likeliest first.

    Reasons: `exact` (as dialed in the area), `area_code`, `country_code`. A foreign number has no form.
    """
    if number.startswith("+"):
        return _abroad(number[1:], area_code) if number.startswith("+86") else ()
    if number.startswith("00"):
        return _abroad(number[2:], area_code) if number.startswith("0086") else ()
    if number.startswith("0"):
        return ((number, "area_code"),)
    if not number:
        return ()
    if _MOBILE.fullmatch(number) or _NO_AREA.fullmatch(number):
        return ((number, "exact"),)
    found = [(area_code + number, "exact")] if len(number) <= 8 else []
    if number.startswith(area_code[1:]) and len(number) > len(area_code):
        found.append(("0" + number, "area_code"))
    if number.startswith("86") and len(number) > 4:
        found += _abroad(number, area_code)
    return tuple(found) or ((area_code + number, "exact"),)


def _abroad(number: str, area_code: str) -> tuple[tuple[str, str], ...]:
    """The forms of a number with 86 before it."""
    rest = number[2:]
    reason = "country_code"
    if not rest:
        return ()
    if rest.startswith("0") or _MOBILE.fullmatch(rest) or _NO_AREA.fullmatch(rest):
        return ((rest, reason),)
    found = []
    if rest.startswith(area_code[1:]) and len(rest) > len(area_code):
        found.append(("0" + rest, reason))
    if _SHORT.fullmatch(rest) or _SUBSCRIBER.fullmatch(rest):
        found.append((area_code + rest, reason))
    return tuple(found) or (("0" + rest, reason),)


def national(text: str, area_code: str) -> str:
    """Return the national form of a number as a city's file writes it; "" where it is no number of China."""
    found = forms(digits(text), area_code)
    return found[0][0] if found else ""


def from_china(number: str) -> str:
    """Return a caller's number (of `digits`) as it is dialed from anywhere in China, other areas' with the 0.

    +86 138… → 138…, 0138… (a mobile from elsewhere) → 138…, 0086 750 … → 0750…, +852 … → 00852….
    """
    if _MOBILE.fullmatch(number[1:]) and number.startswith("0"):
        return number[1:]
    if number.startswith("+"):
        number = "00" + number[1:]
    elif number.startswith("86") and len(number) >= 12:
        # No number of China has 12 digits without a 0 before them.
        number = "00" + number
    rest = number[4:]
    if not number.startswith("0086") or not rest:
        return number
    if rest.startswith("0"):
        return from_china(rest)
    alone = _MOBILE.fullmatch(rest) or _NO_AREA.fullmatch(rest) or len(rest) < 9
    return rest if alone else "0" + rest
