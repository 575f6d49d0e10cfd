"""A telephone: SIP calls with real speech, no sound device. The terminal softphone and the robots use it."""

from desk.phone.events import (
    Answered,
    Digit,
    DigitWay,
    Ended,
    Event,
    Heard,
    Incoming,
    MediaChanged,
    Registered,
    Ringing,
    Said,
)
from desk.phone.phone import Phone
from desk.phone.settings import Line, PhoneError, Settings, Traffic
from desk.phone.sound import SoundError, duration_ms, level_db, read_wav
from desk.phone.vad import Tuning, Vad

__all__ = [
    "Answered",
    "Digit",
    "DigitWay",
    "Ended",
    "Event",
    "Heard",
    "Incoming",
    "Line",
    "MediaChanged",
    "Phone",
    "PhoneError",
    "Registered",
    "Ringing",
    "Said",
    "Settings",
    "SoundError",
    "Traffic",
    "Tuning",
    "Vad",
    "duration_ms",
    "level_db",
    "read_wav",
]
