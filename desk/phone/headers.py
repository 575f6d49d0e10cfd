"""Reads the few header fields of a SIP message that a telephone is asked about. Pure."""

from __future__ import annotations

import re

MAX_HEADERS = 50
MAX_VALUE = 500
_NUMBER = re.compile(r"<?sips?:([^@;>]*)@", re.IGNORECASE)


def own_headers(message: str) -> dict[str, str]:
    """Return the `X-` headers of a SIP message, names as written there, values cut at MAX_VALUE characters.

    Folded lines are joined (RFC 3261 7.3.1); of a repeated header the first counts.
    """
    head = re.split(r"\r?\n\r?\n", message, maxsplit=1)[0]
    lines = re.sub(r"\r?\n[ \t]+", " ", head).splitlines()[1:]
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if colon and name[:2].lower() == "x-" and len(found) < MAX_HEADERS:
            found.setdefault(name, value.strip()[:MAX_VALUE])
    return found


def number_of(uri: str) -> str:
    """Return the user part of a SIP address (`"A" <sip:1001@127.0.0.1>` → `1001`), "" where it has none."""
    match = _NUMBER.search(uri)
    return match[1] if match else ""
