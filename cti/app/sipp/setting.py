"""What every run on one platform shares: the city, where it listens, what `$names` mean, who moves its agents."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from acd.commands import CommandClient, NoEngineError
from config import City
from config.numbers import digits
from config.paths import Paths
from config.schema.people import Trunk
from cti.app.sipp.actors import Host
from cti.app.sipp.booking import Booking, NotHere
from cti.app.sipp.model import REHEARSAL, Scalar
from cti.app.sipp.telephones import Failed
from cti.app.sipp.values import HOTLINE
from cti.app.sipp.watch import Watch
from cti.secrets import Secrets


class Desk:
    """What a supervisor does to agents, through the hall's commands."""

    def __init__(self, commands: CommandClient) -> None:
        self._commands = commands

    async def sign_in(self, agent: str, seat: str) -> None:
        """Sign an agent in at a seat. Raises Failed, as all of these do."""
        await self._ask("sign_in", agent=agent, seat=seat)

    async def sign_out(self, agent: str) -> None:
        """Sign an agent out; one who is signed out already stays so."""
        await self._ask("sign_out", agent=agent, reason="rehearsal_over")

    async def ready(self, agent: str) -> None:
        """Let an agent take calls."""
        await self._ask("ready", agent=agent)

    async def not_ready(self, agent: str) -> None:
        """Let an agent take no calls."""
        await self._ask("not_ready", agent=agent, reason="rehearsal")

    async def _ask(self, name: str, **arguments: Any) -> None:
        try:
            reply = await self._commands.call(name, **arguments)
        except NoEngineError as error:
            raise Failed(str(error)) from error
        if not reply.ok:
            raise Failed(f"{name} was refused: {reply.error}")


@dataclass(frozen=True)
class Setting:
    """What every run on one platform shares."""

    city: City
    paths: Paths
    secrets: Secrets
    watch: Watch
    desk: Desk
    platform: Host
    citizens_at: str
    """The address of a trunk that this machine has; "" if there is none."""
    rehearsals_at: str
    """The same, of the rehearsal's own trunk."""


def city_values(city: City) -> dict[str, Scalar]:
    """Return the `$names` that the city's settings give."""
    platform = city.platform
    values: dict[str, Scalar] = {
        "ring_ms": platform.offers.ring_seconds * 1000,
        "announce_ms": platform.waiting.announce_seconds * 1000,
        "too_short_ms": platform.offers.too_short_ms,
        "after_no_answer": platform.offers.after_no_answer,
        "area_code": platform.area_code,
    }
    for hotline in city.hotlines:
        values |= {f"{HOTLINE}{number}": hotline.id for number in hotline.numbers}
    return values


def booking_values(city: City, booking: Booking) -> dict[str, Scalar]:
    """Return the `$names` that a run's lines and agents give."""
    values: dict[str, Scalar] = {}
    if booking.lines:
        line = booking.lines[0]
        values |= {"line.number": digits(line.numbers[0]), "line.hotline": line.id, "line.queue": line.queue}
        values["wrap_up_ms"] = city.queue[line.queue].wrap_up_seconds * 1000
    for name, agent in booking.agents.items():
        values |= {f"agent.{name}": agent, f"seat.{name}": agent}
    return values


def need_hotlines(numbers: Iterable[str], city: City) -> None:
    """Raise NotHere unless the city has a hotline for each number."""
    there = {number for hotline in city.hotlines for number in hotline.numbers}
    if missing := sorted(set(numbers) - there):
        raise NotHere(f"this city has no hotline with the number {missing[0]}")


def own_address(trunks: Iterable[Trunk], *, rehearsal: bool) -> str:
    """Return an address of this machine (127.0.0.0/8) that a trunk sends from, "" if no trunk does.

    With `rehearsal` the trunk of that id is preferred; without, any other.
    """
    ranked = sorted(trunks, key=lambda trunk: (trunk.id == REHEARSAL) != rehearsal)
    for trunk in ranked:
        for source in trunk.match:
            try:
                address = ipaddress.ip_network(source, strict=False)[0]
            except (ValueError, IndexError):
                continue
            if address.is_loopback:
                return str(address)
    return ""


def sip_address(city: City) -> Host:
    """Return where the platform's SIP is reached from this machine."""
    bind = city.platform.sip.bind
    return ("127.0.0.1" if bind == "0.0.0.0" else bind, city.platform.sip.port)  # noqa: S104
