"""The number directory: what a dialed number means to its caller. Pure; compiled once from a city.

A look-up is a few comparisons in a dictionary, however many hotlines and numbers a city has, and never more
work for a longer text.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from config import City
from config.numbers import MAX_DIGITS, digits, forms, from_china, national
from config.schema.base import Language
from config.schema.batch import Batch
from config.schema.hotline import CaseRoute, Destination
from ivr.calendar import Calendar
from ivr.phases import Line, Phase, microseconds

UNKNOWN_NUMBER = "unknown_number"
NOT_YET_VALID = "not_yet_valid"

Outcome = Literal["queue", "forward", "prompt", "reject"]

_HOW = {
    "exact": "dialed as it is written",
    "area_code": "dialed with the area code",
    "country_code": "dialed with the country code",
}


_SAYS = {
    "not_yet_valid": "takes effect on {line.valid_from}",
    "retired": "is retired",
    "transition_over": "was answered until {line.transition_until}",
    "office": "takes no citizens' calls; the duty phone rings",
    "nobody_on_duty": "has no duty phone at this hour",
    "closed": "is closed by itself",
    "off_hours": "is outside of its hours",
}


@dataclass(frozen=True, slots=True)
class Forward:
    """A telephone outside that is rung; `channels` is how many calls its trunk carries, 0 for any number."""

    to: Destination
    channels: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a call: `queue` it, `forward` it outside, play a `prompt` and end it, or `reject` it.

    `hotline` is "" where the number is nobody's. `dialed` is the number as the hotline's file has it, digits
    only; of an unknown number the digits delivered, "" where there were none. `caller`: see `caller`.
    `notice` (said before it), `greeting`, `goodbye` and `comfort` are ids of prompts. `transfers` are hotlines
    whose own telephones an agent may transfer the call to. `reason` is a word for counting; `sentence` and
    `place` ("hotlines/12319.yaml:3") tell a person the same.
    """

    outcome: Outcome
    hotline: str
    dialed: str
    caller: str
    queue: str
    priority: int
    language: Language
    notice: str | None
    greeting: str | None
    goodbye: str | None
    comfort: str | None
    record: bool
    case: CaseRoute
    forward: Forward | None
    transfers: tuple[str, ...]
    reason: str
    sentence: str
    place: str


@dataclass(frozen=True, slots=True)
class _Entry:
    """A number: its line, which of the line's it is, its batch, and from when on it is in force (µs)."""

    line: Line
    position: int
    batch: Batch | None
    opens_at: int


class Directory:
    """Every number of a city. Made anew when the configuration changes; never changes itself."""

    def __init__(self, city: City) -> None:
        self._area_code = city.platform.area_code
        self._language: Language = city.platform.voice.language
        self._zone = ZoneInfo(city.platform.timezone)
        self._places = city.places
        self._queues = city.queue
        self._channels = {trunk.id: trunk.channels for trunk in city.trunks}
        self._numbers: dict[str, _Entry] = {}
        batches = {
            national(number, self._area_code): batch for batch in city.batches for number in batch.numbers
        }
        calendar = Calendar(city.platform.days_off, city.platform.workdays)
        not_yet = NOT_YET_VALID if NOT_YET_VALID in city.prompts else UNKNOWN_NUMBER
        for hotline in city.hotlines:
            line = Line(hotline, self._zone, calendar, not_yet)
            for position, number in enumerate(hotline.numbers):
                form = national(number, self._area_code)
                batch = batches.get(form)
                self._numbers[form] = _Entry(line, position, batch, line.opens_with(batch))

    def resolve(self, dialed: str, caller_number: str, now: datetime | int) -> Plan:
        """Return what becomes of a call to `dialed` at `now` (µs since the epoch, or a moment).

        Both numbers are taken as a trunk delivers them, in any form and of any length. A moment without an
        offset is the city's local time.
        """
        number = digits(dialed)
        who = caller(caller_number)
        for form, how in forms(number, self._area_code):
            entry = self._numbers.get(form)
            if entry is not None:
                at = now if isinstance(now, int) else microseconds(now, self._zone)
                return self._known(entry, who, how, entry.line.at(at, entry.opens_at))
        return self._unknown(number, who)

    def _known(self, entry: _Entry, who: str, how: str, phase: Phase) -> Plan:
        hotline = entry.line.hotline
        written = hotline.numbers[entry.position]
        to = phase.forward
        answered = bool(phase.queue) or to is not None
        queue = phase.queue or (to.on_fail_queue or "" if to else "")
        ranked = (
            hotline.priority if hotline.priority is not None or not queue else self._queues[queue].priority
        )
        sentence, place = self._said(entry, how, phase)
        transfers = (hotline.id, *hotline.transfers) if hotline.forward else hotline.transfers
        return Plan(
            outcome="queue" if phase.queue else "forward" if to else "prompt",
            hotline=hotline.id,
            dialed=digits(written),
            caller=who,
            queue=queue,
            priority=ranked or 0,
            language=hotline.language,
            notice=phase.notice,
            greeting=phase.prompt or (hotline.greeting if answered else None),
            goodbye=hotline.goodbye if answered else None,
            comfort=hotline.comfort if answered else None,
            record=hotline.record if answered else False,
            case=hotline.case,
            forward=Forward(to, self._channels.get(to.trunk or "", 0)) if to else None,
            transfers=transfers if phase.queue else (),
            reason=phase.reason or how,
            sentence=sentence,
            place=place,
        )

    def _said(self, entry: _Entry, how: str, phase: Phase) -> tuple[str, str]:
        """Return a sentence for the plan and the place that says so."""
        hotline, position = entry.line.hotline, entry.position
        known = f"hotline.{hotline.id}"
        if not phase.reason:
            place = self._places.get(f"{known}.numbers.{position}") or self._places.get(
                f"{known}.numbers", ""
            )
            named = f"{hotline.numbers[position]} is a number of the hotline {hotline.id} ({hotline.name})"
            return f"{named}, {_HOW[how]}", place
        if (
            phase.reason == "not_yet_valid"
            and entry.batch is not None
            and entry.opens_at > entry.line.opens_at
        ):
            batch = entry.batch
            day = f"takes effect on {batch.date}" if batch.applied else "is not applied"
            known, field = f"batch.{batch.id}", "date" if batch.applied else "applied"
            place = self._places.get(f"{known}.{field}") or self._places.get(known, "")
            named = f"{hotline.numbers[position]} of the hotline {hotline.id} ({hotline.name})"
            return f"{named} is in the batch {batch.id} ({batch.name}), which {day}", place
        says = _SAYS[phase.reason].format(line=hotline)
        place = self._places.get(f"{known}.{phase.field}") or self._places.get(known, "")
        return f"the hotline {hotline.id} ({hotline.name}) {says}", place

    def _unknown(self, number: str, who: str) -> Plan:
        return Plan(
            outcome="prompt",
            hotline="",
            dialed=number,
            caller=who,
            queue="",
            priority=0,
            language=self._language,
            notice=None,
            greeting=UNKNOWN_NUMBER,
            goodbye=None,
            comfort=None,
            record=False,
            case=CaseRoute(),
            forward=None,
            transfers=(),
            reason=UNKNOWN_NUMBER,
            sentence=f"{number} is no hotline's number" if number else "no number was delivered",
            place=self._places.get(f"prompt.{UNKNOWN_NUMBER}", ""),
        )


def caller(text: str) -> str:
    """Return the digits of a caller's number as it would be dialed in China; "" if withheld or no number.

    +86 138… → 138…, +86 750 … → 0750…, +852 … → 00852…. Bounded work for any text.
    """
    number = from_china(digits(text))
    return number if number.strip("0") and len(number) <= MAX_DIGITS else ""
