"""Says "ready" and "stopping" to whoever started this process: systemd's own protocol (sd_notify(3)).

One datagram of `KEY=value` lines to the socket that `NOTIFY_SOCKET` names. `yht up` listens the same way, so a
process need not know which of the two runs it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

VARIABLE = "NOTIFY_SOCKET"
MAX_MESSAGE = 4096


def notify(message: Mapping[str, object], environment: Mapping[str, str] = os.environ) -> bool:
    """Send one message; False where nobody listens. Never raises: a process works on without its supervisor."""
    address = environment.get(VARIABLE, "")
    if not address:
        return False
    if address.startswith("@"):  # systemd's way of writing a name outside of the file system
        address = "\0" + address[1:]
    text = "\n".join(f"{key}={' '.join(str(value).split())}" for key, value in message.items())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
            out.setblocking(False)
            out.sendto(text.encode()[:MAX_MESSAGE], address)
    except OSError:
        return False
    return True


def parse(datagram: bytes) -> dict[str, str]:
    """Return the lines of a message; what is no `KEY=value` is left out."""
    lines = datagram[:MAX_MESSAGE].decode("utf-8", "replace").splitlines()
    return {key: value for key, found, value in (line.partition("=") for line in lines) if found}
