"""Puts sealed recordings away and gives them back: FLAC, encrypted, in the home or in any store that fsspec knows.

Nothing decrypted is ever written to a disk: what has to be a file for others lies in memory. A recording is whole
at every moment: what is old is removed after what is new has been read back.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from recorder.recording import SPEAKERS, BrokenIndexError, Recording, Side, Speaker
from recorder.recording import decode as decode_index
from recorder.seal import INDEX, AlteredError
from recorder.vault import archive as archives
from recorder.vault import flac, keys, places
from recorder.vault.archive import Archive, BrokenArchiveError, Codec, Kept, about
from recorder.vault.crypt import BLOCK, CryptError, decrypted, encrypted, new_key
from recorder.vault.flac import Frame
from recorder.vault.places import StoreError

HOME: Final = "home"
"""How the database names the store that is the folder of recordings itself."""


class Vault:
    """The recordings below `root`; their encrypted files at `url`, else there too. Calls block: use a thread."""

    def __init__(self, root: Path, secrets: Path, url: str = "") -> None:
        self.root = root
        self._secrets = secrets
        self._url = url.rstrip("/")

    def archive(self, folder: str) -> Archive | None:
        """Return what is known of a recording that was put away; None of one that was not. Raises StoreError."""
        try:
            return archives.decode((self.root / folder / archives.FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, BrokenArchiveError) as error:
            raise StoreError(f"{folder}: {error}") from error

    def index(self, folder: str) -> Recording | None:
        """Return the recording that a folder's index tells; None where there is none. Raises StoreError."""
        try:
            return decode_index((self.root / folder / INDEX).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, BrokenIndexError) as error:
            raise StoreError(f"{folder}: {error}") from error

    def index_hash(self, folder: str) -> str:
        """Return the SHA-256 of index.json, "" where there is none."""
        try:
            return hashlib.sha256((self.root / folder / INDEX).read_bytes()).hexdigest()
        except FileNotFoundError:
            return ""

    # Putting away

    def put(self, recording: Recording) -> Archive:
        """Put a sealed recording away, once and for all; its WAV files are removed last.

        Raises AlteredError where a file is not what was sealed, StoreError, KeysError.
        """
        with self._alone(recording.folder):
            known = self.archive(recording.folder)
            if known is None:
                places.tidy(self.root / recording.folder)
                known = self._kept(recording)
            for side in known.sides:
                with suppress(FileNotFoundError):
                    (self.root / recording.folder / f"{side.speaker}.wav").unlink()
            return known

    def _kept(self, recording: Recording) -> Archive:
        masters = keys.ensure(self._secrets)
        sides = tuple(
            self._keep_side(recording, side, masters) for side in recording.sides if side.state != "missing"
        )
        known = Archive(recording.call_id, recording.folder, self._url, sides)
        self._write_archive(known)
        return known

    def _keep_side(self, recording: Recording, side: Side, masters: keys.MasterKeys) -> Kept:
        file = self.root / recording.folder / side.file
        bound, key = about(recording.call_id, side.speaker), new_key()
        codec: Codec = "flac"
        descriptor = flac.memory(side.file)
        try:
            try:
                with os.fdopen(descriptor, "r+b", closefd=False) as memory:
                    frame = flac.packed(file, memory)
                if places.sha256(flac.unpacked(flac.place_of(descriptor), frame)) != side.sha256:
                    raise flac.FlacError("it does not come back as it was")
                source = flac.place_of(descriptor)
            except flac.FlacError:
                codec, frame, source = "raw", Frame(b"", b""), file
                if places.sha256(places.pieces(file)) != side.sha256:
                    raise AlteredError(f"{side.file} has changed since it was sealed") from None
            except OSError as error:
                raise StoreError(f"{recording.folder}/{side.file}: {error.strerror}") from error
            fresh = Kept(side.speaker, codec, "", 0, frame.before, frame.after, "", b"")
            blocks = encrypted(places.pieces(source, BLOCK), key, bound)
            target = self.root / recording.folder / fresh.file
            if self._url:
                sha256, size = places.send(self._url, recording.folder, target, blocks)
            else:
                sha256, size = places.write(target, blocks)
        finally:
            os.close(descriptor)
        master, wrapped = masters.wrap(key, bound)
        return Kept(side.speaker, codec, sha256, size, frame.before, frame.after, master, wrapped)

    def _write_archive(self, known: Archive) -> None:
        """The store's own copy first: what is here says that everything is there."""
        text = archives.encode(known).encode()
        if known.url:
            index = (self.root / known.folder / INDEX).read_bytes()
            for name, content in ((archives.FILE, text), (INDEX, index)):
                places.put(known.url, known.folder, name, content)
        places.write(self.root / known.folder / archives.FILE, (text,))

    # Giving back

    @contextmanager
    def opened(self, folder: str, speaker: Speaker) -> Iterator[Path]:
        """Give the path of a side's sound, WAV or FLAC, for processes of this user, while the context lasts.

        Raises StoreError, KeysError.
        """
        known = self.archive(folder)
        if known is None or (side := known.side(speaker)) is None:
            yield self.root / folder / f"{speaker}.wav"
            return
        descriptor = self._in_memory(known, side)
        try:
            yield flac.place_of(descriptor)
        finally:
            os.close(descriptor)

    def content(self, folder: str, speaker: Speaker) -> Iterator[bytes]:
        """Yield a side's file as it was sealed, byte for byte. Raises StoreError, KeysError."""
        known = self.archive(folder)
        side = known.side(speaker) if known else None
        if known is None or side is None:
            yield from places.pieces(self.root / folder / f"{speaker}.wav")
        elif side.codec == "raw":
            yield from self._plain(known, side)
        else:
            descriptor = self._in_memory(known, side)
            try:
                yield from flac.unpacked(flac.place_of(descriptor), Frame(side.before, side.after))
            except flac.FlacError as error:
                raise StoreError(f"{folder}/{side.file}: {error}") from error
            finally:
                os.close(descriptor)

    def _in_memory(self, known: Archive, side: Kept) -> int:
        descriptor = flac.memory(side.file)
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as writer:
                for piece in self._plain(known, side):
                    writer.write(piece)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _plain(self, known: Archive, side: Kept) -> Iterator[bytes]:
        bound = about(known.call_id, side.speaker)
        key = keys.load(self._secrets).unwrap(side.master, side.key, bound)
        try:
            yield from decrypted(self._stored(known, side), key, bound)
        except CryptError as error:
            raise StoreError(f"{known.folder}/{side.file} is not what was put away: {error}") from error

    def _stored(self, known: Archive, side: Kept) -> Iterator[bytes]:
        if known.url:
            return places.got(known.url, known.folder, side.file)
        return places.pieces(self.root / known.folder / side.file)

    def faults(self, recording: Recording) -> tuple[str, ...]:
        """Return in what the files of a recording are not what was sealed, a sentence each. Never raises for it."""
        found = []
        for side in recording.sides:
            if side.state == "missing":
                continue
            try:
                sha256 = places.sha256(self.content(recording.folder, side.speaker))
            except (StoreError, keys.KeysError) as error:
                found.append(str(error))
                continue
            if sha256 != side.sha256:
                found.append(f"{side.file} has changed: SHA-256 {sha256[:12]}…, sealed {side.sha256[:12]}…")
        return tuple(found)

    # Keys and the end

    def rewrap(self, folder: str) -> bool:
        """Wrap a recording's keys with the active master key; False if they were. Raises StoreError, KeysError."""
        with self._alone(folder):
            known, masters = self.archive(folder), keys.load(self._secrets)
            if known is None or all(side.master == masters.active for side in known.sides):
                return False
            sides = []
            for side in known.sides:
                bound = about(known.call_id, side.speaker)
                master, wrapped = masters.wrap(masters.unwrap(side.master, side.key, bound), bound)
                sides.append(
                    Kept(
                        side.speaker,
                        side.codec,
                        side.sha256,
                        side.size,
                        side.before,
                        side.after,
                        master,
                        wrapped,
                    )
                )
            self._write_archive(Archive(known.call_id, known.folder, known.url, tuple(sides)))
            return True

    def remove(self, folder: str) -> None:
        """Remove a recording, its keys first, and see that nothing is left. Raises StoreError.

        Can be repeated; a recording that is gone is no error.
        """
        known = self.archive(folder)
        names = [side.file for side in known.sides] if known else []
        if known and known.url:
            places.remove(known.url, folder, (archives.FILE, *names, INDEX))
        sides = [f"{speaker}.{kind}" for speaker in SPEAKERS for kind in ("flac.enc", "wav.enc", "wav")]
        places.empty(self.root / folder, (archives.FILE, *sides, INDEX))

    def left(self, folder: str) -> tuple[str, ...]:
        """Return the files that are there of a recording."""
        return tuple(sorted(file.name for file in (self.root / folder).glob("*")))

    @contextmanager
    def alone(self, folder: str) -> Iterator[None]:
        """Hold a sealed recording for as long as the context lasts; others who ask wait. Raises StoreError."""
        with self._alone(folder, INDEX):
            yield

    @contextmanager
    def _alone(self, folder: str, name: str = "") -> Iterator[None]:
        """Hold the folder, so that two do not put a recording away at once; by a `name` something else."""
        try:
            descriptor = os.open(self.root / folder / name, os.O_RDONLY)
        except OSError as error:
            raise StoreError(f"{folder}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
