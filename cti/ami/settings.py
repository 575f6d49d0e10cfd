"""What an AMI link needs to know: where, who, and every deadline and bound."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """One Asterisk's manager port. Times are in seconds, sizes in bytes."""

    host: str
    port: int
    username: str
    secret: str = field(repr=False)
    connect_timeout: float = 5.0
    login_timeout: float = 5.0
    """For the greeting and for the answer to the login, each."""
    boot_timeout: float = 60.0
    """For FullyBooted: Asterisk opens the port before it has loaded its modules."""
    resync_timeout: float = 30.0
    ping_interval: float = 10.0
    ping_timeout: float = 5.0
    backoff_first: float = 0.25
    backoff_most: float = 2.0
    """Asterisk is a neighbour on the same machine; citizens wait while the link is down."""
    refused_retry: float = 30.0
    """Between two logins that were refused: the secret is wrong until somebody changes it."""
    steady_after: float = 10.0
    """A link that was up this long starts again from the first backoff."""
    max_message: int = 64 * 1024
    max_events: int = 20_000
    """Events that wait for the consumer."""
    max_event_bytes: int = 16 * 1024 * 1024
    max_pending: int = 1_000
    """Actions without an answer."""
    max_unsent: int = 1024 * 1024
    """Bytes of actions that Asterisk has not read yet."""
    max_list: int = 20_000
    """Events of one list action."""

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.host}:{self.port}"
