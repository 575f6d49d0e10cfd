"""The chain of a day: whatever is done to a line afterwards shows. Encryption: only the whole, unchanged, is read."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.vault import archive, chain
from recorder.vault.archive import Archive, BrokenArchiveError, Kept
from recorder.vault.chain import Entry, linked
from recorder.vault.crypt import BLOCK, CryptError, decrypted, encrypted, new_key

pytestmark = pytest.mark.unit


def _entry(number: int, what: chain.What = "sealed") -> Entry:
    call = f"n1-1.{number}"
    return Entry(0, what, 1_000 + number, call, f"2026/11/24/{call}", "sealed", "a" * 64, "b" * 64, "c" * 64)


def _day(count: int) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(1, count + 1):
        entries.append(linked(_entry(number), entries[-1] if entries else None))
    return entries


def _text(entries: list[Entry]) -> str:
    return "".join(map(chain.encode, entries))


def test_a_day_that_nobody_touched_is_whole() -> None:
    entries, faults = chain.read(_text(_day(5)))
    assert (list(entries), faults) == (_day(5), ())


@given(st.integers(2, 8), st.data())
def test_whatever_line_is_removed_but_the_last_shows(count: int, data: st.DataObject) -> None:
    day = _day(count)
    del day[data.draw(st.integers(0, count - 2))]
    assert chain.read(_text(day))[1]


@given(st.integers(2, 8), st.data())
def test_lines_in_another_order_show(count: int, data: st.DataObject) -> None:
    day = _day(count)
    mixed = data.draw(st.permutations(day).filter(lambda order: order != day))
    assert chain.read(_text(mixed))[1]


@given(st.integers(1, 6), st.data())
def test_a_changed_value_shows_even_with_a_new_hash_of_its_own(count: int, data: st.DataObject) -> None:
    day = _day(count + 1)
    at = data.draw(st.integers(0, count - 1))
    changed = replace(day[at], sha256_citizen="f" * 64)
    assert "was changed" in chain.read(_text([*day[:at], changed, *day[at + 1 :]]))[1][0]
    forged = replace(changed, hash=chain.digest(changed))
    assert "does not follow" in chain.read(_text([*day[:at], forged, *day[at + 1 :]]))[1][0]


def test_lines_that_are_none_are_told_by_their_number() -> None:
    _, faults = chain.read(_text(_day(2)) + "{}\n[1]\nrubbish\n")
    assert [fault.partition(":")[0] for fault in faults] == ["line 3", "line 4", "line 5"]


def test_what_was_deleted_is_to_be_gone_and_a_call_is_sealed_once() -> None:
    entries = [*_day(3), _entry(2, "deleted"), _entry(3)]
    there, gone = chain.standing(entries)
    assert (set(there), set(gone)) == ({"n1-1.1", "n1-1.3"}, {"n1-1.2"})
    assert chain.doubles(entries) == ("n1-1.3",)


def test_the_archive_is_read_back_as_it_was_written() -> None:
    sides = (
        Kept("citizen", "flac", "a", 9, b"RIFF\0", b"", "k", b"\1\2"),
        Kept("agent", "raw", "b", 0, b"", b"", "k", b""),
    )
    kept = Archive("n1-1.1", "2026/11/24/n1-1.1", "memory://x", sides)
    assert archive.decode(archive.encode(kept)) == kept
    assert [side.file for side in sides] == ["citizen.flac.enc", "agent.wav.enc"]
    for text in ("", "{}", '{"version": 2}', archive.encode(kept).replace("citizen", "x"), "[]"):
        with pytest.raises(BrokenArchiveError):
            archive.decode(text)


def _blocks(content: bytes) -> list[bytes]:
    return [content[at : at + BLOCK] for at in range(0, len(content), BLOCK)]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([0, 1, 15, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK]), st.integers(1, 70_000), st.data())
def test_what_was_encrypted_is_read_back_and_any_change_is_refused(
    size: int, piece: int, data: st.DataObject
) -> None:
    key, content = new_key(), bytes(range(256)) * (size // 256) + bytes(size % 256)
    secret = b"".join(encrypted(_blocks(content), key, b"n1-1.1/citizen"))

    def read(given: bytes, with_key: bytes = key, about: bytes = b"n1-1.1/citizen") -> bytes:
        cut = (given[at : at + piece] for at in range(0, len(given), piece))
        return b"".join(decrypted(cut, with_key, about))

    assert read(secret) == content
    at = data.draw(st.integers(0, len(secret) - 1))
    cut = data.draw(st.integers(0, len(secret) - 1))
    flipped = secret[:at] + bytes([secret[at] ^ 1]) + secret[at + 1 :]
    for wrong in (flipped, secret[:cut], secret + b"\0", secret[: len(secret) - BLOCK - 16]):
        with pytest.raises(CryptError):
            read(wrong)
    with pytest.raises(CryptError):
        read(secret, new_key())
    with pytest.raises(CryptError):
        read(secret, about=b"n1-1.2/citizen")


def test_blocks_in_another_order_are_refused() -> None:
    key, content = new_key(), bytes(3 * BLOCK)
    head, one, two, three = encrypted(_blocks(content), key, b"")
    with pytest.raises(CryptError):
        list(decrypted(iter([head, two, one, three]), key, b""))
