"""What can go wrong with an action on the AMI link, and whether it may have been carried out all the same."""

from __future__ import annotations


class AmiError(Exception):
    """Any failure of the link or of one action on it."""


class AmiRefused(AmiError):
    """Asterisk refused the login; the text names the place, the user and what to look at."""


class AmiBusy(AmiError):
    """Too many actions wait for an answer; nothing was sent."""


class AmiRejected(AmiError):
    """Asterisk answered a list action with an error; the text holds its own words."""


class AmiTimeout(AmiError):
    """No answer within the deadline. The action may have been carried out."""


class AmiLinkLost(AmiError):
    """The link is down. `may_have_run` is False where nothing of the action has left this process."""

    def __init__(self, text: str, *, may_have_run: bool) -> None:
        super().__init__(text)
        self.may_have_run = may_have_run
