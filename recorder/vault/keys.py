"""The master keys of recordings: made at first start, kept mode 0600, rotated; they wrap the key of each file.

`secrets/recordings.json` holds every master key by its name and, as `active`, the name of the one that wraps new
keys. Whoever has this file and a recording can read it; without the file no recording can ever be read again.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from recorder.vault.crypt import KEY_BYTES, new_key

FILE: Final = "recordings.json"
_ACTIVE: Final = "active"
_NONCE: Final = 12


class KeysError(Exception):
    """The master keys can not be used, or not for this file; the message says what to do."""


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """All master keys by name; `active` wraps, any of them unwraps."""

    active: str
    keys: Mapping[str, bytes] = field(repr=False)

    def wrap(self, key: bytes, about: bytes) -> tuple[str, bytes]:
        """Return the name of the active master key, and a file's key encrypted with it and bound to `about`."""
        nonce = os.urandom(_NONCE)
        return self.active, nonce + AESGCM(self.keys[self.active]).encrypt(nonce, key, about)

    def unwrap(self, name: str, wrapped: bytes, about: bytes) -> bytes:
        """Return a file's key. Raises KeysError."""
        if name not in self.keys:
            raise KeysError(
                f"the master key {name!r} is not in secrets/{FILE}; restore that file from its backup"
            )
        try:
            return AESGCM(self.keys[name]).decrypt(wrapped[:_NONCE], wrapped[_NONCE:], about)
        except (InvalidTag, ValueError) as error:
            raise KeysError(
                f"the file's key does not open with the master key {name!r}: either was changed"
            ) from error


def ensure(folder: Path) -> MasterKeys:
    """Return the master keys in `folder`, made if there are none. Raises KeysError.

    Two who do so at once get the same.
    """
    file = folder / FILE
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        name = _name()
        fresh = _written(folder, MasterKeys(name, {name: new_key()}))
        try:
            os.link(fresh, file)  # unlike a rename, it never takes the place of another's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return load(folder)


def load(folder: Path) -> MasterKeys:
    """Return the master keys in `folder`. Raises KeysError."""
    file = folder / FILE
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        active = raw.pop(_ACTIVE)
        keys = {name: base64.b64decode(text, validate=True) for name, text in raw.items()}
        if active not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError("no key by the name that `active` gives, or one of another length")
    except FileNotFoundError:
        raise KeysError(f"{file} is not there; restore it from its backup") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeysError(f"{file} can not be read ({error}); restore it from its backup") from error
    return MasterKeys(active, keys)


def rotate(folder: Path) -> MasterKeys:
    """Make a new master key the active one; the older ones stay, to read what they wrapped. Raises KeysError."""
    known = ensure(folder)
    name = _name(known.keys)
    fresh = _written(folder, MasterKeys(name, {**known.keys, name: new_key()}))
    fresh.replace(folder / FILE)
    return load(folder)


def forget(folder: Path, used: frozenset[str]) -> tuple[str, ...]:
    """Drop the master keys that wrap nothing any more (not in `used`, not active); returns their names."""
    known = load(folder)
    unused = tuple(name for name in known.keys if name not in used and name != known.active)
    if unused:
        kept = {name: key for name, key in known.keys.items() if name not in unused}
        _written(folder, MasterKeys(known.active, kept)).replace(folder / FILE)
    return unused


def _name(taken: Mapping[str, bytes] | None = None) -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    number = 1
    while taken and f"{day}.{number}" in taken:
        number += 1
    return f"{day}.{number}"


def _written(folder: Path, keys: MasterKeys) -> Path:
    fresh = folder / f".{FILE}.{os.getpid()}.{os.urandom(4).hex()}"
    values = {
        _ACTIVE: keys.active,
        **{name: base64.b64encode(key).decode() for name, key in keys.keys.items()},
    }
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return fresh
