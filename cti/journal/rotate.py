"""Begins a new file of Asterisk's journal when it has grown large, and removes the oldest of those read."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Final

from cti.journal.files import files

MOST_BYTES: Final = 64 * 1024 * 1024
KEPT: Final = 32
"""Older files that stay: 2 GB, some hundred thousand calls, ten times the facts that may wait in the stream. So a
Redis that lost its data is filled again with everything that had not come to SQL."""


def rotate(journal: Path, most_bytes: int = MOST_BYTES, kept: int = KEPT) -> Path | None:
    """Rename the journal if it is larger than `most_bytes`; return its new name, None where it stays.

    Asterisk opens it by its name for each record, so its next one begins a new file. Older files beyond `kept`
    are removed, those alone that were renamed here. To be called when less than `most_bytes` is unread
    (`Follower.lag`): then the current file is being read, and the older ones have been. Raises OSError.
    """
    try:
        if journal.stat().st_size <= most_bytes:
            return None
    except FileNotFoundError:  # no call yet
        return None
    ours = re.compile(re.escape(journal.name) + r"\.[0-9]{19}")
    older = [entry.path for entry in files(journal) if ours.fullmatch(entry.path.name)]
    renamed = journal.rename(journal.with_name(f"{journal.name}.{time.time_ns()}"))
    for path in older[: max(0, len(older) + 1 - kept)]:
        path.unlink(missing_ok=True)
    return renamed
