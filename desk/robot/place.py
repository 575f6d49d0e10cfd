"""Where a robot lives and whom it talks to beside the telephone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Command = Callable[[str, Mapping[str, str]], Awaitable[str]]
"""Asks the platform for an agent's command; returns "" or, in one line, why it was refused."""

Watcher = Callable[[int, str, str], None]
"""Is told what happens as it happens: milliseconds since the start, the kind of event, its detail."""


class RobotError(Exception):
    """The robot can not even begin; the text says why, in one line."""


@dataclass(frozen=True)
class Place:
    """Where a robot lives: its own address, the platform's (host:port), the sound it needs.

    An agent with no platform registers nowhere and is called directly.
    """

    address: str
    platform: str = ""
    clips: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    password: str = field(default="", repr=False)
    """Of the agent's seat."""
    recordings: Path | None = None
    """The folder for WAV files of both sides."""
    port: int = 0
