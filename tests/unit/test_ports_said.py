"""How a port that can not be had is said: which setting, which process, what to do, in one line."""

from __future__ import annotations

import errno

import pytest

from config.schema.platform import Platform
from cti.app.supervisor import ports
from cti.app.supervisor.ports import Claim

pytestmark = pytest.mark.unit

HTTP = Claim("http.port", "tcp", "127.0.0.1", 8080, "platform.yaml:18")

TCP_TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 40401 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 40402 1 0 20 4 0 10 -1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 20202 1 0 100 0 0 10 0
   3: 0100007F:1F90 0100007F:C002 06 00000000:00000000 03:00000EBD 00000000     0        0 0 3 0
"""


def test_a_taken_port_names_setting_holder_and_remedy() -> None:
    said = ports.report(HTTP, OSError(errno.EADDRINUSE, "in use"), "nginx (pid 812)")
    assert said == (
        "platform.yaml:18: http.port: TCP port 8080 on 127.0.0.1 is taken by nginx (pid 812)"
        " - stop that process or set another port"
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EADDRINUSE, "taken by another process"),
        (errno.EADDRNOTAVAIL, "no such address"),
        (errno.EACCES, "above 1023"),
        (errno.ENETDOWN, "Network is down"),
    ],
)
def test_every_reason_is_one_line(number: int, words: str) -> None:
    said = ports.report(HTTP, OSError(number, "Network is down"), "")
    assert words in said
    assert "\n" not in said


def test_only_the_socket_that_listens_holds_the_port() -> None:
    assert ports.inodes(TCP_TABLE, 8080) == {"40401"}
    assert ports.inodes(TCP_TABLE, 22) == {"20202"}
    assert ports.inodes(TCP_TABLE, 80) == frozenset()


def test_two_settings_with_one_port_are_told_before_anything_is_tried() -> None:
    platform = Platform(city="云江市", area_code="0750")
    places = {"platform.http.port": "platform.yaml:18"}
    wanted = ports.claims(platform, places)
    assert not ports.double(wanted)
    assert {claim.setting: claim.place for claim in wanted}["http.port"] == "platform.yaml:18"
    [line] = ports.double([*wanted, Claim("agi.port", "tcp", "127.0.0.1", platform.ami.port)])
    assert line.startswith("platform.yaml: agi.port: TCP port 5038 is ami.port too")
