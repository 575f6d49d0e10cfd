"""The case loop: which action leads from which state to which. Pure.

What stands here is what the platform does today; registering, dispatching and what follows are added with the
parts that do them. A missing key is an error and leaves the state as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

State = Literal["", "received"]
"""Where a case is; "" before it is opened."""
Action = Literal["open", "answer", "request_callback"]

TRANSITIONS: Final[Mapping[tuple[str, Action], State]] = MappingProxyType(
    {
        ("", "open"): "received",
        # An agent took the citizen's call: the first, or the next one after a transfer.
        ("received", "answer"): "received",
        # Nobody took the call; the citizen left a number.
        ("received", "request_callback"): "received",
    }
)


class TransitionError(ValueError):
    """An action that a case's state does not allow; the message names both."""


def after(state: str, action: Action) -> State:
    """Return the state that an action leads to. Raises TransitionError where there is no way."""
    found = TRANSITIONS.get((state, action))
    if found is None:
        raise TransitionError(f"a case that is {state or 'not opened'!r} can not take the action {action!r}")
    return found
