"""Takes a sealed recording into keeping (manifest, vault) and out of it (deletion), each step repeatable.

The order of the steps is what makes them safe: a recording is named in the manifest before it is put away, and
its deletion before it is removed, so that what was interrupted is always found and can be ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from recorder import access, seal, store
from recorder.recording import Recording
from recorder.tables import RecordingRow
from recorder.vault import chain, manifest
from recorder.vault.chain import Entry
from recorder.vault.keys import KeysError
from recorder.vault.manifest import ManifestError
from recorder.vault.places import StoreError
from recorder.vault.store import HOME, Vault

NOT_NOW = (StoreError, KeysError, ManifestError, OSError)
"""What keeps a recording from being put away now; it stays where it is and is tried again."""
Sessions = async_sessionmaker[AsyncSession]

_log = structlog.get_logger(__name__)


class HeldError(Exception):
    """The recording must not be deleted; the message says why."""


class Keeper:
    """Recordings of one vault, as the database knows them."""

    def __init__(self, vault: Vault, sessions: Sessions) -> None:
        self.vault = vault
        self._sessions = sessions
        self.trouble = ""
        """Why recordings can not be put away at the moment, "" if they can."""

    async def keep(self, recording: Recording, *, fresh: bool = False) -> bool:
        """Enter a sealed recording into its day's manifest and put it away; False if the store can not take it now.

        `fresh` is one that has just been sealed, so that the manifest need not be searched for it.
        Raises seal.AlteredError, SQLAlchemyError.
        """
        try:
            with ExitStack() as stack:
                # Who else works on it (another transcriber, the upkeep) waits, and then finds it done.
                await asyncio.to_thread(stack.enter_context, self.vault.alone(recording.folder))
                await self._kept(recording, fresh)
        except NOT_NOW as error:
            if str(error) != self.trouble:
                _log.warning("recording_not_put_away", call_id=recording.call_id, error=str(error))
            self.trouble = str(error)
            return False
        self.trouble = ""
        return True

    async def _kept(self, recording: Recording, fresh: bool) -> None:
        async with self._sessions() as session:
            row = await store.recording(session, recording.call_id)
        if row is None or row.deleted_at is not None:
            return
        if not row.chain_hash:
            entry = await asyncio.to_thread(self._entered, recording, fresh)
            await self._set(recording.call_id, chain_hash=entry.hash)
        if not row.store:
            archive = await asyncio.to_thread(self.vault.put, recording)
            await self._set(recording.call_id, store=archive.url or HOME)

    def _entered(self, recording: Recording, fresh: bool) -> Entry:
        known = None if fresh else manifest.find(self.vault.root, recording.folder, "sealed")
        if known is not None:
            return known
        entry = Entry(
            number=0,
            what="sealed",
            at=recording.sealed_at,
            call_id=recording.call_id,
            folder=recording.folder,
            state=recording.state,
            sha256_citizen=recording.side("citizen").sha256,
            sha256_agent=recording.side("agent").sha256,
            index=self.vault.index_hash(recording.folder),
        )
        return manifest.append(self.vault.root, entry)

    async def catch_up(self, page: int = 50) -> int:
        """Put away what was not yet: a store was away, a process was killed. Returns how many were.

        Those that lie on another machine's disk are that machine's.
        """
        done, after = 0, (0, "")
        while True:
            async with self._sessions() as session:
                waiting = await store.to_keep(session, after, page)
            for row in waiting:
                after = (row.sealed_at, row.call_id)
                try:
                    recording = await asyncio.to_thread(self.vault.index, row.folder)
                    if recording is None:
                        continue
                    if not await self.keep(recording):
                        return done
                    done += 1
                except (seal.AlteredError, StoreError) as error:
                    _log.error("recording_altered", call_id=row.call_id, error=str(error))
            if len(waiting) < page:
                return done

    async def hold(self, call_id: str, reason: str, who: str, now: int) -> None:
        """Keep a recording from being deleted until it is released (an empty reason)."""
        async with self._sessions.begin() as session:
            access.record(session, who, "hold" if reason else "release", call_id, now, reason)
            await session.execute(
                update(RecordingRow).where(RecordingRow.call_id == call_id).values(hold=reason)
            )

    async def delete(
        self, call_id: str, why: str, who: str, now: int, action: access.Action = "delete"
    ) -> None:
        """Delete a recording: named in the manifest, its keys and files removed, and seen to be gone.

        Can be repeated until it succeeds. Raises HeldError, StoreError, ManifestError, OSError, KeyError for a
        call without a recording.
        """
        async with self._sessions.begin() as session:
            row = await store.recording(session, call_id)
            if row is None:
                raise KeyError(call_id)
            if row.hold:
                raise HeldError(f"the recording of call {call_id} is held: {row.hold}")
            access.record(session, who, action, call_id, now, why)
        await asyncio.to_thread(self._removed, row, why, who, now)
        await self._set(call_id, deleted_at=row.deleted_at or now)
        _log.info("recording_deleted", call_id=call_id, why=why)

    def _removed(self, row: RecordingRow, why: str, who: str, now: int) -> None:
        if manifest.find(self.vault.root, row.folder, "deleted") is None:
            entry = Entry(
                number=0,
                what="deleted",
                at=now,
                call_id=row.call_id,
                folder=row.folder,
                state=row.state,
                sha256_citizen=row.sha256_citizen,
                sha256_agent=row.sha256_agent,
                index=self.vault.index_hash(row.folder),
                why=why[:500],
                by=who[:80],
            )
            manifest.append(self.vault.root, entry)
        self.vault.remove(row.folder)
        if left := self.vault.left(row.folder):
            raise StoreError(f"{row.folder}: still there after the deletion: {', '.join(left)}")

    async def expire(self, days: Mapping[str, int], who: str, now: int) -> int:
        """Delete what is older than its hotline keeps recordings. Returns how many were deleted."""
        async with self._sessions() as session:
            over = await store.expired(session, days, now)
        done = 0
        for row in over:
            try:
                await self.delete(row.call_id, "its time to be kept is over", who, now, "expire")
                done += 1
            except (*NOT_NOW, HeldError) as error:
                _log.warning("recording_not_deleted", call_id=row.call_id, error=str(error))
        return done

    async def _set(self, call_id: str, **values: object) -> None:
        async with self._sessions.begin() as session:
            await session.execute(
                update(RecordingRow).where(RecordingRow.call_id == call_id).values(**values)
            )


def inspected(vault: Vault, row: RecordingRow, entry: Entry | None) -> tuple[str, ...]:
    """Return in what a recording is no longer what was sealed, a sentence each; () if it is whole.

    `entry` is its newest entry in the manifest. Files are compared with the index, the index with the manifest,
    both with the database: whoever changes one of them is found out by the others.
    """
    if row.deleted_at is not None:
        left = vault.left(row.folder)
        return (f"was deleted, and is there again: {', '.join(left)}",) if left else ()
    try:
        index = vault.index(row.folder)
        if index is None:
            return ("not sealed: there is no index.json",)
        put_away = vault.archive(row.folder) is not None
    except StoreError as error:
        return (str(error),)
    found = list(vault.faults(index) if put_away else seal.verify(vault.root / row.folder).faults)
    stored = {"citizen": row.sha256_citizen, "agent": row.sha256_agent}
    found += [
        f"{side.file} and its index have changed: SHA-256 {side.sha256[:12]}…, "
        f"in the database {stored[side.speaker][:12]}…"
        for side in index.sides
        if side.sha256 != stored[side.speaker]
    ]
    return (*found, *_in_the_chain(vault, row, entry))


def _in_the_chain(vault: Vault, row: RecordingRow, entry: Entry | None) -> tuple[str, ...]:
    if entry is None:
        return ("its entry in the day's manifest was removed",) if row.chain_hash else ()
    if entry.hash != row.chain_hash:
        return ("its entry in the day's manifest is another than the database knows",)
    if entry.index != vault.index_hash(row.folder):
        return ("index.json has changed since it was entered in the day's manifest",)
    return ()


def day_faults(text: str, rows: Mapping[str, RecordingRow]) -> tuple[str, ...]:
    """Return what is wrong with a day's manifest as a whole; `rows` are the day's recordings by call."""
    entries, faults = chain.read(text)
    there, gone = chain.standing(entries)
    found = list(faults)
    found += [f"call {call_id} was entered twice" for call_id in chain.doubles(entries)]
    found += [
        f"call {call_id} is in the manifest and not in the database"
        for call_id in (*there, *gone)
        if call_id not in rows
    ]
    found += [
        f"call {call_id} is deleted in the database and has no entry that says so"
        for call_id, row in rows.items()
        if row.deleted_at is not None and call_id not in gone
    ]
    found += [
        f"the deletion of call {call_id} was begun and not ended: yht recording delete {call_id}"
        for call_id in gone
        if call_id in rows and rows[call_id].deleted_at is None
    ]
    return tuple(found)
