"""What can go wrong in an AGI session."""

from __future__ import annotations


class AgiError(Exception):
    """Any failure of a session or of one command in it."""


class AgiHungUp(AgiError):
    """The channel left this session: the caller hung up, a Redirect took the channel, or Asterisk is gone."""


class AgiTimeout(AgiError):
    """Asterisk did not answer a command in time; the session is closed, since a late answer fits nothing."""


class AgiFailed(AgiError):
    """Asterisk knows no such command or application, or not with these arguments; the text is its own."""


class PeerError(ValueError):
    """The peer does not speak AGI, or too much of it; the text says where."""


class CommandError(ValueError):
    """A command of ours cannot be sent; the text says why."""
