"""How moments, lengths, telephone numbers and names are said to a person. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from config import City

SECOND = 1_000_000
"""One second, in the microseconds that moments are counted in."""
_AGO = re.compile(r"(\d{1,5})\s*(s|m|min|h|d)")
_AGO_SECONDS: Mapping[str, int] = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True)
class Names:
    """What the city calls things, and its time zone."""

    timezone: str
    agents: Mapping[str, str]
    queues: Mapping[str, str]
    hotlines: Mapping[str, str]
    units: Mapping[str, str]

    @classmethod
    def of(cls, city: City) -> Names:
        """Return the names of a city."""
        return cls(
            timezone=city.platform.timezone,
            agents={agent.id: agent.name for agent in city.agents},
            queues={queue.id: queue.name for queue in city.queues},
            hotlines={hotline.id: hotline.name for hotline in city.hotlines},
            units={unit.id: unit.name for unit in city.units},
        )

    def agent(self, agent: str) -> str:
        """Return an agent's id and name."""
        return _named(agent, self.agents)

    def queue(self, queue: str) -> str:
        """Return a queue's id and name."""
        return _named(queue, self.queues)

    def hotline(self, hotline: str) -> str:
        """Return a hotline's id and name."""
        return _named(hotline, self.hotlines)

    def unit(self, unit: str) -> str:
        """Return a unit's id and name."""
        return _named(unit, self.units)

    def local(self, at: int) -> datetime:
        """Return a moment (microseconds since the epoch) in the city's time."""
        return datetime.fromtimestamp(at / SECOND, UTC).astimezone(ZoneInfo(self.timezone))

    def moment(self, at: int | None) -> str:
        """Return a moment as `2026-11-24 08:00:03`; "" for none."""
        return "" if not at else self.local(at).strftime("%Y-%m-%d %H:%M:%S")

    def iso(self, at: int | None) -> str | None:
        """Return a moment as ISO 8601 with the city's offset, for programs; None for none."""
        return None if not at else self.local(at).isoformat(timespec="milliseconds")


def _named(key: str, names: Mapping[str, str]) -> str:
    name = names.get(key, "")
    return key if name in ("", key) else f"{key} {name}"


def mask(number: str, full: bool) -> str:
    """Return a telephone number as it may be shown: whole if `full`, else without its middle.

    `13800000001` → `138****0001`, with its country code if it has one; numbers of up to five digits (public
    lines, seats) belong to nobody and are shown. What is no number is hidden altogether.
    """
    if full or not number:
        return number
    match = re.fullmatch(r"(\+86|0086|\+)?([0-9]+)", number)
    if match is None:
        return "****"
    prefix, digits = match[1] or "", match[2]
    if len(digits) <= 5:
        return number
    if len(digits) < 10:
        return f"{prefix}{digits[:2]}****{digits[-2:]}"
    return f"{prefix}{digits[:3]}****{digits[-4:]}"


def offset(ms: int) -> str:
    """Return a distance from a start as `00:03.2`, or `1:00:03.2` from an hour on; ahead of the start `-00:03.2`."""
    tenths = abs(ms) // 100
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"
    return f"{'-' if ms < 0 and tenths else ''}{f'{hours}:' if hours else ''}{clock}"


def length(ms: int) -> str:
    """Return how long something took: `4.1 s`, `1 min 5 s`, `2 h 3 min`."""
    if ms < 59_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    minutes = seconds // 60
    return f"{minutes // 60} h {minutes % 60} min"


def since(text: str, now: int, timezone: str) -> int:
    """Return the moment (microseconds since the epoch) that `--since` names.

    `30m`, `2h`, `3d` count back from now; `today`, `2026-11-24`, `2026-11-24T08:00` and `08:00` (of today) are
    in the city's time. Raises ValueError with one line that says what would be right.
    """
    wanted = text.strip().lower()
    if match := _AGO.fullmatch(wanted):
        return now - int(match[1]) * _AGO_SECONDS[match[2]] * SECOND
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(now / SECOND, UTC).astimezone(zone).replace(hour=0, minute=0, second=0)
    if wanted == "today":
        moment = today
    elif wanted == "yesterday":
        moment = today - timedelta(days=1)
    elif match := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", wanted):
        moment = today.replace(hour=int(match[1]), minute=int(match[2]))
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(
                f"{text!r} is no moment; write 30m, 2h, 3d, today, 08:00, 2026-11-24 or 2026-11-24T08:00"
            ) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
    return int(moment.replace(microsecond=0).timestamp()) * SECOND
