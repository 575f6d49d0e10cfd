"""Where a robot lives: addresses, password and sound, from the city and the home of the platform."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from config import City
from config.paths import Paths
from config.schema.platform import Sip
from cti import secrets
from desk.phone import SoundError
from desk.robot import Place, Script, load_clips

SEATS_AT = "127.0.0.3"
"""Where agents' robots live when the platform listens on this machine only."""


class NoPlace(Exception):
    """A robot can not live here; the text says what is missing and what would be right."""


def place_of(script: Script, city: City, paths: Paths, address: str = "") -> Place:
    """Return where a script is played; `address` is used instead of the one found. Raises NoPlace."""
    try:
        clips = load_clips(script, city, paths)
    except SoundError as error:
        raise NoPlace(str(error)) from error
    sip = city.platform.sip
    place = Place(address, f"{_reached_at(sip)}:{sip.port}", clips, recordings=paths.home / "robots")
    if script.actor == "citizen":
        return replace(place, address=address or trunk_address(city, script.trunk))
    try:
        password = secrets.load(paths.secrets).seat_password(script.seat)
    except secrets.SecretsError as error:
        raise NoPlace(str(error)) from error
    except KeyError as error:
        raise NoPlace(f"there is no seat {script.seat}; name one of the city's agents.yaml") from error
    own = SEATS_AT if _is_loopback(_reached_at(sip)) else _reached_at(sip)
    return replace(place, address=address or own, password=password)


def trunk_address(city: City, trunk_id: str = "") -> str:
    """Return an address of this machine that a trunk is known by; the first such trunk for "". Raises NoPlace."""
    trunks = [trunk for trunk in city.trunks if trunk_id in ("", trunk.id)]
    for trunk in trunks:
        for match in trunk.match:
            if _is_loopback(match):
                return match
    if trunk_id and not trunks:
        known = ", ".join(trunk.id for trunk in city.trunks)
        raise NoPlace(f"there is no trunk {trunk_id}; there are {known or 'none'}")
    raise NoPlace(
        f"no trunk{f' {trunk_id}' if trunk_id else ''} is known by an address 127.x.x.x; "
        "add one to trunks.yaml, or give a local address with --address"
    )


def _reached_at(sip: Sip) -> str:
    """Return the address that a platform on this machine is reached at."""
    return "127.0.0.1" if sip.bind in ("0.0.0.0", "::") else sip.bind  # noqa: S104 (compared, not bound)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
