"""The time, as facts, Redis and SQL have it."""

from __future__ import annotations

import time


def now_us() -> int:
    """Return the time, in microseconds since the epoch."""
    return time.time_ns() // 1000
