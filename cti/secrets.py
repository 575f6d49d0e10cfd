"""Secrets of one platform: made at first start, kept mode 0600, never with a default value."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cti import files

AMI_USER = "yht"


@dataclass(frozen=True)
class Secrets:
    """What the platform's own parts sign in with."""

    ami_secret: str = field(repr=False)
    seats: dict[str, str] = field(repr=False)
    """Password by extension."""
    ami_user: str = AMI_USER

    def seat_password(self, ext: str) -> str:
        """Return the SIP password of a seat. Raises KeyError for one that has none."""
        return self.seats[ext]


class SecretsError(Exception):
    """A file of secrets can not be used; the text names it and says what to do."""


def ensure(folder: Path, seats: Iterable[str]) -> Secrets:
    """Return the secrets in `folder`, making those that are not there yet. Raises SecretsError.

    One writer: the supervisor. A seat that is gone keeps its password, so that a rolled-back city works again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    ami = _read(folder / "ami.json")
    if "secret" not in ami:
        ami = {"secret": secrets.token_urlsafe(32)}
        _write(folder / "ami.json", ami)
    passwords = _read(folder / "seats.json")
    missing = [ext for ext in seats if ext not in passwords]
    if missing:
        passwords |= {ext: secrets.token_urlsafe(18) for ext in missing}
        _write(folder / "seats.json", passwords)
    return Secrets(ami["secret"], passwords)


def load(folder: Path) -> Secrets:
    """Return the secrets that a first start made. Raises SecretsError where there are none."""
    ami = _read(folder / "ami.json")
    if "secret" not in ami:
        raise SecretsError(f"{folder} holds no secrets yet; start the platform once: yht up")
    return Secrets(ami["secret"], _read(folder / "seats.json"))


def _read(path: Path) -> dict[str, str]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise SecretsError(
            f"{path} can not be read ({error}); restore it, or remove it to have a new one made"
        ) from error
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise SecretsError(f"{path} is no object of texts; restore it, or remove it to have a new one made")
    return raw


def _write(path: Path, values: dict[str, str]) -> None:
    files.replace(path, json.dumps(values, indent=1), 0o600)
