"""Encrypts a file of any length in blocks, AES-256-GCM each; nothing of it can be changed, cut, added or swapped.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár: "Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance", 2015): the nonce of a block is a random prefix, the block's number and whether it
is the last. A key is used for one file only. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
BLOCK: Final = 1024 * 1024
MAGIC: Final = b"YHTREC1\n"
_PREFIX: Final = 7
_TAG: Final = 16


class CryptError(ValueError):
    """What was read is not what was encrypted with this key; the message says how."""


def new_key() -> bytes:
    """Return a key for one file."""
    return AESGCM.generate_key(KEY_BYTES * 8)


def encrypted(blocks: Iterable[bytes], key: bytes, about: bytes) -> Iterator[bytes]:
    """Encrypt blocks, each but the last of BLOCK bytes. `about` is bound to them: the same must be given to read."""
    prefix = os.urandom(_PREFIX)
    cipher = AESGCM(key)
    yield MAGIC + prefix
    number, held = 0, None
    for block in blocks:
        if held is not None:
            yield cipher.encrypt(_nonce(prefix, number, last=False), held, about)
            number += 1
        held = block
    yield cipher.encrypt(_nonce(prefix, number, last=True), held or b"", about)


def decrypted(pieces: Iterator[bytes], key: bytes, about: bytes) -> Iterator[bytes]:
    """Decrypt what `encrypted` made, given in pieces of any size. Raises CryptError.

    What was yielded before the error is genuine, but not the whole.
    """
    source = _Reader(pieces)
    head = source.take(len(MAGIC) + _PREFIX)
    if head[: len(MAGIC)] != MAGIC or len(head) < len(MAGIC) + _PREFIX:
        raise CryptError("no recording that was encrypted here")
    prefix = head[len(MAGIC) :]
    cipher = AESGCM(key)
    number = 0
    while True:
        block = source.take(BLOCK + _TAG)
        last = source.ended()
        try:
            yield cipher.decrypt(_nonce(prefix, number, last=last), block, about)
        except (InvalidTag, ValueError) as error:
            raise CryptError("changed, cut short, or of another call") from error
        if last:
            return
        number += 1


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


class _Reader:
    """Bytes in the amounts that are asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = bytearray()

    def _fill(self, count: int) -> None:
        while len(self._held) < count and (piece := next(self._pieces, None)) is not None:
            self._held += piece

    def take(self, count: int) -> bytes:
        self._fill(count)
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def ended(self) -> bool:
        self._fill(1)
        return not self._held
