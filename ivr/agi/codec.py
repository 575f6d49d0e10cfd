"""The AGI protocol without a socket: lines in, events out; commands in, bytes out.

Rules of the conversation, as Asterisk 22's res/res_agi.c holds it:

- Asterisk speaks first: lines `agi_name: value`, the first one `agi_network: yes`, then an empty line.
- Then we send one command at a time, and Asterisk answers each with one final line: `200 result=...`, `510`
  (no such command), `511` (the channel is dead), or `520-` with lines of usage up to `520 End ...`. `100`
  lines may come before it.
- `HANGUP` may come between any two lines, once. It means that this session is over for the channel: the
  caller has hung up, or the channel was redirected elsewhere (measured: a Redirect sends it as well).

`TRANSITIONS` is that, as a table; what is not in it is an error of the peer, and the state stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from ivr.agi.errors import CommandError, PeerError
from ivr.agi.quoting import command_line

MAX_LINE_BYTES: Final = 8 * 1024
MAX_ENVIRONMENT_LINES: Final = 128
MAX_ENVIRONMENT_BYTES: Final = 64 * 1024
MAX_USAGE_LINES: Final = 200


class State(Enum):
    """What may come next."""

    ENVIRONMENT = auto()
    IDLE = auto()
    """Nothing was asked."""
    WAITING = auto()
    """A command was sent."""
    USAGE = auto()
    """Inside the many lines of a 520."""


class Kind(Enum):
    """What a line, or a step of ours, is."""

    VARIABLE = auto()
    BLANK = auto()
    COMMAND = auto()
    TRYING = auto()
    FINAL = auto()
    USAGE_BEGIN = auto()
    USAGE_TEXT = auto()
    USAGE_END = auto()
    HANGUP = auto()
    JUNK = auto()


TRANSITIONS: Final[Mapping[State, Mapping[Kind, State]]] = MappingProxyType(
    {
        State.ENVIRONMENT: {Kind.VARIABLE: State.ENVIRONMENT, Kind.BLANK: State.IDLE},
        State.IDLE: {Kind.COMMAND: State.WAITING, Kind.HANGUP: State.IDLE},
        State.WAITING: {
            Kind.TRYING: State.WAITING,
            Kind.FINAL: State.IDLE,
            Kind.USAGE_BEGIN: State.USAGE,
            Kind.HANGUP: State.WAITING,
        },
        State.USAGE: {
            Kind.USAGE_TEXT: State.USAGE,
            Kind.USAGE_END: State.IDLE,
            Kind.HANGUP: State.USAGE,
        },
    }
)


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """What Asterisk told about the channel, once."""

    environment: Mapping[str, str]
    """By name without `agi_`; bytes that are no UTF-8 became U+FFFD."""
    path: str
    """The script of the URL, always with a leading slash: `agi://host/route?x=1` has `/route`."""
    query: Mapping[str, str]
    """The URL's query; of a name that comes twice the last value."""
    arguments: tuple[str, ...]
    """The dialplan's further arguments of AGI()."""

    def get(self, name: str, default: str = "") -> str:
        """Return one variable of the environment, e.g. `uniqueid`, `channel`, `callerid`."""
        return self.environment.get(name, default)


@dataclass(frozen=True, slots=True)
class AgiReply:
    """The final answer to one command.

    `200 result=1 (speech) endpos=12` has code 200, result "1", data "speech", attributes {"endpos": "12"}.
    Other codes have only a text; of a 520 it is the usage, one line each.
    """

    code: int
    text: str
    result: str = ""
    data: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hangup:
    """Asterisk said that the session is over for the channel."""


Event = AgiRequest | AgiReply | Hangup


class Codec:
    """One session's conversation."""

    def __init__(self) -> None:
        self.state = State.ENVIRONMENT
        self.hung_up = False
        self._environment: dict[str, str] = {}
        self._environment_bytes = 0
        self._usage: list[str] = []

    def send(self, name: str, *arguments: str) -> bytes:
        """Return the bytes of a command. Raises CommandError, also while another one waits for its answer."""
        following = TRANSITIONS[self.state].get(Kind.COMMAND)
        if following is None:
            raise CommandError(f"{name}: a command cannot be sent now ({self.state.name.lower()})")
        line = command_line(name, *arguments)
        self.state = following
        return line

    def receive(self, line: bytes) -> Event | None:
        """Take one line without its end; return what is complete with it. Raises PeerError."""
        if len(line) > MAX_LINE_BYTES:
            raise PeerError(f"a line of more than {MAX_LINE_BYTES} bytes")
        text = line.decode("utf-8", "replace").removesuffix("\r")
        kind = self._kind(text)
        following = TRANSITIONS[self.state].get(kind)
        if following is None:
            if self.state is State.ENVIRONMENT and not self._environment:
                raise PeerError(f"{_first_word(text)} is not how FastAGI begins")
            raise PeerError(f"a line that does not belong here ({self.state.name.lower()})")
        event = self._event(kind, text)
        self.state = following
        return event

    def _kind(self, text: str) -> Kind:
        if self.state is State.ENVIRONMENT:
            if not text:
                return Kind.BLANK
            return Kind.VARIABLE if text.startswith("agi_") and ":" in text else Kind.JUNK
        if text == "HANGUP":
            return Kind.HANGUP
        if self.state is State.USAGE:
            return Kind.USAGE_END if text.startswith("520 ") else Kind.USAGE_TEXT
        code, mark = text[:3], text[3:4]
        if code == "520" and mark == "-":
            return Kind.USAGE_BEGIN
        if not (len(code) == 3 and code.isascii() and code.isdigit() and mark in ("", " ")):
            return Kind.JUNK
        return Kind.TRYING if code[0] == "1" else Kind.FINAL

    def _event(self, kind: Kind, text: str) -> Event | None:
        if kind is Kind.VARIABLE:
            self._take_variable(text)
        elif kind is Kind.BLANK:
            return self._request()
        elif kind is Kind.HANGUP:
            self.hung_up = True
            return Hangup()
        elif kind is Kind.FINAL:
            return reply(text)
        elif kind is Kind.USAGE_BEGIN:
            self._usage = [text.removeprefix("520-")]
        elif kind in (Kind.USAGE_TEXT, Kind.USAGE_END):
            if len(self._usage) >= MAX_USAGE_LINES:
                raise PeerError(f"a usage of more than {MAX_USAGE_LINES} lines")
            self._usage.append(text)
            if kind is Kind.USAGE_END:
                return AgiReply(520, "\n".join(self._usage))
        return None

    def _take_variable(self, text: str) -> None:
        if not self._environment and text.partition(":")[0] != "agi_network":
            raise PeerError(f"{_first_word(text)} is not how FastAGI begins")
        self._environment_bytes += len(text)
        if len(self._environment) >= MAX_ENVIRONMENT_LINES or self._environment_bytes > MAX_ENVIRONMENT_BYTES:
            raise PeerError("an environment that has no end")
        name, _, value = text.removeprefix("agi_").partition(":")
        self._environment[name] = value.removeprefix(" ")

    def _request(self) -> AgiRequest:
        environment = self._environment
        if "network" not in environment or "request" not in environment:
            raise PeerError("an environment without agi_network and agi_request")
        script, _, query = environment.get("network_script", "").partition("?")
        arguments: list[str] = []
        while (value := environment.get(f"arg_{len(arguments) + 1}")) is not None:
            arguments.append(value)
        return AgiRequest(
            environment=MappingProxyType(dict(environment)),
            path="/" + script.lstrip("/"),
            query=MappingProxyType(dict(parse_qsl(query, keep_blank_values=True))),
            arguments=tuple(arguments),
        )


def _first_word(text: str) -> str:
    # No more than this: a line may hold a caller's number, and errors are logged.
    return repr(text.partition(" ")[0][:12])


def reply(text: str) -> AgiReply:
    """Read a final line such as `200 result=1 (value) endpos=5`. Raises PeerError.

    The value in brackets is not escaped by Asterisk, so it is taken as long as it can be: up to the bracket
    that ends the line, else up to the last one before ` name=value` pairs.
    """
    code = int(text[:3])
    rest = text[4:]
    if code != 200:
        return AgiReply(code, rest)
    if not rest.startswith("result="):
        raise PeerError("a 200 without a result")
    result, _, tail = rest.removeprefix("result=").partition(" ")
    data: str | None = None
    if tail.startswith("("):
        end = len(tail) - 1 if tail.endswith(")") else tail.rfind(") ")
        if end < 1:
            raise PeerError("a value in brackets that does not end on its line")
        data, tail = tail[1:end], tail[end + 1 :]
    pairs = (item.partition("=") for item in tail.split())
    return AgiReply(code, rest, result, data, {name: value for name, _, value in pairs})
