"""Which ports the platform needs, which of them are taken, by whom, and how that is said in one line."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from config.schema.platform import Platform
from cti.app.supervisor.pids import PROC, describe, everyone

Kind = Literal["tcp", "udp"]
LOOPBACK: Final = "127.0.0.1"
_TYPES: Final[Mapping[Kind, socket.SocketKind]] = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(frozen=True, slots=True)
class Claim:
    """A port that a setting of platform.yaml asks for; `place` is its file and line."""

    setting: str
    kind: Kind
    host: str
    port: int
    place: str = "platform.yaml"


def claims(platform: Platform, places: Mapping[str, str]) -> tuple[Claim, ...]:
    """Every port that the platform listens on; `places` are those of the city."""
    wanted = (
        Claim("sip.port", "udp", platform.sip.bind, platform.sip.port),
        Claim("ami.port", "tcp", LOOPBACK, platform.ami.port),
        Claim("agi.port", "tcp", LOOPBACK, platform.agi.port),
        Claim("http.port", "tcp", platform.http.bind, platform.http.port),
    )
    return tuple(
        replace(claim, place=places.get(f"platform.{claim.setting}", claim.place)) for claim in wanted
    )


def double(wanted: Iterable[Claim]) -> list[str]:
    """One line for each two settings that ask for the same port."""
    seen: dict[tuple[Kind, int], Claim] = {}
    lines = []
    for claim in wanted:
        first = seen.setdefault((claim.kind, claim.port), claim)
        if first is not claim:
            lines.append(
                f"{claim.place}: {claim.setting}: {claim.kind.upper()} port {claim.port} is {first.setting} too"
                " - give each a port of its own"
            )
    return lines


def report(claim: Claim, error: OSError, holder: str) -> str:
    """Say in one line that a port can not be had; `holder` names the process that has it, or is ""."""
    place = f"{claim.place}: {claim.setting}: {claim.kind.upper()} port {claim.port} on {claim.host}"
    if error.errno == errno.EADDRINUSE:
        by = f"taken by {holder}" if holder else "taken by another process"
        remedy = "stop that process or set another port"
    elif error.errno == errno.EADDRNOTAVAIL:
        by, remedy = "not to be had: this machine has no such address", "set the machine's own address"
    elif error.errno == errno.EACCES:
        by, remedy = "not allowed to this user", "set a port above 1023"
    else:
        by, remedy = f"not to be had ({error.strerror})", "set another address or port"
    return f"{place} is {by} - {remedy}"


def taken(wanted: Iterable[Claim]) -> list[str]:
    """One line for each port that can not be had now."""
    lines = []
    for claim in wanted:
        try:
            _try(claim)
        except OSError as error:
            holder = holder_of(claim) if error.errno == errno.EADDRINUSE else ""
            lines.append(report(claim, error, holder))
    return lines


def _try(claim: Claim) -> None:
    family = socket.AF_INET6 if ":" in claim.host else socket.AF_INET
    with socket.socket(family, _TYPES[claim.kind]) as probe:
        if claim.kind == "tcp":  # as the servers do: a connection that is only winding down is no hindrance
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((claim.host, claim.port))


def inodes(table: str, port: int) -> frozenset[str]:
    """The sockets of a table of /proc/net (tcp, udp, tcp6, udp6) that are bound to a port, and to no peer."""
    found = set()
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10:
            continue
        local, remote = fields[1].rpartition(":")[2], fields[2].rpartition(":")[2]
        if int(local, 16) == port and int(remote, 16) == 0:
            found.add(fields[9])
    return frozenset(found - {"0"})


def holder_of(claim: Claim, proc: Path = PROC) -> str:
    """Name the process that holds a port; "" where it can not be told (another user's)."""
    sockets: set[str] = set()
    for name in (claim.kind, f"{claim.kind}6"):
        try:
            sockets |= inodes((proc / "net" / name).read_text(encoding="ascii"), claim.port)
        except OSError:
            continue
    wanted = {f"socket:[{inode}]" for inode in sockets}
    for pid in everyone(proc) if wanted else ():
        try:
            for link in (proc / str(pid) / "fd").iterdir():
                if str(link.readlink()) in wanted:
                    return describe(pid, proc)
        except OSError:
            continue
    return ""
