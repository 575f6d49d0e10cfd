"""Scenarios are read whole or refused whole, and what can not work is told before anything is dialed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from acd.rows import Agent, Call, Snapshot
from config import City, ConfigError
from config import load as load_city
from cti.app.sipp.actors import Dialed, calls_of, credentials, rubbish
from cti.app.sipp.booking import NotHere, NotNow, Taken, book
from cti.app.sipp.load import load, names
from cti.app.sipp.model import Scenario
from cti.app.sipp.setting import city_values, own_address
from cti.facts import Fact

pytestmark = pytest.mark.unit

CHECKOUT = Path(__file__).resolve().parents[2]
SCENARIOS = CHECKOUT / "sipp_scenarios"
GOOD = """title: {zh: 试, en: A try}
shows: Something worth showing.
actors:
  agent: {is: agent, does: agent_answers, settings: {ring_ms: 100, talk_ms: $ring_ms}}
  citizen: {is: citizen, does: citizen_stays}
steps:
  - ready: agent
  - dial: citizen
  - wait_for: {call: citizen, fact: queued}
expect:
  calls:
    citizen: {facts: [queued, {offered: {agent: $agent.agent}}]}
"""
EMPTY = Snapshot((0, 0), (), ())

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    (tmp_path / "common").symlink_to(SCENARIOS / "common")

    def write(text: str) -> Path:
        (tmp_path / "try").mkdir(exist_ok=True)
        (tmp_path / "try" / "scenario.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture(scope="module")
def city() -> City:
    return load_city(CHECKOUT / "config" / "sample_city")


@pytest.mark.parametrize("name", names(SCENARIOS))
def test_every_scenario_of_the_house_is_right(name: str) -> None:
    assert load(SCENARIOS, name).scenario.title.zh


@pytest.mark.parametrize(
    ("right", "wrong", "line", "said"),
    [
        ("is: citizen", "is: cat", 5, "write citizen, agent or phone"),
        ("does: citizen_stays", "does: citizen_sings", 5, "there is no citizen_sings.xml"),
        ("dial: citizen", "dial: agent", 8, "there is no citizen 'agent'"),
        ("- dial: citizen", "- dial: citizen\n  - dial: citizen", 9, "has been started before"),
        ("- dial: citizen", "- pause_ms: 5", 5, "is never started"),
        ("- dial: citizen", "- {dial: citizen, pause_ms: 5}", 8, "not exactly one thing to do"),
        ("fact: queued", "fact: cued", 9, "there is no fact 'cued'"),
        ("[queued, ", "[cued, ", 12, "there is no fact 'cued'"),
        ("$agent.agent", "$agent.citizen", 12, "there is no $agent.citizen"),
        ("talk_ms: $ring_ms", "talk_ms: $rang_ms", 4, "there is no $rang_ms"),
        ("shows: Something", "showz: Something", 2, 'there is no field "showz"'),
        ("    citizen: {facts", "    agent: {facts", 12, "there is no citizen 'agent'"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    written: Written, right: str, wrong: str, line: int, said: str
) -> None:
    assert right in GOOD
    with pytest.raises(ConfigError) as error:
        load(written(GOOD.replace(right, wrong, 1)), "try")
    assert any(
        problem.file == "try/scenario.yaml" and problem.line == line and said in str(problem)
        for problem in error.value.problems
    ), str(error.value)


def test_everything_wrong_is_told_at_once(written: Written) -> None:
    text = GOOD.replace("fact: queued", "fact: cued").replace("$agent.agent", "$agent.nobody")
    with pytest.raises(ConfigError) as error:
        load(written(text), "try")
    assert len(error.value.problems) == 2


def scenario(written: Written, *replaced: tuple[str, str]) -> Scenario:
    text = GOOD
    for right, wrong in replaced:
        text = text.replace(right, wrong)
    return load(written(text), "try").scenario


def on_line(written: Written, *lines: str) -> Scenario:
    listed = ", ".join(f'"{line}"' for line in lines)
    return scenario(written, ("actors:\n", f"lines: [{listed}]\nactors:\n"))


def test_a_free_rehearsal_line_is_booked_with_its_agents(written: Written, city: City) -> None:
    booking = book(scenario(written), city, EMPTY, frozenset(), frozenset())
    assert [line.id for line in booking.lines] == ["rehearsal_a"]
    assert booking.agents == {"agent": "1901"}
    assert booking.queues == {"rehearsal_a"}


def test_a_seat_with_a_registered_telephone_is_left_alone(written: Written, city: City) -> None:
    booking = book(scenario(written), city, EMPTY, frozenset({"1901"}), frozenset())
    assert booking.agents == {"agent": "1902"}


def test_another_scenarios_line_is_waited_for(written: Written, city: City) -> None:
    other = book(scenario(written), city, EMPTY, frozenset(), frozenset({"rehearsal_a"}))
    assert other.queues == {"rehearsal_b"}
    with pytest.raises(Taken):
        book(scenario(written), city, EMPTY, frozenset(), frozenset({"rehearsal_a", "rehearsal_b"}))
    with pytest.raises(Taken):
        book(on_line(written, "12319"), city, EMPTY, frozenset(), frozenset({"general"}))


def test_a_line_that_the_city_uses_is_not_disturbed(written: Written, city: City) -> None:
    at_work = Snapshot((0, 0), (Agent("1003", "not_ready", queues=("general",)),), ())
    with pytest.raises(NotNow, match="in use: agent 1003 is signed in on queue general"):
        book(on_line(written, "12319"), city, at_work, frozenset(), frozenset())
    waiting = Snapshot((0, 0), (), (Call("n1-1.1", "waiting", queue="general"),))
    with pytest.raises(NotNow, match="in use: a call is in queue general"):
        book(on_line(written, "12319"), city, waiting, frozenset(), frozenset())
    assert book(scenario(written), city, at_work, frozenset(), frozenset()).agents == {"agent": "1901"}


def test_too_few_free_seats_are_said_with_numbers(written: Written, city: City) -> None:
    everywhere = frozenset(seat.ext for seat in city.seats)
    with pytest.raises(NotNow, match="1 free seats are needed in queue rehearsal_a, 0 are free"):
        book(scenario(written), city, EMPTY, everywhere, frozenset())


def test_a_city_without_the_line_is_told_so(written: Written, city: City) -> None:
    with pytest.raises(NotHere, match="no hotline with the number 96110"):
        book(on_line(written, "96110"), city, EMPTY, frozenset(), frozenset())


def test_calls_are_found_by_caller_else_by_number_and_time() -> None:
    def arrived(call_id: str, at: int, caller: str, number: str = "19001") -> Fact:
        data = {"caller_number": caller, "dialed_number": number, "channel": "c"}
        return Fact(call_id, "call_arrived", at, call_id, data=data)

    facts = [
        arrived("n1-0.0", 5, ""),
        arrived("n1-1.1", 20, "anonymous"),
        arrived("n1-2.2", 21, "13900000002"),
        arrived("n1-3.3", 30, ""),
    ]
    dialed = {
        "late": Dialed("19001", "", 25),
        "known": Dialed("19001", "13900000002", 10),
        "withheld": Dialed("19001", "", 10),
        "missing": Dialed("19001", "", 40),
    }
    assert calls_of(dialed, facts) == {"known": "n1-2.2", "withheld": "n1-1.1", "late": "n1-3.3"}


def test_rubbish_is_always_the_same_and_may_stand_in_an_address() -> None:
    assert rubbish(10_000) == rubbish(10_000)
    assert len(rubbish(10_000)) == 10_000
    assert not set(rubbish(10_000)) & set('@<>"[] \r\n')


def test_a_password_is_handed_over_in_a_file() -> None:
    assert credentials("1901", "s3cret", 0).splitlines() == [
        "SEQUENTIAL",
        "1901;[authentication username=1901 password=s3cret];0",
    ]


def test_the_citys_numbers_and_its_trunks(city: City) -> None:
    values = city_values(city)
    assert values["ring_ms"] == 15_000
    assert values["hotline.12319"] == "12319"
    assert own_address(city.trunks, rehearsal=False) == "127.0.0.2"
    assert own_address(city.trunks, rehearsal=True) == "127.0.0.4"
    assert own_address((), rehearsal=True) == ""
