"""The two things the hall asks of an Asterisk: put this citizen's channel to that seat, and tell what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from acd.resync import Sight
from cti import signals
from cti.ami import AmiError, AmiLink, AmiLinkLost
from cti.signals import SeatState

OFFER_CONTEXT = "yht-offer"
REDIRECT_SECONDS = 3.0


class SteerError(Exception):
    """An Asterisk did not do, or did not say, what was asked. `may_have_run`: it may have done it all the same."""

    def __init__(self, text: str, *, may_have_run: bool) -> None:
        super().__init__(text)
        self.may_have_run = may_have_run


class Steer(Protocol):
    """The hall's hands on the nodes."""

    async def offer(self, node: str, channel: str, seat: str, offer: str, agent: str) -> None:
        """Redirect a citizen's channel to a seat. Raises SteerError."""

    async def look(self, node: str) -> Sight:
        """Return what is on a node now. Raises SteerError."""


class AmiSteer:
    """Steers by the manager link of each node."""

    def __init__(self, links: Mapping[str, AmiLink]) -> None:
        self._links = links

    async def offer(self, node: str, channel: str, seat: str, offer: str, agent: str) -> None:
        """One Redirect (docs/decisions/0003). Raises SteerError, also where the channel is gone."""
        fields = {
            "Channel": channel,
            "Context": OFFER_CONTEXT,
            "Exten": f"{seat}*{offer}*{agent}",
            "Priority": "1",
        }
        try:
            reply = await self._link(node).action("Redirect", fields, timeout=REDIRECT_SECONDS)
        except AmiLinkLost as error:
            raise SteerError(str(error), may_have_run=error.may_have_run) from error
        except AmiError as error:
            raise SteerError(str(error), may_have_run=True) from error
        if not reply.ok:
            raise SteerError(f"Redirect: {reply.message}", may_have_run=False)

    async def look(self, node: str) -> Sight:
        """Ask for the channels with their variables, then for the phones. Raises SteerError."""
        link = self._link(node)
        try:
            status = await link.collect("Status", {"Variables": ",".join(signals.STATUS_VARIABLES)})
            devices = await link.collect("DeviceStateList", {})
        except AmiError as error:
            raise SteerError(str(error), may_have_run=True) from error
        return Sight(
            tuple(signals.channel(event.get, event.pairs("Variable")) for event in status),
            tuple(
                told
                for event in devices
                if isinstance(told := signals.signal("DeviceStateChange", event.get), SeatState)
            ),
        )

    def _link(self, node: str) -> AmiLink:
        if node not in self._links:
            raise SteerError(f"there is no manager link to node {node!r}", may_have_run=False)
        return self._links[node]
