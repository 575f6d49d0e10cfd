"""What pjsua2 calls back: the line, a call, and the two ends of a call's speech.

Nothing else in the platform but this file and phone.py knows pjsua2's names. The two methods of `Sound` that
pjsua2 calls run on its media clock's thread, every 20 ms; they only move bytes between bounded queues. All
others belong to the thread of the telephone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, Protocol

import pjsua2 as pj

from desk.phone.events import (
    Answered,
    Digit,
    DigitWay,
    Ended,
    Event,
    Heard,
    MediaChanged,
    Registered,
    Ringing,
    Said,
)
from desk.phone.sound import FRAME_BYTES, FRAME_MS, RATE, SILENCE, WavWriter, frames

P = ParamSpec("P")
MAX_UNREAD_FRAMES = 30_000 // FRAME_MS
"""What is kept for a telephone that nobody polls: half a minute, the oldest is dropped."""


class Sound(pj.AudioMediaPort):  # type: ignore[misc]  # pjsua2 has no types
    """The speech of one call, both ways."""

    def __init__(self, call: int) -> None:
        super().__init__()
        self._call = call
        self._lock = threading.Lock()
        self._mouth: deque[tuple[bytes, int]] = deque()
        self._said: deque[bytes] = deque(maxlen=MAX_UNREAD_FRAMES)
        self._ended: deque[int] = deque()
        self._ear: deque[bytes] = deque(maxlen=MAX_UNREAD_FRAMES)
        self._connected: Any = None
        self._heard_ms = 0
        self._utterances = 0
        self._files: tuple[WavWriter, WavWriter] | None = None
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, RATE, 1, FRAME_MS * 1000, 16)
        self.createPort(f"call{call}", form)

    # On the media clock's thread

    def onFrameRequested(self, frame: Any) -> None:  # noqa: N802 (pjsua2's name)
        """Give the next frame to be said."""
        with self._lock:
            samples, utterance = self._mouth.popleft() if self._mouth else (SILENCE, 0)
            self._said.append(samples)
            if utterance:
                self._ended.append(utterance)
        frame.type = pj.PJMEDIA_FRAME_TYPE_AUDIO
        frame.buf = pj.ByteVector(samples)
        frame.size = FRAME_BYTES

    def onFrameReceived(self, frame: Any) -> None:  # noqa: N802 (pjsua2's name)
        """Take a frame that was heard; the bridge gives empty ones where no call is connected."""
        samples = bytes(frame.buf)
        if len(samples) == FRAME_BYTES:
            with self._lock:
                self._ear.append(samples)

    # On the telephone's thread

    def connect(self, media: Any) -> None:
        """Join ear and mouth to a call's audio, anew if it has changed."""
        self._connected = media
        media.startTransmit(self)
        self.startTransmit(media)

    def disconnect(self) -> None:
        """Forget the call's audio; the bridge has parted with it already."""
        self._connected = None

    def say(self, samples: bytes) -> int:
        """Speak after what is being said already; return the number that `Said` will carry."""
        cut = frames(samples) or [SILENCE]
        with self._lock:
            self._utterances += 1
            number = self._utterances
            self._mouth.extend((frame, 0) for frame in cut[:-1])
            self._mouth.append((cut[-1], number))
        return number

    def hush(self) -> None:
        """Say no more; what is cut off is not told as said."""
        with self._lock:
            self._mouth.clear()

    def record(self, heard: Path, said: Path) -> None:
        """Write from now on what is heard and what is said."""
        self._files = WavWriter(heard), WavWriter(said)

    def drain(self) -> list[Heard | Said]:
        """Return what has happened to the speech since the last time, and write it to the recording."""
        with self._lock:
            ear, self._ear = self._ear, deque(maxlen=MAX_UNREAD_FRAMES)
            said, self._said = self._said, deque(maxlen=MAX_UNREAD_FRAMES)
            ended, self._ended = self._ended, deque()
        events: list[Heard | Said] = []
        for samples in ear:
            events.append(Heard(self._call, self._heard_ms, samples))
            self._heard_ms += FRAME_MS
        events.extend(Said(self._call, utterance) for utterance in ended)
        if self._files:
            for file, written in zip(self._files, (ear, said), strict=True):
                file.write(b"".join(written))
        return events

    def close(self) -> None:
        """Finish the recording."""
        for file in self._files or ():
            file.close()
        self._files = None


class Owner(Protocol):
    """Who is told what pjsua2 calls back: the telephone."""

    broken: BaseException | None

    def tell(self, event: Event) -> None:
        """Keep an event for the next poll."""

    def take(self, pj_id: int, message: str) -> None:
        """Let an incoming call ring; `message` is its INVITE."""

    def bury(self, number: int, ended: Ended) -> None:
        """Let an ended call go at the next poll."""


def _guarded(method: Callable[P, None]) -> Callable[P, None]:
    """Keep an exception out of pjsua2, which would abort the process; `Phone.poll` raises it again."""

    def call(*arguments: P.args, **named: P.kwargs) -> None:
        try:
            method(*arguments, **named)
        except BaseException as error:  # noqa: BLE001 (raised again by poll)
            phone: Owner = arguments[0].phone  # type: ignore[attr-defined]
            phone.broken = phone.broken or error

    return call


class Account(pj.Account):  # type: ignore[misc]  # pjsua2 has no types
    """The line, as pjsua2 calls it back."""

    def __init__(self, phone: Owner) -> None:
        super().__init__()
        self.phone = phone

    @_guarded
    def onRegState(self, told: Any) -> None:  # noqa: N802 (pjsua2's name)
        """The registrar has answered."""
        ok = told.status == pj.PJ_SUCCESS and 200 <= told.code < 300
        self.phone.tell(Registered(ok, told.code, told.reason))

    @_guarded
    def onIncomingCall(self, told: Any) -> None:  # noqa: N802 (pjsua2's name)
        """Somebody calls."""
        self.phone.take(told.callId, told.rdata.wholeMsg)


class Call(pj.Call):  # type: ignore[misc]  # pjsua2 has no types
    """One call, as pjsua2 calls it back. `number` is ours, pjsua2's own are used again."""

    def __init__(self, phone: Owner, number: int, account: Account, pj_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, pj_id)
        self.phone = phone
        self.number = number
        self.sound = Sound(number)
        self.over = False

    @_guarded
    def onCallState(self, _: Any) -> None:  # noqa: N802 (pjsua2's name)
        """The call rings, stands or is over."""
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY and info.role == pj.PJSIP_ROLE_UAC:
            self.phone.tell(Ringing(self.number, info.lastStatusCode))
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.phone.tell(Answered(self.number))
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and not self.over:
            self.over = True
            self.sound.disconnect()
            self.phone.bury(self.number, Ended(self.number, info.lastStatusCode, info.lastReason))

    @_guarded
    def onCallMediaState(self, _: Any) -> None:  # noqa: N802 (pjsua2's name)
        """The call's speech begins, is held, or changes."""
        info = self.getInfo()  # kept: its list of media lives in it
        for index, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            if media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.sound.connect(self.getAudioMedia(index))
                self.phone.tell(MediaChanged(self.number, "on"))
            elif media.status == pj.PJSUA_CALL_MEDIA_LOCAL_HOLD:
                self.phone.tell(MediaChanged(self.number, "held_by_us"))
            elif media.status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD:
                self.phone.tell(MediaChanged(self.number, "held_by_them"))
            else:
                self.phone.tell(MediaChanged(self.number, "off"))
            return

    @_guarded
    def onDtmfDigit(self, told: Any) -> None:  # noqa: N802 (pjsua2's name)
        """The other end pressed a key."""
        way: DigitWay = "info" if told.method == pj.PJSUA_DTMF_METHOD_SIP_INFO else "rfc4733"
        self.phone.tell(Digit(self.number, told.digit, way))


def let_go(thing: Any) -> None:
    """Destroy a C++ object now, whoever still holds its Python side."""
    type(thing).__swig_destroy__(thing)
