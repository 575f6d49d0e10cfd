"""Reads where this machine gets its Debian packages from: sources.list(5), both formats. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_ONE_LINE = re.compile(
    r"^deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)$"
)


@dataclass(frozen=True, slots=True)
class Source:
    """One archive of binary packages. `signed_by` is a keyring, "" for the machine's trusted ones."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        found = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if found:
            options = dict(
                option.split("=", 1) for option in (found["options"] or "").split() if "=" in option
            )
            yield Source(
                found["uri"], found["suite"], tuple(found["components"].split()), options.get("signed-by", "")
            )


def _stanzas(text: str) -> Iterator[Mapping[str, str]]:
    fields: dict[str, str] = {}
    last = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, last = {}, ""
        elif line[0] in " \t" and last:
            fields[last] += "\n" + line.strip()
        elif ":" in line:
            name, value = line.split(":", 1)
            last = name.strip().lower()
            fields[last] = value.strip()


def _deb822(text: str) -> Iterator[Source]:
    for fields in _stanzas(text):
        if fields.get("enabled", "yes").lower() in ("no", "false", "off", "0", "without", "disable"):
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        signed_by = fields.get("signed-by", "")
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                # A key written into the file itself is of no use elsewhere; Debian's keyring is trusted anyway.
                keyring = signed_by if signed_by.startswith("/") else ""
                yield Source(uri, suite, tuple(fields.get("components", "").split()), keyring)


def parse(files: Iterable[tuple[str, str]]) -> tuple[Source, ...]:
    """Return the archives that files (name, text) of apt's configuration name, in their order."""
    found: list[Source] = []
    for name, text in files:
        found += _deb822(text) if name.endswith(".sources") else _one_line(text)
    return tuple(found)


def archive(sources: Iterable[Source], codename: str) -> Source | None:
    """Return the one that Debian itself comes from (not its security updates), None when none is named.

    `codename` is this machine's own release. Vendors use the same names for suites of theirs, so the archive
    that also has the release's updates is preferred, then one whose address speaks of Debian.
    """
    known = tuple(sources)
    updated = {source.uri for source in known if source.suite in (f"{codename}-updates", "stable-updates")}
    fitting = [
        source
        for source in known
        if source.suite in (codename, "stable") and "main" in source.components and "cdrom:" not in source.uri
    ]
    return max(fitting, key=lambda source: (source.uri in updated, "debian" in source.uri), default=None)


def line(source: Source, suite: str) -> str:
    """Return the line of sources.list that takes another suite from the same archive."""
    option = f"[signed-by={source.signed_by}] " if source.signed_by else ""
    return f"deb {option}{source.uri} {suite} main\n"
