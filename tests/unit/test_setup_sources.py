"""Where this machine's Debian packages come from, read as apt reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.setup.sources import Source, archive, line, parse

pytestmark = pytest.mark.unit

DEB822 = """\
# made by the installer
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def test_a_deb822_file_is_read_with_continued_fields_and_comments() -> None:
    sources = parse([("debian.sources", DEB822)])
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert sources[0] == Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), keyring)
    assert [source.suite for source in sources] == ["bookworm", "bookworm-updates", "bookworm-security"]
    assert archive(sources, "bookworm") == sources[0]


def test_the_older_format_is_read_with_options_and_comments() -> None:
    text = """\
# deb http://commented.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian/ bookworm main non-free # ours
"""
    assert parse([("sources.list", text)]) == (
        Source("http://mirror.example/debian/", "bookworm", ("main", "non-free"), "/k.gpg"),
    )


def test_a_key_inside_the_file_and_a_stanza_that_is_off_are_passed_over() -> None:
    text = """\
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main
Enabled: no

Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS/xcRfwEQWzr
 -----END PGP PUBLIC KEY BLOCK-----
"""
    assert parse([("a.sources", text)]) == (Source("http://mirror.example/debian", "bookworm", ("main",)),)


def test_debian_is_told_from_vendors_that_use_its_names() -> None:
    vendors = """\
deb https://browser.example/deb/ stable main
deb https://tools.example bookworm main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
"""
    text = (
        vendors
        + "deb http://inside.example/os bookworm main\ndeb http://inside.example/os bookworm-updates main\n"
    )
    found = archive(parse([("sources.list", text)]), "bookworm")
    assert found is not None
    assert found.uri == "http://inside.example/os"
    named = archive(
        parse([("sources.list", vendors + "deb http://m.example/debian bookworm main\n")]), "bookworm"
    )
    assert named is not None
    assert named.uri == "http://m.example/debian"


def test_no_archive_is_told_as_none() -> None:
    assert archive(parse([("sources.list", "deb http://m.example/debian trixie main\n")]), "bookworm") is None


def test_another_suite_is_taken_from_the_same_archive_under_the_same_key() -> None:
    assert line(Source("http://m/debian", "bookworm", ("main",), "/k.gpg"), "sid") == (
        "deb [signed-by=/k.gpg] http://m/debian sid main\n"
    )
    assert line(Source("http://m/debian", "bookworm", ("main",)), "sid") == "deb http://m/debian sid main\n"


@given(st.text(), st.sampled_from(["sources.list", "x.sources"]))
def test_no_text_breaks_the_reader(text: str, name: str) -> None:
    parse([(name, text)])
