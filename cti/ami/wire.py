"""AMI on the wire: bytes to whole messages, messages to headers, actions to bytes; no sockets, no clock.

Bytes are framed first (a message ends in an empty line) and decoded afterwards, so that a character cut
between two reads stays whole. Headers are parsed when they are first asked for: most events are looked at by
name only. Format: Asterisk's main/manager.c and "AMI v2 Specification" (docs.asterisk.org).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

Fields = Mapping[str, str | Sequence[str]]

END: Final = b"\r\n\r\n"
BANNER: Final = b"Asterisk Call Manager/"
MAX_BANNER_BYTES: Final = 256
MAX_LINE_BYTES: Final = 1022
"""Longest line that Asterisk's manager reads (`char inbuf[1025]`, main/manager.h); of a longer one nothing is
kept while the rest of the action is carried out (measured on 22.10.1)."""
MAX_LINES: Final = 127
"""Most headers that Asterisk keeps of one action (`AST_MAX_MANHEADERS`, include/asterisk/manager.h)."""

_FORBIDDEN: Final = ("\r", "\n", "\0")


class WireError(ValueError):
    """The peer's bytes are no AMI, or break a bound; the text says which."""


class FieldError(ValueError):
    """An action was refused before it was sent; the text names the field and what is wrong with it."""


class Framer:
    """Cuts a stream of bytes into messages: first the banner line, then texts that end in an empty line.

    Holds at most `max_message` bytes of an unfinished message.
    """

    __slots__ = ("_buffer", "_max_message", "_scanned", "version")

    def __init__(self, max_message: int) -> None:
        self._buffer = bytearray()
        self._max_message = max_message
        self._scanned = 0
        self.version: str | None = None
        """What the banner named, None before it has come."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` completes, without their last empty line.

        Raises WireError when the peer is no Asterisk manager or a message is longer than allowed.
        """
        buffer = self._buffer
        buffer += data
        if self.version is None and not self._banner():
            return []
        # The end mark may lie across two reads, hence three bytes back.
        if buffer.find(END, max(0, self._scanned - 3)) < 0:
            self._scanned = len(buffer)
            if len(buffer) > self._max_message:
                raise WireError(f"a message of more than {self._max_message} bytes")
            return []
        *messages, rest = bytes(buffer).split(END)
        longest = max(map(len, messages))
        if longest > self._max_message or len(rest) > self._max_message:
            raise WireError(f"a message of more than {self._max_message} bytes")
        buffer[:] = rest
        self._scanned = len(rest)
        # Asterisk 1.x to 22 now and then send an empty line too many.
        return [message for raw in messages if (message := raw.lstrip(b"\r\n"))]

    def _banner(self) -> bool:
        buffer = self._buffer
        seen = bytes(buffer[: len(BANNER)])
        if not BANNER.startswith(seen) if len(seen) < len(BANNER) else seen != BANNER:
            raise WireError(f"the peer is no Asterisk manager, it said {_printable(bytes(buffer[:40]))}")
        end = buffer.find(b"\r\n", 0, MAX_BANNER_BYTES)
        if end < 0:
            if len(buffer) >= MAX_BANNER_BYTES:
                raise WireError("the peer's greeting has no end")
            return False
        self.version = bytes(buffer[len(BANNER) : end]).decode("ascii", "replace").strip()
        del buffer[: end + 2]
        return True


def _printable(data: bytes) -> str:
    return repr(data.decode("ascii", "replace"))


class Headers(Mapping[str, str | tuple[str, ...]]):
    """Headers by name, upper and lower case alike; a name that came more than once has a tuple of values."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, str | tuple[str, ...]]) -> None:
        self._values = values

    def __getitem__(self, key: str) -> str | tuple[str, ...]:
        return self._values[key.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({self._values!r})"


def parse(raw: bytes) -> dict[str, str | tuple[str, ...]]:
    """Return the headers of one message by lower-case name. Bytes that are no UTF-8 become U+FFFD."""
    lines = raw.decode("utf-8", "replace").split("\r\n")
    values: dict[str, str | tuple[str, ...]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        values[name.lower()] = value
    if len(values) != len(lines):
        return _with_repeats(lines)
    return values


def _with_repeats(lines: list[str]) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        found.setdefault(name.lower(), []).append(value)
    return {name: values[0] if len(values) == 1 else tuple(values) for name, values in found.items()}


class _Message:
    """One message: immutable, parsed when first asked."""

    __slots__ = ("_raw", "_values")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._values: dict[str, str | tuple[str, ...]] | None = None

    def _parsed(self) -> dict[str, str | tuple[str, ...]]:
        if self._values is None:
            self._values = parse(self._raw)
        return self._values

    @property
    def headers(self) -> Headers:
        """All headers; names in any case."""
        return Headers(self._parsed())

    def get(self, key: str, default: str = "") -> str:
        """Return the value of a header, the first one if it came more than once."""
        value = self._parsed().get(key.lower())
        if value is None:
            return default
        return value if isinstance(value, str) else value[0]

    def all(self, key: str) -> tuple[str, ...]:
        """Return every value of a header, in the order in which they came."""
        value = self._parsed().get(key.lower(), ())
        return (value,) if isinstance(value, str) else value

    def pairs(self, key: str) -> dict[str, str]:
        """Return the `name=value` values of a header such as `Variable` or `ChanVariable` by name."""
        found: dict[str, str] = {}
        for item in self.all(key):
            name, _, value = item.partition("=")
            found[name] = value
        return found

    @property
    def action_id(self) -> str:
        """The `ActionID` of the action that this answers, "" if it answers none."""
        return self.get("actionid") if has_action_id(self._raw) else ""

    def __len__(self) -> int:
        return len(self._raw)


class AmiEvent(_Message):
    """One event of Asterisk. `name` is its `Event` header."""

    __slots__ = ("name",)

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.name = _first_value(raw)

    def __repr__(self) -> str:
        return f"AmiEvent({self.name!r}, {self._parsed()!r})"


class AmiReply(_Message):
    """Asterisk's answer to one action."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """True if Asterisk did, or has begun to do, what was asked."""
        return _first_value(self._raw) in ("Success", "Follows", "Goodbye")

    @property
    def message(self) -> str:
        """Asterisk's own words about it."""
        return self.get("message")

    @property
    def output(self) -> str:
        """The text that the action `Command` printed."""
        return "\n".join(self.all("output"))

    def __repr__(self) -> str:
        return f"AmiReply({self._parsed()!r})"


def has_action_id(raw: bytes) -> bool:
    """Tell, without parsing it, whether a message answers an action."""
    return b"\nActionID: " in raw


def message(raw: bytes) -> AmiEvent | AmiReply:
    """Return the event or the reply that `raw` is. Raises WireError if it is neither."""
    if raw.startswith(b"Event: "):
        return AmiEvent(raw)
    if raw.startswith(b"Response: "):
        return AmiReply(raw)
    raise WireError(f"a message that is neither event nor response: {_printable(raw[:40])}")


def _first_value(raw: bytes) -> str:
    end = raw.find(b"\r\n")
    start = raw.index(b": ") + 2
    return raw[start : end if end >= 0 else len(raw)].decode("utf-8", "replace")


def check_action(name: str, fields: Fields) -> None:
    """Refuse what Asterisk would take for something else than it is.

    CR and LF end a header and would begin another, perhaps another action; NUL ends a C string; a longer line
    or more lines than Asterisk reads would silently lose their end. Raises FieldError.
    """
    if not name.isascii() or not name.isalnum():
        raise FieldError(f"{name[:40]!r} is no name of an action")
    lines = 2
    for key, value in fields.items():
        if not key.isascii() or not key or not all(c.isalnum() or c in "-_()" for c in key):
            raise FieldError(f"{name}: {key[:40]!r} is no name of a field")
        if key.lower() in ("action", "actionid"):
            raise FieldError(f"{name}: the field {key} is the link's own")
        for item in (value,) if isinstance(value, str) else value:
            lines += 1
            if any(mark in item for mark in _FORBIDDEN):
                raise FieldError(f"{name}: the field {key} holds an end of line or a NUL")
            try:
                size = len(key) + 2 + len(item.encode())
            except UnicodeEncodeError:
                raise FieldError(f"{name}: the field {key} holds half a surrogate pair") from None
            if size > MAX_LINE_BYTES:
                raise FieldError(
                    f"{name}: the field {key} has {size} bytes, at most {MAX_LINE_BYTES} fit a line"
                )
    if lines > MAX_LINES:
        raise FieldError(f"{name}: {lines} lines, Asterisk reads {MAX_LINES}")
