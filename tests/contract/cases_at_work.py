"""Cases to work on in tests: opened as the ledger opens them, and a rulebook of a small city."""

from __future__ import annotations

from dataclasses import replace

from caselink.contact import Answer, Contact
from caselink.number import lock
from caselink.opening import open_cases
from caselink.rulebook import Rulebook
from config.city import City
from config.presets import whole
from config.schema.cases import Cases
from config.schema.people import Unit
from cti.sql import Sessions
from ivr.calendar import Calendar
from tests.contract.cities import small_city

START = 1_795_572_000_000_000  # Wednesday, 2026-11-25 10:00 in Shanghai
HOUR = 3_600_000_000


def city(**cases: object) -> City:
    """The small city with units that handle cases, and a fallback unit."""
    made = small_city()
    units = (*made.units, *(Unit(id=name, name=name) for name in ("a", "b", "c", "fallback", "office")))
    said = {"fallback_unit": "fallback", "city_office": "office", "supervision_office": "office", **cases}
    return replace(made, units=units, cases=whole(Cases.model_validate(said, strict=False)))


def rulebook(**cases: object) -> Rulebook:
    """What that city says about working on cases."""
    return Rulebook.of(city(**cases), Calendar())


async def opened(sessions: Sessions, count: int = 1, *, caller: str = "", at: int = START) -> list[str]:
    """Open cases of answered calls; return their numbers."""
    contacts = []
    for place in range(count):
        call = f"n1-{at // 1_000_000}.{place + 1}"
        number = caller or f"138{place:08d}"
        answer = Answer(f"answered:{call}", at + place, "1001", "1001", "o")
        contacts.append((at + place, Contact(call, "12345", number, "12345", (answer,))))
    async with sessions.begin() as session:
        await lock(session)
        facts = await open_cases(session, city(), "phone", contacts)
    return [str(fact.data["case"]) for fact in facts]
