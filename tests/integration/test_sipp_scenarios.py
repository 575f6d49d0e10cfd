"""Every SIPp scenario passes on a running platform, and leaves it as it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cti.app.sipp.load import names
from tests.integration.platform import CHECKOUT, Platform, started

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

SCENARIOS = CHECKOUT / "sipp_scenarios"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A city that rings and announces sooner than a real one, so that the scenarios take a minute."""
    sooner = {"offers": {"ring_seconds": 6}, "waiting": {"announce_seconds": 8}}
    running = Platform(Path(tmp_path_factory.mktemp("scenarios")), sooner)
    with started(running):
        yield running


def run(platform: Platform, *arguments: str, within: float = 60.0) -> tuple[int, dict[str, Any]]:
    done = platform.yht("sipp", "run", *arguments, "--json", within=within)
    assert done.stdout, done.stderr
    return done.returncode, {verdict["name"]: verdict for verdict in json.loads(done.stdout)}


def test_every_scenario_passes_and_leaves_the_platform_as_it_was(platform: Platform) -> None:
    code, verdicts = run(platform, "all", within=240.0)
    assert {
        name: verdict["reasons"] for name, verdict in verdicts.items() if verdict["verdict"] != "passed"
    } == {}
    assert tuple(verdicts) == names(SCENARIOS)
    assert code == 0
    assert platform.channels() == 0
    assert {row["state"] for row in platform.json("agent", "list")} == {"signed_out"}
    contacts = [word for word in platform.asterisk("pjsip show contacts").split() if "/sip:" in word]
    # A trunk that calls out has its contact from the city.
    telephones = [contact for contact in contacts if not contact.startswith("trunk-rehearsal_out/")]
    assert telephones == [], "no telephone is left registered"
    assert list((platform.home / "sipp").iterdir()) == [], "who passes leaves no logs"


def test_a_line_that_is_at_work_is_left_alone(platform: Platform) -> None:
    platform.ok("agent", "sign-in", "1008")
    try:
        code, verdicts = run(platform, "legacy_numbers", "unknown_source")
    finally:
        platform.ok("agent", "sign-out", "1008")
    assert verdicts["legacy_numbers"]["verdict"] == "skipped"
    assert verdicts["legacy_numbers"]["reasons"] == ["in use: agent 1008 is signed in on queue general"]
    assert verdicts["unknown_source"]["verdict"] == "passed"
    assert code == 0


def test_what_is_not_as_expected_fails_with_a_reason_and_its_logs(platform: Platform, tmp_path: Path) -> None:
    shutil.copytree(SCENARIOS / "common", tmp_path / "common")
    shutil.copytree(SCENARIOS / "unknown_source", tmp_path / "unknown_source")
    file = tmp_path / "unknown_source" / "scenario.yaml"
    file.write_text(
        file.read_text(encoding="utf-8").replace('received: "401"', 'received: "403"'), encoding="utf-8"
    )
    code, verdicts = run(platform, "all", "--scenarios", str(tmp_path))
    assert code == 1
    verdict = verdicts["unknown_source"]
    assert verdict["reasons"] == ["expected stranger to receive 403 1 times, saw 0"]
    assert b"SIP/2.0 401" in (Path(verdict["logs"]) / "stranger.log").read_bytes()
