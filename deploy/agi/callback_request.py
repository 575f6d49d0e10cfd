"""Takes a citizen's callback request to disk while no engine answers: callback_request FOLDER CALL_ID PROMPT.

Asterisk starts it from [yht-fallback]. It uses pyst2 and the standard library, nothing of ours: whatever is
broken at that moment must not reach it. The citizen is offered a callback at the own number (1, or no key at
all) or at another one that is keyed in and read back; `FOLDER/<call_id>.json` is written whole, mode 0600, and
the platform takes it up later. PROMPT is the clip that says so; the others lie beside it, and one that is
missing is passed over.

pyst2 has no end of file, writes every caller's number to stderr and quotes nothing (design of its 0.5.1): it
is given a stdin that ends in an exception, no stderr, and names that are quoted here.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import BinaryIO, Final, NoReturn, Protocol

from asterisk.agi import AGI, AGIAppError, AGIException, AGIHangup

LONGEST_SECONDS: Final = 180
"""The whole conversation; Asterisk's side is ended with ours."""

OFFERS: Final = 2
TRIES: Final = 3
KEY_SECONDS: Final = 6
NUMBER: Final = re.compile(r"\+?([0-9]{7,15})")
"""A telephone number that can be called back: E.164 has at most 15 digits, a local number at least 7."""

_LINE_BYTES: Final = 65_536
_SAFE_NAME: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,99}")


class Overdue(Exception):
    """The conversation took longer than any may."""


@dataclass(frozen=True, slots=True)
class Request:
    """One file in the folder of callbacks. `caller_number` is "" when none came with the call; `number` is
    where to call back; `taken_at` is in microseconds since the epoch, UTC."""

    call_id: str
    caller_number: str
    number: str
    dialed_number: str
    hotline: str
    queue: str
    taken_at: int


class Phone(Protocol):
    """What the conversation needs of a telephone. Both raise AGIException when the citizen is gone."""

    def say(self, prompt: str, keys: str = "") -> str:
        """Play a prompt, if it is there; return the key of `keys` that ended it, "" for none."""

    def key(self, seconds: float) -> str:
        """Return the next key, "" if none comes in that time."""


def callable_number(text: str) -> str:
    """Return a number as digits, "" when it is none that can be called ("anonymous", "s", rubbish)."""
    found = NUMBER.fullmatch(text.strip()[:32])
    return found.group(1) if found else ""


def digit_clips(number: str) -> tuple[str, ...]:
    """Return the clips that say a number digit by digit, as every Chinese telephone does: one is 幺."""
    return tuple("digit_one" if digit == "1" else f"num_{digit}" for digit in number)


def file_name(call_id: str) -> str:
    """Return the name of a request's file; an id that could leave the folder is replaced."""
    return f"{call_id}.json" if _SAFE_NAME.fullmatch(call_id) else f"unnamed-{time.time_ns()}.json"


def ask(phone: Phone, own: str) -> str:
    """Return where the citizen wants to be called, "" when no number could be found out.

    `own` is the number that the call came from, "" if it can not be called.
    """
    if own:
        for _ in range(OFFERS):
            key = phone.say("callback_offer", "12") or phone.key(KEY_SECONDS)
            if key == "1":
                return own
            if key == "2":
                break
        else:
            # Who can not or does not press a key has waited for us all the same.
            return own
    for _ in range(TRIES):
        number = callable_number(_keyed(phone))
        if number and _confirmed(phone, number):
            return number
    return own


def _keyed(phone: Phone) -> str:
    """Return the digits that the citizen keys in, up to # or a pause."""
    digits = ""
    key = phone.say("callback_enter", "0123456789") or phone.key(KEY_SECONDS)
    while key and key in "0123456789" and len(digits) < 15:
        digits += key
        key = phone.key(KEY_SECONDS)
    return digits


def _confirmed(phone: Phone, number: str) -> bool:
    """Read the number back; anything but a 2 says that it is right."""
    for clip in ("callback_number", *digit_clips(number), "callback_confirm"):
        if key := phone.say(clip, "12"):
            return key == "1"
    return phone.key(KEY_SECONDS) != "2"


def write(folder: Path, request: Request) -> None:
    """Put a request into the folder, whole or not at all. Raises OSError."""
    fresh = folder / f".{os.getpid()}.{time.time_ns()}.new"
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(request), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / file_name(request.call_id))
    finally:
        fresh.unlink(missing_ok=True)


class _Lines:
    """Asterisk's side for pyst2: bounded lines, and an end of file that is a hangup."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readline(self) -> str:
        line = self._file.readline(_LINE_BYTES)
        if not line or line.startswith(b"HANGUP"):
            raise AGIHangup("the citizen or Asterisk is gone")
        return line.decode("utf-8", errors="replace")


class _Nowhere:
    """A stderr for pyst2, which would write the caller's number to it."""

    def write(self, text: str) -> int:
        return len(text)


class AsteriskPhone:
    """The telephone at the other end of an AGI connection; clips are looked for in `folder`."""

    def __init__(self, agi: AGI, folder: Path) -> None:
        self._agi = agi
        self._folder = folder

    def say(self, prompt: str, keys: str = "") -> str:
        """Play a prompt that is there."""
        clip = self._folder / prompt
        if not any(self._folder.glob(f"{prompt}.*")) or '"' in str(clip) or "\\" in str(clip):
            return ""
        try:
            pressed: str = self._agi.stream_file(f'"{clip}"', keys)
        except AGIAppError:
            # A clip that can not be played answers like a hangup does; a dead channel refuses the next command.
            self._agi.channel_status()
            return ""
        return pressed

    def key(self, seconds: float) -> str:
        """Wait for a key."""
        pressed: str = self._agi.wait_for_digit(int(seconds * 1000))
        return pressed

    def variable(self, name: str) -> str:
        """Return a channel variable, "" if it is not set."""
        value: str = self._agi.get_variable(name)
        return value[:200]


def converse(
    agi: AGI, folder: Path, call_id: str, prompt: Path, now: Callable[[], int], say_why: Callable[[str], None]
) -> None:
    """Take one request. `now` is microseconds since the epoch; `say_why` is told why none was kept."""
    phone = AsteriskPhone(agi, prompt.parent)
    own = callable_number(agi.env.get("agi_callerid", ""))
    dialed = phone.variable("YHT_DIALED") or agi.env.get("agi_dnid", "")[:32]
    hotline, queue = phone.variable("YHT_HOTLINE"), phone.variable("YHT_QUEUE")
    number = ask(phone, own)
    if not number:
        say_why("no number that can be called")
        phone.say("callback_failed")
        return
    try:
        write(folder, Request(call_id, own, number, dialed, hotline, queue, now()))
    except OSError as error:
        say_why(f"{folder}: {error.strerror}")
        phone.say("callback_failed")
        return
    phone.say(prompt.name)


def _overdue(number: int, frame: FrameType | None) -> NoReturn:
    raise Overdue


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    # Asterisk's log gets neither a traceback nor, in an error's text, what the citizen keyed in.
    sys.stderr.write(f"callback_request: unexpected {kind.__name__}\n")


def main(arguments: Sequence[str]) -> int:
    """Run as the AGI script that Asterisk started; always ends, in at most LONGEST_SECONDS."""
    sys.excepthook = _one_line
    if len(arguments) != 3:
        sys.stderr.write("callback_request: wants FOLDER CALL_ID PROMPT\n")
        return 2
    folder, call_id, prompt = arguments
    notes: list[str] = []
    signal.signal(signal.SIGALRM, _overdue)
    signal.alarm(LONGEST_SECONDS)
    try:
        agi = AGI(_Lines(sys.stdin.buffer), sys.stdout, _Nowhere())
        converse(agi, Path(folder), call_id, Path(prompt), lambda: time.time_ns() // 1000, notes.append)
    except AGIAppError:
        # What pyst2 makes of -1, by which Asterisk says that the channel is gone; AGIHangup is one of them.
        notes.append("hung up before it was done")
    except AGIException as error:
        notes.append(f"Asterisk refused a command ({type(error).__name__})")
    except (OSError, ValueError) as error:
        notes.append(f"Asterisk can not be talked to ({type(error).__name__})")
    except Overdue:
        notes.append(f"ended after {LONGEST_SECONDS} s")
    _tell(call_id, notes)
    return 0


def _tell(call_id: str, notes: Iterable[str]) -> None:
    for note in notes:
        sys.stderr.write(f"callback_request: {call_id[:100]!r}: {note}\n")


if __name__ == "__main__":
    code = main(sys.argv[1:])
    # What Asterisk no longer reads must not become a traceback while Python shuts down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
