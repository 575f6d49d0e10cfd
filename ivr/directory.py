"""The number directory: what a dialed number means to its caller. Pure; compiled once from a city.

A look-up is a few comparisons in a dictionary, however many hotlines and numbers a city has, and never more
work for a longer text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from config import City
from config.numbers import digits, forms, from_china, national
from config.schema.base import Language
from config.schema.hotline import CaseRoute, Hotline

UNKNOWN_NUMBER = "unknown_number"
NOT_YET_VALID = "not_yet_valid"

Outcome = Literal["queue", "prompt", "reject"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_HOW = {
    "exact": "dialed as it is written",
    "area_code": "dialed with the area code",
    "country_code": "dialed with the country code",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a call: `queue` it, play a `prompt` and end it, or `reject` it.

    `hotline` is "" where the number is nobody's. `dialed` is the number as the hotline's file has it, digits
    only; of an unknown number the digits delivered, "" where there were none. `caller`: see `caller`.
    `greeting`, `goodbye` and `comfort` are ids of prompts. `reason` is a word for counting; `sentence` and
    `place` ("hotlines/12319.yaml:3") tell a person the same.
    """

    outcome: Outcome
    hotline: str
    dialed: str
    caller: str
    queue: str
    priority: int
    language: Language
    greeting: str | None
    goodbye: str | None
    comfort: str | None
    record: bool
    case: CaseRoute
    reason: str
    sentence: str
    place: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A hotline, compiled; `opens_at` in µs since the epoch."""

    hotline: Hotline
    priority: int
    opens_at: int


class Directory:
    """Every number of a city. Made anew when the configuration changes; never changes itself."""

    def __init__(self, city: City) -> None:
        self._area_code = city.platform.area_code
        self._language: Language = city.platform.voice.language
        self._zone = ZoneInfo(city.platform.timezone)
        self._places = city.places
        self._not_yet = NOT_YET_VALID if NOT_YET_VALID in city.prompts else UNKNOWN_NUMBER
        self._numbers: dict[str, tuple[_Entry, int]] = {}
        for hotline in city.hotlines:
            priority = city.queue[hotline.queue].priority if hotline.priority is None else hotline.priority
            opens_at = microseconds(hotline.valid_from, self._zone) if hotline.valid_from else 0
            entry = _Entry(hotline, priority, opens_at)
            for position, number in enumerate(hotline.numbers):
                self._numbers[national(number, self._area_code)] = (entry, position)

    def resolve(self, dialed: str, caller_number: str, now: datetime | int) -> Plan:
        """Return what becomes of a call to `dialed` at `now` (µs since the epoch, or a moment).

        Both numbers are taken as a trunk delivers them, in any form and of any length. A moment without an
        offset is the city's local time.
        """
        number = digits(dialed)
        who = caller(caller_number)
        for form, reason in forms(number, self._area_code):
            found = self._numbers.get(form)
            if found is not None:
                entry, position = found
                at = now if isinstance(now, int) else microseconds(now, self._zone)
                return self._known(entry, position, who, reason if at >= entry.opens_at else NOT_YET_VALID)
        return self._unknown(number, who)

    def _known(self, entry: _Entry, position: int, who: str, reason: str) -> Plan:
        hotline = entry.hotline
        written = hotline.numbers[position]
        known = f"hotline.{hotline.id}.numbers"
        if reason == NOT_YET_VALID:
            sentence = f"the hotline {hotline.id} ({hotline.name}) takes effect on {hotline.valid_from}"
            place = self._places.get(f"hotline.{hotline.id}.valid_from", "")
        else:
            sentence = f"{written} is a number of the hotline {hotline.id} ({hotline.name}), {_HOW[reason]}"
            place = self._places.get(f"{known}.{position}") or self._places.get(known, "")
        opened = reason != NOT_YET_VALID
        return Plan(
            outcome="queue" if opened else "prompt",
            hotline=hotline.id,
            dialed=digits(written),
            caller=who,
            queue=hotline.queue if opened else "",
            priority=entry.priority,
            language=hotline.language,
            greeting=hotline.greeting if opened else self._not_yet,
            goodbye=hotline.goodbye if opened else None,
            comfort=hotline.comfort if opened else None,
            record=hotline.record if opened else False,
            case=hotline.case,
            reason=reason,
            sentence=sentence,
            place=place,
        )

    def _unknown(self, number: str, who: str) -> Plan:
        return Plan(
            outcome="prompt",
            hotline="",
            dialed=number,
            caller=who,
            queue="",
            priority=0,
            language=self._language,
            greeting=UNKNOWN_NUMBER,
            goodbye=None,
            comfort=None,
            record=False,
            case=CaseRoute(),
            reason=UNKNOWN_NUMBER,
            sentence=f"{number} is no hotline's number" if number else "no number was delivered",
            place=self._places.get(f"prompt.{UNKNOWN_NUMBER}", ""),
        )


def caller(text: str) -> str:
    """Return the digits of a caller's number as it would be dialed in China; "" if withheld or no number.

    +86 138… → 138…, +86 750 … → 0750…, +852 … → 00852…. Bounded work for any text.
    """
    number = from_china(digits(text))
    return number if number.strip("0") else ""


def microseconds(moment: datetime, zone: ZoneInfo) -> int:
    """Return a moment as µs since the epoch; one without an offset is of `zone`."""
    local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (local - _EPOCH) // timedelta(microseconds=1)
