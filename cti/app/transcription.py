"""Asks for a transcript of each recorded call once it has ended: one job a call, whatever is told twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from redis.asyncio import Redis
from sqlalchemy import bindparam, exists, select

from cti.facts import Fact
from cti.sql import Sessions
from cti.tables import CallRow
from recorder.jobs import STREAM
from recorder.tables import TranscriptRow

ASKED_SECONDS: Final = 7 * 24 * 3600
"""How long it is remembered that a transcript was asked for; after that SQL alone says so."""

_READY: Final = select(CallRow.call_id, CallRow.folder).where(
    CallRow.call_id.in_(bindparam("calls", expanding=True)),
    CallRow.ended_at.is_not(None),
    CallRow.folder != "",
    ~exists().where(TranscriptRow.call_id == CallRow.call_id),
)

# The mark and the job are one step: neither is there without the other.
_ASK: Final = """
if redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[3]) then
  redis.call('XADD', KEYS[1], '*', 'call_id', ARGV[1], 'folder', ARGV[2])
  return 1
end
return 0
"""


class AskForTranscripts:
    """A hook of the ledger (`cti.ledger.AfterCommit`)."""

    def __init__(self, redis: Redis[str], sessions: Sessions) -> None:
        self._redis: Any = redis
        self._sessions = sessions
        self.asked = 0
        """Jobs made since the start."""

    async def __call__(self, facts: Sequence[Fact]) -> None:
        """Look at the calls whose end or recording is among these facts; either may be told first."""
        calls = {fact.call_id for fact in facts if fact.kind in ("call_ended", "recording_started")}
        if not calls:
            return
        async with self._sessions() as session:
            rows = (await session.execute(_READY, {"calls": sorted(calls)})).all()
        for call_id, folder in rows:
            mark = f"{STREAM}:asked:{call_id}"
            self.asked += await self._redis.eval(_ASK, 2, STREAM, mark, call_id, folder, ASKED_SECONDS)
