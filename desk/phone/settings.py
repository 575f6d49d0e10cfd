"""Who and where a telephone is, and what it tells of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


class PhoneError(Exception):
    """The telephone can not do what it was told; the text says what and why, in one line."""


@dataclass(frozen=True)
class Line:
    """Who the telephone is. With a `registrar` (host:port) it registers there with `password`."""

    user: str
    domain: str
    registrar: str = ""
    password: str = field(default="", repr=False)
    expires_seconds: int = 120


@dataclass(frozen=True)
class Settings:
    """Where the telephone is. `port` 0 takes a free one; `calls` more than that at once are answered busy."""

    address: str
    port: int = 0
    calls: int = 4
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    log: Path | None = None
    """Where pjsua2 writes what it does, SIP messages included; for looking for faults only."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What RTP has carried of one call so far."""

    packets_in: int
    packets_out: int
    lost_in: int
    jitter_ms: float
