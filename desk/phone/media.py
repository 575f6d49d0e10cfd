"""The two ends of a call's speech inside pjsua2: an ear that hands out frames, a mouth that is given some.

Nothing else in the platform but this file and phone.py knows pjsua2's names. The two methods of `Sound` that
pjsua2 calls run on its media clock's thread, every 20 ms; they only move bytes between bounded queues. All
others belong to the thread of the telephone.
"""

from __future__ import annotations

import threading
from collections import deque
from pathlib import Path
from typing import Any

import pjsua2 as pj

from desk.phone.events import Heard, Said
from desk.phone.sound import FRAME_BYTES, FRAME_MS, RATE, SILENCE, WavWriter, frames

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
