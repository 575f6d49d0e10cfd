"""SIP messages as bytes and back: as much of RFC 3261 as a telephone in a measurement speaks, and no sockets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_MESSAGE_BYTES = 65_535
"""Nothing longer fits into one UDP datagram."""

_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
"""RFC 3261 7.3.3: the short names of the headers that are read here."""

REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    501: "Not Implemented",
}
"""The responses that are ever sent."""


class SipError(ValueError):
    """A datagram is no SIP message; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """One request or response: its first line, its headers in order (names in lower case), its body."""

    first_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    def get(self, name: str) -> str:
        """Return the first header of that (lower-case) name, "" if there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Return every header of that (lower-case) name, in order."""
        return tuple(value for key, value in self.headers if key == name)

    @property
    def status(self) -> int:
        """The status code of a response, 0 for a request."""
        return int(self.first_line[8:11]) if self.first_line.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """The method: a request's own, a response's from its CSeq."""
        return self.get("cseq").partition(" ")[2] if self.status else self.first_line.partition(" ")[0]

    @property
    def user(self) -> str:
        """The user part of a request's URI ("2001" of `sip:2001@host`), "" if it has none."""
        uri = self.first_line.split(" ")[1].partition(":")[2]
        return uri.partition("@")[0] if "@" in uri else ""

    @property
    def branch(self) -> str:
        """The branch of the topmost Via: what names the transaction (RFC 3261 17.2.3)."""
        return parameter(self.get("via"), "branch")


def parameter(value: str, name: str) -> str:
    """Return a header parameter (`;tag=x`) from outside the angle brackets, "" if it is missing."""
    for part in value.rpartition(">")[2].split(";")[1 if ">" not in value else 0 :]:
        key, _, text = part.strip().partition("=")
        if key.lower() == name:
            return text
    return ""


def address(value: str) -> str:
    """Return the URI of a From, To or Contact header, without display name and header parameters."""
    _, bracket, rest = value.partition("<")
    return rest.partition(">")[0] if bracket else value.partition(";")[0].strip()


def parse(data: bytes) -> Message:
    """Read one datagram. Raises SipError if it is no SIP message."""
    if len(data) > MAX_MESSAGE_BYTES:
        raise SipError(f"{len(data)} bytes in one datagram")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        raise SipError("no empty line after the headers")
    try:
        lines = head.decode("utf-8").split("\r\n")
    except UnicodeDecodeError as error:
        raise SipError(f"not UTF-8: {error.reason}") from error
    first_line = lines[0]
    parts = first_line.split(" ")
    is_response = parts[0] == "SIP/2.0" and len(parts) > 1 and parts[1].isdigit() and len(parts[1]) == 3
    is_request = len(parts) == 3 and parts[2] == "SIP/2.0" and parts[0].isalpha()
    if not is_response and not is_request:
        raise SipError(f"neither request nor response: {first_line[:80]!r}")
    headers: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:
            name, value = headers[-1]
            headers[-1] = (name, f"{value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise SipError(f"a header without a colon: {line[:80]!r}")
        name = name.strip().lower()
        headers.append((_COMPACT.get(name, name), value.strip()))
    message = Message(first_line, tuple(headers), body)
    for name in ("via", "from", "to", "call-id", "cseq"):
        if not message.get(name):
            raise SipError(f"no {name} header")
    return message


def build(first_line: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Write one message; Content-Length, and Content-Type where there is a body (SDP), are added."""
    lines = [first_line, *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body


def respond(request: Message, status: int, tag: str, contact: str = "", body: bytes = b"") -> bytes:
    """Write the response to a request (RFC 3261 8.2.6.2): `tag` is put on To unless it has one already."""
    to = request.get("to")
    if tag and not parameter(to, "tag"):
        to = f"{to};tag={tag}"
    headers = [("Via", via) for via in request.all("via")]
    headers += [("Record-Route", route) for route in request.all("record-route")]
    headers += [
        ("From", request.get("from")),
        ("To", to),
        ("Call-ID", request.get("call-id")),
        ("CSeq", request.get("cseq")),
    ]
    if contact:
        headers.append(("Contact", f"<{contact}>"))
    return build(f"SIP/2.0 {status} {REASONS[status]}", headers, body)


def sdp(host: str, port: int, session: int, formats: Sequence[tuple[int, str]] = ((8, "PCMA"),)) -> bytes:
    """Write a session description with one audio stream of 8 kHz codecs (payload type, name)."""
    lines = [
        "v=0",
        f"o=- {session} {session} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(str(number) for number, _ in formats)}",
        *(f"a=rtpmap:{number} {name}/8000" for number, name in formats),
        "",
    ]
    return "\r\n".join(lines).encode()
