"""FastAGI: Asterisk asks, a coroutine answers; what is no Asterisk is kept out."""

from ivr.agi.codec import AgiReply, AgiRequest
from ivr.agi.errors import AgiError, AgiFailed, AgiHungUp, AgiTimeout, CommandError, PeerError
from ivr.agi.server import AgiServer, AgiSettings, Counters, Handler
from ivr.agi.session import AgiSession

__all__ = [
    "AgiError",
    "AgiFailed",
    "AgiHungUp",
    "AgiReply",
    "AgiRequest",
    "AgiServer",
    "AgiSession",
    "AgiSettings",
    "AgiTimeout",
    "CommandError",
    "Counters",
    "Handler",
    "PeerError",
]
