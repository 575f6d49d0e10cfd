"""The link to Asterisk's manager (AMI): events in order, actions with deadlines, nothing replayed."""

from cti.ami.errors import AmiBusy, AmiError, AmiLinkLost, AmiRefused, AmiRejected, AmiTimeout
from cti.ami.link import AmiLink, LinkCounters, LinkState, Phase
from cti.ami.settings import AmiSettings
from cti.ami.wire import AmiEvent, AmiReply, FieldError

__all__ = [
    "AmiBusy",
    "AmiError",
    "AmiEvent",
    "AmiLink",
    "AmiLinkLost",
    "AmiRefused",
    "AmiRejected",
    "AmiReply",
    "AmiSettings",
    "AmiTimeout",
    "FieldError",
    "LinkCounters",
    "LinkState",
    "Phase",
]
